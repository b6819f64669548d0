#include "bench/client.h"

#include "bench/clock.h"
#include "core/base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    HEAD_BYTES_MAX = 1024,
    EVENTS_MAX = 256,
    ANSWER_BYTES_MIN = 16384,
    IDLE_CHECK_NS = 1000000000
};

struct connection {
    int fd;
    bool sending, receiving;
    bool closing; /* the server said that it closes after this answer */
    char head[HEAD_BYTES_MAX];
    size_t head_bytes, sent_bytes;
    struct client_request request;
    uint64_t started_ns, idle_since_ns;
    char *answer;
    size_t answer_bytes, answer_room;
    size_t answer_head_bytes; /* 0: not whole yet */
    size_t answer_whole_bytes;
    unsigned status;
};

struct client {
    const struct client_options *options;
    struct connection *connections;
    int epoll_fd;
    uint32_t under_way;
    bool exhausted;
    uint64_t start_ns;
    uint64_t sent_count;
};

static void request_begin(struct connection *connection, const struct target *target) {
    const struct client_request *request = &connection->request;
    int bytes = snprintf(connection->head, HEAD_BYTES_MAX, "%s %s HTTP/1.1\r\nHost: %s\r\n",
                         request->method, request->path, target->host);
    if (request->content_type != NULL) {
        bytes += snprintf(connection->head + bytes, HEAD_BYTES_MAX - (size_t)bytes,
                          "Content-Type: %s\r\nContent-Length: %zu\r\n", request->content_type,
                          request->body.bytes);
    }
    const char *token = getenv("GRIDD_TOKEN");
    if (token != NULL) {
        bytes += snprintf(connection->head + bytes, HEAD_BYTES_MAX - (size_t)bytes,
                          "Authorization: Bearer %s\r\n", token);
    }
    bytes += snprintf(connection->head + bytes, HEAD_BYTES_MAX - (size_t)bytes, "\r\n");
    CHECK(bytes < HEAD_BYTES_MAX);
    connection->head_bytes = (size_t)bytes;
    connection->sent_bytes = 0;
    connection->answer_bytes = 0;
    connection->answer_head_bytes = 0;
    connection->sending = true;
    connection->receiving = true;
}

/* Sends what the socket takes. */
static void request_send(struct connection *connection) {
    struct slice body = connection->request.body;
    size_t all_bytes = connection->head_bytes + body.bytes;
    while (connection->sent_bytes < all_bytes) {
        struct iovec parts[2];
        int count = 0;
        size_t done = connection->sent_bytes;
        if (done < connection->head_bytes) {
            parts[count++] = (struct iovec){connection->head + done, connection->head_bytes - done};
            done = connection->head_bytes;
        }
        size_t body_done = done - connection->head_bytes;
        if (body_done < body.bytes) {
            parts[count++] =
                (struct iovec){(void *)(uintptr_t)(body.data + body_done), body.bytes - body_done};
        }
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (sent < 0) {
            die("sending to the server failed: %s", strerror(errno));
        }
        connection->sent_bytes += (size_t)sent;
    }
    connection->sending = false;
}

/* Reads the status line and Content-Length once the head is whole. */
static bool answer_head(struct connection *connection) {
    char *end = memmem(connection->answer, connection->answer_bytes, "\r\n\r\n", 4);
    if (end == NULL) {
        return false;
    }
    connection->answer_head_bytes = (size_t)(end + 4 - connection->answer);
    *end = '\0'; /* the head is text now */
    const char *length = strcasestr(connection->answer, "\r\ncontent-length:");
    if (strncmp(connection->answer, "HTTP/1.1 ", 9) != 0 || length == NULL) {
        die("an answer was not what this client reads: %.80s", connection->answer);
    }
    connection->closing = strcasestr(connection->answer, "\r\nconnection: close") != NULL;
    connection->status = (unsigned)strtoul(connection->answer + 9, NULL, 10);
    connection->answer_whole_bytes =
        connection->answer_head_bytes + (size_t)strtoull(length + 17, NULL, 10);
    return true;
}

/* True when the answer is whole. */
static bool answer_read(struct connection *connection) {
    for (;;) {
        if (connection->answer_room - connection->answer_bytes < ANSWER_BYTES_MIN) {
            connection->answer_room = connection->answer_room * 2 + 2 * (size_t)ANSWER_BYTES_MIN;
            connection->answer = realloc(connection->answer, connection->answer_room);
            CHECK(connection->answer != NULL);
        }
        ssize_t got = recv(connection->fd, connection->answer + connection->answer_bytes,
                           connection->answer_room - connection->answer_bytes - 1, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return false;
        }
        if (got <= 0) {
            die("the server closed a connection before its answer: %s",
                got == 0 ? "end of stream" : strerror(errno));
        }
        connection->answer_bytes += (size_t)got;
        if ((connection->answer_head_bytes > 0 || answer_head(connection)) &&
            connection->answer_bytes >= connection->answer_whole_bytes) {
            return true;
        }
    }
}

static void connection_open(struct client *client, uint32_t index) {
    struct connection *connection = &client->connections[index];
    connection->fd = target_connect(client->options->target);
    connection->closing = false;
    connection->idle_since_ns = monotonic_ns();
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = index};
    int failure = epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
    CHECK(failure == 0);
}

/* A server closes connections that are idle for long; one that was is made anew. */
static void connection_renew(struct client *client, uint32_t index, uint64_t now_ns) {
    struct connection *connection = &client->connections[index];
    char byte;
    if (now_ns - connection->idle_since_ns > IDLE_CHECK_NS &&
        recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
        close(connection->fd);
        connection_open(client, index);
    }
}

static uint64_t planned_ns(const struct client *client) {
    return client->start_ns + (uint64_t)((double)client->sent_count * 1e9 / client->options->rate);
}

/* Gives an idle connection the next request, if it is time for one. */
static void connection_next(struct client *client, uint32_t index) {
    struct connection *connection = &client->connections[index];
    const struct client_options *options = client->options;
    uint64_t now_ns = monotonic_ns();
    uint64_t started_ns = options->rate > 0 ? planned_ns(client) : now_ns;
    if (client->exhausted || connection->receiving || started_ns > now_ns) {
        return;
    }
    if (!options->next(options->context, index, &connection->request)) {
        client->exhausted = true;
        return;
    }
    connection_renew(client, index, now_ns);
    connection->started_ns = started_ns;
    client->sent_count++;
    client->under_way++;
    request_begin(connection, options->target);
    request_send(connection);
}

static void connection_event(struct client *client, uint32_t index) {
    struct connection *connection = &client->connections[index];
    if (connection->sending) {
        request_send(connection);
    }
    if (!connection->receiving || !answer_read(connection)) {
        return;
    }
    connection->receiving = false;
    client->under_way--;
    size_t head_bytes = connection->answer_head_bytes;
    connection->answer[connection->answer_whole_bytes] = '\0';
    const struct client_answer answer = {.status = connection->status,
                                         .body = {(uint8_t *)connection->answer + head_bytes,
                                                  connection->answer_whole_bytes - head_bytes},
                                         .tag = connection->request.tag,
                                         .started_ns = connection->started_ns,
                                         .done_ns = monotonic_ns()};
    connection->idle_since_ns = answer.done_ns;
    client->options->answered(client->options->context, &answer);
    client->exhausted = false; /* a request that was refused may come again */
    if (connection->closing) {
        close(connection->fd);
        connection_open(client, index);
    }
    connection_next(client, index);
}

/* Until the next planned request; a closed loop only waits for answers. */
static struct timespec wait_time(const struct client *client) {
    uint64_t wait_ns = UINT64_C(1000000000);
    if (client->options->rate > 0 && !client->exhausted &&
        client->under_way < client->options->connections) {
        uint64_t planned = planned_ns(client), now_ns = monotonic_ns();
        wait_ns = planned > now_ns ? min_u64(planned - now_ns, wait_ns) : 0;
    }
    return (struct timespec){(time_t)(wait_ns / 1000000000), (long)(wait_ns % 1000000000)};
}

static void open_connections(struct client *client) {
    uint32_t count = client->options->connections;
    client->connections = calloc(count, sizeof *client->connections);
    client->epoll_fd = epoll_create1(0);
    CHECK(client->connections != NULL && client->epoll_fd >= 0);
    for (uint32_t i = 0; i < count; i++) {
        connection_open(client, i);
    }
}

static void close_connections(struct client *client) {
    for (uint32_t i = 0; i < client->options->connections; i++) {
        close(client->connections[i].fd);
        free(client->connections[i].answer);
    }
    close(client->epoll_fd);
    free(client->connections);
}

uint64_t client_run(const struct client_options *options) {
    struct client client = {.options = options};
    open_connections(&client);
    client.start_ns = monotonic_ns();
    while (!client.exhausted || client.under_way > 0) {
        for (uint32_t i = 0; i < options->connections && !client.exhausted; i++) {
            connection_next(&client, i);
        }
        if (client.exhausted && client.under_way == 0) {
            break;
        }
        struct epoll_event events[EVENTS_MAX];
        struct timespec wait = wait_time(&client);
        int count = epoll_pwait2(client.epoll_fd, events, EVENTS_MAX, &wait, NULL);
        for (int i = 0; i < count; i++) {
            connection_event(&client, events[i].data.u32);
        }
    }
    uint64_t took_ns = monotonic_ns() - client.start_ns;
    close_connections(&client);
    return took_ns;
}

struct one_call {
    const struct client_request *request;
    unsigned status;
    char *body;
};

static bool one_next(void *context, uint32_t connection, struct client_request *ret) {
    struct one_call *call = context;
    (void)connection;
    if (call->request == NULL) {
        return false;
    }
    *ret = *call->request;
    call->request = NULL;
    return true;
}

static void one_answered(void *context, const struct client_answer *answer) {
    struct one_call *call = context;
    call->status = answer->status;
    free(call->body);
    call->body = strndup((const char *)answer->body.data, answer->body.bytes);
}

unsigned client_call(const struct target *target, const struct client_request *request,
                     char **ret_body) {
    struct one_call call = {.request = request};
    const struct client_options options = {.target = target,
                                           .connections = 1,
                                           .context = &call,
                                           .next = one_next,
                                           .answered = one_answered};
    (void)client_run(&options);
    CHECK(call.body != NULL);
    *ret_body = call.body;
    return call.status;
}
