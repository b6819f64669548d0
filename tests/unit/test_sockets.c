#include "server/process/sockets.h"
#include "tests/unit/support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];

static void pass(int count, const char *names) {
    char text[32];
    snprintf(text, sizeof text, "%d", (int)getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof text, "%d", count);
    setenv("LISTEN_FDS", text, 1);
    setenv("LISTEN_FDNAMES", names, 1);
}

/* Puts a listening unix socket at descriptor `at`, where a manager would leave it. */
static void listen_at(int at) {
    struct error error;
    int fd;
    snprintf(path, sizeof path, "/tmp/gridd-sockets-%d", (int)getpid());
    assert_int_equal(socket_listen_unix(&fd, path, &error), STATUS_OK);
    if (fd != at) {
        assert_int_equal(dup2(fd, at), at);
        close(fd);
    }
}

static void a_left_socket_is_replaced_and_others_may_not_open_it(void **state) {
    (void)state;
    struct error error;
    struct stat file;
    char text[SOCKET_TEXT_BYTES], long_path[200];
    int first, second;
    snprintf(path, sizeof path, "/tmp/gridd-sockets-%d", (int)getpid());
    assert_int_equal(socket_listen_unix(&first, path, &error), STATUS_OK);
    assert_int_equal(socket_listen_unix(&second, path, &error), STATUS_OK);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0660);
    socket_text(second, text);
    assert_string_equal(text + 5, path);
    close(first);
    close(second);
    memset(long_path, 'x', sizeof long_path); /* 108 bytes have no room for the NUL */
    long_path[108] = '\0';
    assert_int_equal(socket_listen_unix(&first, long_path, &error), STATUS_INVALID);
    assert_int_equal(socket_listen_unix(&first, "", &error), STATUS_INVALID);
    unlink(path);
}

static void passed_sockets_are_told_apart_by_name(void **state) {
    (void)state;
    struct passed_sockets passed;
    struct error error;
    listen_at(3);
    listen_at(4);
    pass(2, "gridd.socket:admin");
    assert_int_equal(passed_sockets_take(&passed, &error), STATUS_OK);
    assert_int_equal(passed.api, 3);
    assert_int_equal(passed.admin, 4);
    assert_int_equal(fcntl(3, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_null(getenv("LISTEN_FDS"));
    assert_int_equal(passed_sockets_take(&passed, &error), STATUS_OK);
    assert_int_equal(passed.api, -1);
    pass(2, "api:other");
    assert_int_equal(passed_sockets_take(&passed, &error), STATUS_INVALID);
    pass(17, "");
    assert_int_equal(passed_sockets_take(&passed, &error), STATUS_INVALID);
    pass(2, "api");
    setenv("LISTEN_PID", "1", 1); /* for another process */
    assert_int_equal(passed_sockets_take(&passed, &error), STATUS_OK);
    assert_true(passed.api == -1 && passed.admin == -1);
    close(4);
    pass(2, "api");
    assert_int_equal(passed_sockets_take(&passed, &error), STATUS_INVALID);
    close(3);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_left_socket_is_replaced_and_others_may_not_open_it),
        cmocka_unit_test(passed_sockets_are_told_apart_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
