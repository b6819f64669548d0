#include "bench/tap.h"

#include "core/base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAP_EVENTS_MAX = 64, TAP_RECEIVE_BYTES = 256 * 1024, TAP_WAIT_MS = 20 };

static void take(struct tap *tap, uint64_t index) {
    ssize_t got = recv(tap->fds[index], tap->received, TAP_RECEIVE_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        die("feed %llu was closed by the server", (unsigned long long)index);
    }
    feed_reader_take(&tap->readers[index], (struct slice){tap->received, (size_t)got});
}

static void *read_all(void *context) {
    struct tap *tap = context;
    while (!atomic_load(&tap->stop)) {
        struct epoll_event events[TAP_EVENTS_MAX];
        int count = epoll_wait(tap->epoll_fd, events, TAP_EVENTS_MAX, TAP_WAIT_MS);
        for (int i = 0; i < count; i++) {
            take(tap, events[i].data.u64);
        }
    }
    return NULL;
}

static void open_one(struct tap *tap, uint32_t index, const struct target *target,
                     const char *path) {
    char ask[512];
    int bytes = snprintf(ask, sizeof ask,
                         "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", path,
                         target->host);
    tap->fds[index] = target_connect(target);
    if (send(tap->fds[index], ask, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
        die("cannot open a feed: %s", strerror(errno));
    }
    /* Its first line says that it is served. */
    ssize_t got = recv(tap->fds[index], tap->received, TAP_RECEIVE_BYTES, 0);
    if (got < 12 || memcmp(tap->received, "HTTP/1.1 200", 12) != 0) {
        die("a feed was refused: %.*s", (int)(got > 0 ? got : 0), (const char *)tap->received);
    }
    feed_reader_take(&tap->readers[index], (struct slice){tap->received, (size_t)got});
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};
    int failure = epoll_ctl(tap->epoll_fd, EPOLL_CTL_ADD, tap->fds[index], &event);
    CHECK(failure == 0);
}

void tap_open(struct tap *tap, const struct target *target, const char *path,
              uint32_t readers_count, void *context, feed_event_cb *on_event) {
    *tap = (struct tap){.readers_count = readers_count};
    tap->readers = calloc(readers_count, sizeof *tap->readers);
    tap->fds = calloc(readers_count, sizeof *tap->fds);
    tap->received = malloc(TAP_RECEIVE_BYTES);
    tap->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(tap->readers != NULL && tap->fds != NULL && tap->received != NULL && tap->epoll_fd >= 0);
    for (uint32_t i = 0; i < readers_count; i++) {
        feed_reader_init(&tap->readers[i], context, on_event);
        open_one(tap, i, target, path);
    }
    int failure = pthread_create(&tap->thread, NULL, read_all, tap);
    CHECK(failure == 0);
}

uint64_t tap_close(struct tap *tap) {
    uint64_t events = 0;
    atomic_store(&tap->stop, true);
    pthread_join(tap->thread, NULL);
    for (uint32_t i = 0; i < tap->readers_count; i++) {
        events += tap->readers[i].events;
        close(tap->fds[i]);
    }
    close(tap->epoll_fd);
    free(tap->readers);
    free(tap->fds);
    free(tap->received);
    return events;
}
