/* Open feeds that a thread of their own reads as fast as events come. */
#ifndef BENCH_TAP_H
#define BENCH_TAP_H

#include "bench/client.h"
#include "bench/feed_reader.h"

#include <pthread.h>
#include <stdatomic.h>

struct tap {
    struct feed_reader *readers;
    int *fds;
    uint32_t readers_count;
    int epoll_fd;
    uint8_t *received;
    pthread_t thread;
    atomic_bool stop;
};

/* `path`: of the feed, with its query; each event of each reader goes to `on_event` on the tap's
 * thread. Returns when the feeds are served. Dies when they are not, and when one ends early. */
void tap_open(struct tap *tap, const struct target *target, const char *path,
              uint32_t readers_count, void *context, feed_event_cb *on_event);
/* Ends the thread and closes the feeds; returns the events that were read. */
uint64_t tap_close(struct tap *tap);

#endif
