#include "server/process/control.h"

#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct control_server {
    uv_pipe_t listener;
    control_backup_cb backup;
    void *context;
    size_t connections_count;
    bool closing, listener_closed;
    struct control_connection *connections;
};

struct control_connection {
    uv_pipe_t pipe;
    struct control_server *server;
    struct control_connection *next;
    uv_work_t work;
    uv_write_t write;
    bool working; /* a backup is under way: nothing may be freed */
    size_t line_bytes;
    char line[CONTROL_LINE_BYTES_MAX];
    enum status status;
    struct error error;
    char answer[sizeof(struct error) + 16];
};

static void free_if_over(struct control_server *server) {
    if (server->closing && server->listener_closed && server->connections_count == 0) {
        free(server);
    }
}

static void on_listener_closed(uv_handle_t *handle) {
    struct control_server *server = handle->data;
    server->listener_closed = true;
    free_if_over(server);
}

static void on_connection_closed(uv_handle_t *handle) {
    struct control_connection *connection = handle->data;
    struct control_server *server = connection->server;
    struct control_connection **link = &server->connections;
    while (*link != connection) {
        CHECK(*link != NULL);
        link = &(*link)->next;
    }
    *link = connection->next;
    CHECK(server->connections_count > 0);
    server->connections_count--;
    free(connection);
    free_if_over(server);
}

static void connection_close(struct control_connection *connection) {
    if (!connection->working && !uv_is_closing((uv_handle_t *)&connection->pipe)) {
        uv_close((uv_handle_t *)&connection->pipe, on_connection_closed);
    }
}

static void on_written(uv_write_t *write, int result) {
    (void)result;
    connection_close(write->data);
}

/* One answer, then the connection is closed. A message stays on one line. */
static void answer(struct control_connection *connection) {
    char *text = connection->answer;
    for (char *at = connection->error.message; *at != '\0'; at++) {
        if (*at == '\n') {
            *at = ' ';
        }
    }
    if (connection->status == STATUS_OK) {
        snprintf(text, sizeof connection->answer, "ok\n");
    } else {
        snprintf(text, sizeof connection->answer, "error %s\n", connection->error.message);
    }
    uv_buf_t bytes = uv_buf_init(text, (unsigned)strlen(text));
    connection->write.data = connection;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->pipe, &bytes, 1, on_written) !=
        0) {
        connection_close(connection);
    }
}

static void backup_work(uv_work_t *work) {
    struct control_connection *connection = work->data;
    const char *to = connection->line + strlen("backup ");
    connection->server->backup(connection->server->context, to, &connection->status,
                               &connection->error);
}

static void backup_done(uv_work_t *work, int result) {
    struct control_connection *connection = work->data;
    connection->working = false;
    if (result != 0) {
        connection->status =
            error_set(&connection->error, STATUS_BUSY, "the server is stopping", NULL, NULL);
    }
    if (connection->server->closing) {
        connection_close(connection);
        return;
    }
    answer(connection);
}

static void refuse(struct control_connection *connection, const char *why) {
    connection->status = error_set(&connection->error, STATUS_INVALID, why, NULL, NULL);
    answer(connection);
}

static void run_line(struct control_connection *connection) {
    const char *path = connection->line + strlen("backup ");
    if (strncmp(connection->line, "backup ", strlen("backup ")) != 0) {
        refuse(connection, "the control socket knows only: backup PATH");
        return;
    }
    if (path[0] != '/') {
        refuse(connection, "the path of a backup must be absolute");
        return;
    }
    connection->work.data = connection;
    connection->working =
        uv_queue_work(connection->pipe.loop, &connection->work, backup_work, backup_done) == 0;
    if (!connection->working) {
        refuse(connection, "no work can be queued");
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
    struct control_connection *connection = handle->data;
    (void)suggested;
    *ret = uv_buf_init(connection->line + connection->line_bytes,
                       (unsigned)(sizeof connection->line - connection->line_bytes));
}

static void on_read(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buffer) {
    struct control_connection *connection = stream->data;
    (void)buffer;
    if (bytes < 0) {
        connection_close(connection);
        return;
    }
    connection->line_bytes += (size_t)bytes;
    CHECK(connection->line_bytes <= sizeof connection->line);
    char *end = memchr(connection->line, '\n', connection->line_bytes);
    if (end == NULL && connection->line_bytes < sizeof connection->line) {
        return;
    }
    uv_read_stop(stream);
    if (end == NULL || memchr(connection->line, '\0', (size_t)(end - connection->line)) != NULL) {
        refuse(connection, "the line is too long or holds a NUL byte");
        return;
    }
    *end = '\0';
    run_line(connection);
}

/* Past the bound a connection is taken and closed at once: left in the backlog it would wake the
 * loop again and again. */
static void on_connection(uv_stream_t *listener, int result) {
    struct control_server *server = listener->data;
    if (result != 0 || server->closing) {
        return;
    }
    struct control_connection *connection = calloc(1, sizeof *connection);
    CHECK(connection != NULL);
    CHECK(uv_pipe_init(listener->loop, &connection->pipe, 0) == 0);
    connection->server = server;
    connection->pipe.data = connection;
    connection->next = server->connections;
    server->connections = connection;
    server->connections_count++;
    uv_stream_t *stream = (uv_stream_t *)&connection->pipe;
    if (uv_accept(listener, stream) != 0 || server->connections_count > CONTROL_CONNECTIONS_MAX ||
        uv_read_start(stream, on_alloc, on_read) != 0) {
        connection_close(connection);
    }
}

/* Nobody can connect between bind and listen, so the mode is right before the first peer. */
static int listen_at(struct control_server *server, const char *path) {
    unlink(path);
    int result = uv_pipe_bind(&server->listener, path);
    if (result == 0 && chmod(path, S_IRUSR | S_IWUSR) != 0) {
        result = UV_EACCES;
    }
    return result != 0 ? result
                       : uv_listen((uv_stream_t *)&server->listener, CONTROL_CONNECTIONS_MAX,
                                   on_connection);
}

enum status control_server_new(struct control_server **ret, uv_loop_t *loop, const char *path,
                               control_backup_cb backup, void *context, struct error *error) {
    if (strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return error_set(error, STATUS_INVALID, path, ": too long for a socket's path", NULL);
    }
    struct control_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return error_set(error, STATUS_NO_MEMORY, path, ": out of memory", NULL);
    }
    server->backup = backup;
    server->context = context;
    CHECK(uv_pipe_init(loop, &server->listener, 0) == 0);
    server->listener.data = server;
    int result = listen_at(server, path);
    if (result != 0) {
        control_server_free(server);
        return error_set(error, STATUS_IO, path, ": ", uv_strerror(result));
    }
    *ret = server;
    return STATUS_OK;
}

void control_server_free(struct control_server *server) {
    if (server == NULL) {
        return;
    }
    CHECK(!server->closing);
    server->closing = true;
    for (struct control_connection *at = server->connections; at != NULL; at = at->next) {
        connection_close(at);
    }
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
}
