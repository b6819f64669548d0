#include "bench/workload.h"
#include "core/base/check.h"

#include <arpa/inet.h>
#include <llhttp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

enum { READ_BYTES = 256 * 1024 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             "Content-Length: 15\r\n\r\n{\"created\": 0}\n";

struct null_connection {
    uv_tcp_t tcp;
    llhttp_t parser;
};

/* One thread, one read under way at a time: all connections share the buffer. */
static char read_buffer[READ_BYTES];
static llhttp_settings_t settings;

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
    (void)handle;
    (void)suggested;
    *ret = uv_buf_init(read_buffer, READ_BYTES);
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

static int on_message(llhttp_t *parser) {
    struct null_connection *connection = parser->data;
    uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)answer, sizeof answer - 1);
    return uv_try_write((uv_stream_t *)&connection->tcp, &bytes, 1) == sizeof answer - 1 ? 0 : -1;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer) {
    struct null_connection *connection = stream->data;
    if (got == 0) {
        return;
    }
    if (got < 0 || llhttp_execute(&connection->parser, buffer->base, (size_t)got) != HPE_OK) {
        uv_close((uv_handle_t *)stream, on_closed);
    }
}

static void on_connection(uv_stream_t *server, int status) {
    struct null_connection *connection = calloc(1, sizeof *connection);
    CHECK(status == 0 && connection != NULL);
    int failure = uv_tcp_init(server->loop, &connection->tcp);
    CHECK(failure == 0);
    connection->tcp.data = connection;
    llhttp_init(&connection->parser, HTTP_REQUEST, &settings);
    connection->parser.data = connection;
    failure = uv_accept(server, (uv_stream_t *)&connection->tcp);
    CHECK(failure == 0);
    uv_tcp_nodelay(&connection->tcp, 1);
    uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
}

_Noreturn static void serve(int port_fd) {
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t server;
    struct sockaddr_in address;
    int bytes = sizeof address;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    llhttp_settings_init(&settings);
    settings.on_message_complete = on_message;
    uv_ip4_addr("127.0.0.1", 0, &address);
    if (uv_tcp_init(loop, &server) != 0 ||
        uv_tcp_bind(&server, (const struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&server, 128, on_connection) != 0 ||
        uv_tcp_getsockname(&server, (struct sockaddr *)&address, &bytes) != 0) {
        _exit(1);
    }
    uint16_t port = ntohs(address.sin_port);
    if (write(port_fd, &port, sizeof port) != sizeof port) {
        _exit(1);
    }
    uv_run(loop, UV_RUN_DEFAULT);
    _exit(0);
}

pid_t null_server_start(struct target *ret) {
    int fds[2];
    if (pipe(fds) != 0) {
        die("no pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        serve(fds[1]);
    }
    uint16_t port = 0;
    close(fds[1]);
    if (pid < 0 || read(fds[0], &port, sizeof port) != sizeof port) {
        die("the null server did not start");
    }
    close(fds[0]);
    *ret = (struct target){.host = "127.0.0.1"};
    snprintf(ret->port, sizeof ret->port, "%u", port);
    return pid;
}
