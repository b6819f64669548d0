#include "server/process/notify.h"
#include "tests/unit/support.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int manager;
static char path[64];

/* A manager's socket, of which the process under test is told. */
static void listen_as_manager(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(path, sizeof path, "%s-%d", name, (int)getpid());
    memcpy(address.sun_path, path, strlen(path));
    address.sun_path[0] = path[0] == '@' ? '\0' : path[0];
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    assert_int_equal(bind(manager, (struct sockaddr *)&address, bytes), 0);
    setenv("NOTIFY_SOCKET", path, 1);
}

static void assert_told(const char *text) {
    char got[2048];
    ssize_t bytes = recv(manager, got, sizeof got - 1, 0);
    assert_true(bytes > 0);
    got[bytes] = '\0';
    assert_string_equal(got, text);
}

static void assert_silent(void) {
    char got[16];
    assert_int_equal(recv(manager, got, sizeof got, 0), -1);
    assert_int_equal(errno, EAGAIN);
}

static void what_is_sent_arrives_by_path_and_by_abstract_name(void **state) {
    (void)state;
    const char *const names[] = {"/tmp/gridd-notify", "@gridd-notify"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct notify notify;
        listen_as_manager(names[i]);
        notify_init(&notify);
        assert_null(getenv("NOTIFY_SOCKET"));
        notify_send(&notify, "READY=1\nSTATUS=serving");
        assert_told("READY=1\nSTATUS=serving");
        notify_deinit(&notify);
        close(manager);
        unlink(path);
    }
}

static void the_watchdog_is_fed_only_while_the_loop_turns(void **state) {
    (void)state;
    struct notify notify;
    listen_as_manager("@gridd-watchdog");
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_init(&notify);
    notify_lag(&notify, 999);
    notify_watchdog(&notify);
    assert_told("WATCHDOG=1");
    notify_lag(&notify, 1000);
    notify_lag(&notify, 1);
    notify_watchdog(&notify);
    assert_silent();
    notify_watchdog(&notify);
    assert_told("WATCHDOG=1");
    notify_deinit(&notify);
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    notify_init(&notify);
    notify_watchdog(&notify); /* meant for another process */
    assert_silent();
    notify_deinit(&notify);
    close(manager);
}

static void without_a_manager_nothing_happens(void **state) {
    (void)state;
    const char *const wrong[] = {"", "@", "relative", "/nowhere/at/all"};
    struct notify notify;
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        setenv("NOTIFY_SOCKET", wrong[i], 1);
        notify_init(&notify);
        assert_int_equal(notify.fd >= 0, i == 3);
        notify_send(&notify, "READY=1");
        notify_deinit(&notify);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_arrives_by_path_and_by_abstract_name),
        cmocka_unit_test(the_watchdog_is_fed_only_while_the_loop_turns),
        cmocka_unit_test(without_a_manager_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
