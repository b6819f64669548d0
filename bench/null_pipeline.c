/* The limit of what gridd could be: HTTP, every token of every line read, packed with LZ4, appended
 * to one file and synced before the answer; nothing is kept, looked up or told. A thread writes
 * what came together, as gridd's committer does. */
#include "bench/workload.h"
#include "core/base/check.h"
#include "core/text/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <llhttp.h>
#include <lz4.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

enum { READ_BYTES = 256 * 1024 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: 15\r\n\r\n{\"created\": 0}\n";

struct upload {
    struct upload *next;
    uv_tcp_t tcp;
    llhttp_t parser;
    struct buffer body, packed;
};

/* One of them in a process of its own. */
static struct pipeline {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t written;
    llhttp_settings_t settings;
    struct json_reader reader;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct upload *waiting, *done; /* lists, newest first */
    char read_bytes[READ_BYTES];
} pipeline;

static struct upload *take_list(struct upload **list) {
    struct upload *taken = *list;
    *list = NULL;
    return taken;
}

static void append(const struct upload *upload) {
    struct slice left = buffer_slice(&upload->packed);
    while (left.bytes > 0) {
        ssize_t wrote = write(pipeline.fd, left.data, left.bytes);
        CHECK(wrote > 0);
        left = (struct slice){left.data + wrote, left.bytes - (size_t)wrote};
    }
}

/* All that waits is one write to the disk. */
static void *write_all(void *context) {
    (void)context;
    for (;;) {
        pthread_mutex_lock(&pipeline.lock);
        while (pipeline.waiting == NULL) {
            pthread_cond_wait(&pipeline.wake, &pipeline.lock);
        }
        struct upload *group = take_list(&pipeline.waiting), *last = group;
        pthread_mutex_unlock(&pipeline.lock);
        for (struct upload *upload = group; upload != NULL; upload = upload->next) {
            append(upload);
            last = upload;
        }
        int failure = fdatasync(pipeline.fd);
        CHECK(failure == 0);
        pthread_mutex_lock(&pipeline.lock);
        last->next = pipeline.done;
        pipeline.done = group;
        pthread_mutex_unlock(&pipeline.lock);
        uv_async_send(&pipeline.written);
    }
    return NULL;
}

static void on_written(uv_async_t *handle) {
    (void)handle;
    pthread_mutex_lock(&pipeline.lock);
    struct upload *upload = take_list(&pipeline.done);
    pthread_mutex_unlock(&pipeline.lock);
    while (upload != NULL) {
        struct upload *next = upload->next;
        uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)answer, sizeof answer - 1);
        int sent = uv_try_write((uv_stream_t *)&upload->tcp, &bytes, 1);
        CHECK(sent == sizeof answer - 1);
        upload = next;
    }
}

static void read_tokens(struct slice body) {
    const struct json_bounds bounds = {.depth = 32, .keys = 256, .string_bytes = 16384};
    const uint8_t *at = body.data, *end = body.data + body.bytes;
    while (at < end) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        line_end = line_end == NULL ? end : line_end;
        json_init(&pipeline.reader, &bounds, (struct slice){at, (size_t)(line_end - at)});
        enum json_kind kind;
        do {
            kind = json_next(&pipeline.reader).kind;
            CHECK(kind != JSON_ERROR);
        } while (kind != JSON_DONE);
        at = line_end + 1;
    }
}

static int on_body(llhttp_t *parser, const char *data, size_t bytes) {
    struct upload *upload = parser->data;
    buffer_append(&upload->body, data, bytes);
    return 0;
}

static int on_message(llhttp_t *parser) {
    struct upload *upload = parser->data;
    struct slice body = buffer_slice(&upload->body);
    int bound = LZ4_compressBound((int)body.bytes);
    read_tokens(body);
    buffer_reset(&upload->packed);
    uint8_t *to = buffer_reserve(&upload->packed, (size_t)bound);
    upload->packed.bytes =
        (size_t)LZ4_compress_fast((const char *)body.data, (char *)to, (int)body.bytes, bound, 4);
    buffer_reset(&upload->body);
    pthread_mutex_lock(&pipeline.lock);
    upload->next = pipeline.waiting;
    pipeline.waiting = upload;
    pthread_cond_signal(&pipeline.wake);
    pthread_mutex_unlock(&pipeline.lock);
    return 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
    (void)handle;
    (void)suggested;
    *ret = uv_buf_init(pipeline.read_bytes, READ_BYTES);
}

static void on_closed(uv_handle_t *handle) {
    struct upload *upload = handle->data;
    buffer_deinit(&upload->body);
    buffer_deinit(&upload->packed);
    free(upload);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
    struct upload *upload = stream->data;
    if (got != 0 &&
        (got < 0 || llhttp_execute(&upload->parser, buffer->base, (size_t)got) != HPE_OK)) {
        uv_close((uv_handle_t *)stream, on_closed);
    }
}

static void on_connection(uv_stream_t *server, int status) {
    struct upload *upload = calloc(1, sizeof *upload);
    CHECK(status == 0 && upload != NULL);
    int failure = uv_tcp_init(server->loop, &upload->tcp);
    CHECK(failure == 0);
    upload->tcp.data = upload;
    buffer_init(&upload->body);
    buffer_init(&upload->packed);
    llhttp_init(&upload->parser, HTTP_REQUEST, &pipeline.settings);
    upload->parser.data = upload;
    failure = uv_accept(server, (uv_stream_t *)&upload->tcp);
    CHECK(failure == 0);
    uv_tcp_nodelay(&upload->tcp, 1);
    uv_read_start((uv_stream_t *)&upload->tcp, on_alloc, on_read);
}

static bool listen_anywhere(uint16_t *ret_port) {
    struct sockaddr_in address;
    int bytes = sizeof address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    bool ok = uv_tcp_init(&pipeline.loop, &pipeline.listener) == 0 &&
              uv_tcp_bind(&pipeline.listener, (const struct sockaddr *)&address, 0) == 0 &&
              uv_listen((uv_stream_t *)&pipeline.listener, 128, on_connection) == 0 &&
              uv_tcp_getsockname(&pipeline.listener, (struct sockaddr *)&address, &bytes) == 0;
    *ret_port = ntohs(address.sin_port);
    return ok;
}

_Noreturn static void serve(int port_fd, const char *directory) {
    pthread_t writer;
    uint16_t port;
    char path[4096];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(path, sizeof path, "%s/gridd-bench-pipeline-XXXXXX", directory);
    pipeline.fd = mkstemp(path);
    unlink(path);
    llhttp_settings_init(&pipeline.settings);
    pipeline.settings.on_body = on_body;
    pipeline.settings.on_message_complete = on_message;
    pthread_mutex_init(&pipeline.lock, NULL);
    pthread_cond_init(&pipeline.wake, NULL);
    if (pipeline.fd < 0 || uv_loop_init(&pipeline.loop) != 0 ||
        uv_async_init(&pipeline.loop, &pipeline.written, on_written) != 0 ||
        !listen_anywhere(&port) || pthread_create(&writer, NULL, write_all, NULL) != 0 ||
        write(port_fd, &port, sizeof port) != sizeof port) {
        _exit(1);
    }
    uv_run(&pipeline.loop, UV_RUN_DEFAULT);
    _exit(0);
}

pid_t null_pipeline_start(struct target *ret, const char *directory) {
    int fds[2];
    if (pipe(fds) != 0) {
        die("no pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        serve(fds[1], directory);
    }
    uint16_t port = 0;
    close(fds[1]);
    if (pid < 0 || read(fds[0], &port, sizeof port) != sizeof port) {
        die("the null pipeline did not start: %s", strerror(errno));
    }
    close(fds[0]);
    *ret = (struct target){.host = "127.0.0.1"};
    snprintf(ret->port, sizeof ret->port, "%u", port);
    return pid;
}
