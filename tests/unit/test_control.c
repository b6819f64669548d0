#include "server/process/control.h"
#include "tests/unit/support.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[4096], socket_path[4200], asked_for[4200];

static void backup(void *context, const char *to, enum status *ret_status,
                   struct error *ret_error) {
    assert_ptr_equal(context, asked_for);
    snprintf(asked_for, sizeof asked_for, "%s", to);
    *ret_status = strcmp(to, "/full") == 0
                      ? error_set(ret_error, STATUS_NO_SPACE, "no room\nat all", NULL, NULL)
                      : STATUS_OK;
}

/* One client at a time on a thread of its own; its end stops the loop. */
struct client {
    const char *to;  /* for control_ask_backup, or */
    const char *raw; /* bytes to send as they are */
    size_t raw_bytes;
    enum status status;
    struct error error;
    char answer[1024];
    uv_async_t over;
};

static void raw_talk(struct client *client) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        abort();
    }
    ssize_t sent = send(fd, client->raw, client->raw_bytes, MSG_NOSIGNAL);
    (void)sent;
    shutdown(fd, SHUT_WR);
    size_t used = 0;
    ssize_t got;
    while ((got = recv(fd, client->answer + used, sizeof client->answer - 1 - used, 0)) > 0) {
        used += (size_t)got;
    }
    client->answer[used] = '\0';
    close(fd);
}

static void *run_client(void *argument) {
    struct client *client = argument;
    if (client->raw != NULL) {
        raw_talk(client);
    } else {
        client->status = control_ask_backup(socket_path, client->to, &client->error);
    }
    uv_async_send(&client->over);
    return NULL;
}

static void on_over(uv_async_t *async) {
    uv_stop(async->loop);
}

static void talk(struct client *client) {
    uv_loop_t loop;
    struct control_server *server;
    struct error error;
    pthread_t thread;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_async_init(&loop, &client->over, on_over), 0);
    asked_for[0] = '\0';
    assert_int_equal(control_server_new(&server, &loop, socket_path, backup, asked_for, &error),
                     STATUS_OK);
    struct stat st;
    assert_int_equal(stat(socket_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(pthread_create(&thread, NULL, run_client, client), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    control_server_free(server);
    uv_close((uv_handle_t *)&client->over, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_backup_is_asked_for_and_answered(void **state) {
    (void)state;
    struct client client = {.to = "/srv/备份 1"};
    talk(&client);
    assert_int_equal(client.status, STATUS_OK);
    assert_string_equal(asked_for, "/srv/备份 1");
}

static void a_failure_brings_its_message_on_one_line(void **state) {
    (void)state;
    struct client client = {.to = "/full"};
    talk(&client);
    assert_int_equal(client.status, STATUS_IO);
    assert_string_equal(client.error.message, "no room at all");
}

static void raw(const char *bytes, size_t count, const char *answer) {
    struct client client = {.raw = bytes, .raw_bytes = count};
    talk(&client);
    if (strstr(client.answer, answer) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", client.answer, answer);
    }
    assert_string_equal(asked_for, "");
}

static void hostile_lines_are_refused(void **state) {
    (void)state;
    static char longer[CONTROL_LINE_BYTES_MAX + 1];
    memset(longer, 'x', sizeof longer);
    raw(longer, sizeof longer - 1, "error the line is too long");
    raw("backup relative\n", 16, "error the path of a backup must be absolute");
    raw("shutdown\n", 9, "error the control socket knows only");
    raw("\n", 1, "error the control socket knows only");
    raw("backup /a\0b\n", 12, "error the line is too long or holds a NUL");
    raw("backup /half", 12, "");
    raw("", 0, "");
}

static void a_socket_left_behind_is_replaced(void **state) {
    (void)state;
    FILE *file = fopen(socket_path, "w");
    assert_non_null(file);
    fclose(file);
    struct client client = {.to = "/b"};
    talk(&client);
    assert_int_equal(client.status, STATUS_OK);
}

static void nobody_there_is_not_found(void **state) {
    (void)state;
    struct error error;
    unlink(socket_path);
    assert_int_equal(control_ask_backup(socket_path, "/b", &error), STATUS_NOT_FOUND);
    assert_int_equal(control_ask_backup(socket_path, "/a\nb", &error), STATUS_INVALID);
}

static void paths_are_bounded_by_the_socket(void **state) {
    (void)state;
    char path[200];
    uv_loop_t loop;
    struct error error;
    struct control_server *server;
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    size_t used = (size_t)snprintf(path, sizeof path, "%s/", directory);
    memset(path + used, 'x', sizeof path - used);
    assert_int_equal(uv_loop_init(&loop), 0);
    path[most + 1] = '\0';
    assert_int_equal(control_server_new(&server, &loop, path, backup, NULL, &error),
                     STATUS_INVALID);
    path[most] = '\0';
    assert_int_equal(control_server_new(&server, &loop, path, backup, NULL, &error), STATUS_OK);
    assert_int_equal(access(path, F_OK), 0);
    control_server_free(server);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(control_server_new(&server, &loop, "/nonexistent/s", backup, NULL, &error),
                     STATUS_IO);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_is_asked_for_and_answered),
        cmocka_unit_test(a_failure_brings_its_message_on_one_line),
        cmocka_unit_test(hostile_lines_are_refused),
        cmocka_unit_test(a_socket_left_behind_is_replaced),
        cmocka_unit_test(nobody_there_is_not_found),
        cmocka_unit_test(paths_are_bounded_by_the_socket),
    };
    snprintf(directory, sizeof directory, "%s", support_temporary_directory());
    snprintf(socket_path, sizeof socket_path, "%s/control.sock", directory);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    support_remove_tree(directory);
    return failures;
}
