#include "server/process/notify.h"

#include "core/base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LAG_MAX_MS = 1000, TEXT_BYTES_MAX = 1024 };

/* A path, or with @ in front a name of the abstract space. */
static bool read_address(struct notify *notify, const char *text) {
    size_t bytes = strlen(text);
    bool sound = (text[0] == '/' || text[0] == '@') && bytes > 1;
    if (!sound || bytes >= sizeof notify->address.sun_path) {
        return false;
    }
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, text, bytes);
    if (text[0] == '@') {
        notify->address.sun_path[0] = '\0';
    }
    notify->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes);
    return true;
}

static bool is_watched(void) {
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    return usec != NULL && strtoull(usec, NULL, 10) > 0 &&
           (pid == NULL || strtoull(pid, NULL, 10) == (unsigned long long)getpid());
}

void notify_init(struct notify *notify) {
    *notify = (struct notify){.fd = -1};
    const char *text = getenv("NOTIFY_SOCKET");
    if (text != NULL && read_address(notify, text)) {
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        notify->watched = is_watched();
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_deinit(struct notify *notify) {
    if (notify->fd >= 0) {
        close(notify->fd);
    }
    notify->fd = -1;
}

void notify_send(const struct notify *notify, const char *text) {
    size_t bytes = strlen(text);
    CHECK(bytes <= TEXT_BYTES_MAX);
    if (notify->fd >= 0) {
        ssize_t sent = sendto(notify->fd, text, bytes, MSG_NOSIGNAL,
                              (const struct sockaddr *)&notify->address, notify->address_bytes);
        (void)sent; /* who does not listen is not told */
    }
}

void notify_reloading(const struct notify *notify) {
    struct timespec now;
    char text[96];
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    notify_send(notify, text);
}

void notify_lag(struct notify *notify, uint64_t lag_ms) {
    notify->lag_ms = max_u64(notify->lag_ms, lag_ms);
}

void notify_watchdog(struct notify *notify) {
    if (notify->watched && notify->lag_ms < LAG_MAX_MS) {
        notify_send(notify, "WATCHDOG=1");
    }
    notify->lag_ms = 0;
}
