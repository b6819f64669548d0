/* What a service manager is told: systemd's notification protocol (sd_notify(3)), datagrams of
 * NAME=VALUE lines to the socket that NOTIFY_SOCKET names. Without one nothing is sent. Sending
 * never blocks and never fails the caller. */
#ifndef SERVER_PROCESS_NOTIFY_H
#define SERVER_PROCESS_NOTIFY_H

#include "core/base/base.h"

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t address_bytes;
    bool watched;    /* WATCHDOG_USEC is set, and for this process */
    uint64_t lag_ms; /* worst of the loop since notify_watchdog was last called */
};

/* Reads the environment and takes what it read out of it. */
void notify_init(struct notify *notify);
void notify_deinit(struct notify *notify);
/* "READY=1\nSTATUS=..." as it is; at most 1,024 bytes. */
void notify_send(const struct notify *notify, const char *text);
/* RELOADING=1 with the time that it needs; READY=1 must follow. */
void notify_reloading(const struct notify *notify);
/* The loop was `lag_ms` late. */
void notify_lag(struct notify *notify, uint64_t lag_ms);
/* Called every second: says that the process lives, if its loop was never a second late since the
 * last call. */
void notify_watchdog(struct notify *notify);

#endif
