/* One publisher, many readers, one thread. Closed loop: --window messages go out when everybody has
 * those before. Open loop (--rate): messages are planned evenly and latency counts from the plan.
 */
#include "bench/clock.h"
#include "bench/peers/fan_kind.h"
#include "bench/peers/peer.h"
#include "bench/workload.h"
#include "core/base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE_BYTES = 256 * 1024, TAIL_BYTES = 8, EVENTS_MAX = 256, SILENCE_MS = 20000 };

struct reader {
    int fd;
    uint64_t received;
    uint8_t tail[TAIL_BYTES]; /* the last bytes, where half a mark may stand */
    size_t tail_bytes;
};

struct fan {
    const struct fan_kind *kind;
    const struct peer_options *options;
    struct reader *readers;
    int publisher_fd, epoll_fd;
    uint8_t *bytes;
    struct buffer out;
    size_t out_sent;
    uint64_t published, deliveries, start_ns, last_ns;
    uint64_t *from_ns; /* of each message */
    struct latency latency;
};

static uint64_t count_marks(struct reader *reader, struct slice mark, struct slice bytes) {
    uint64_t count = 0;
    uint8_t seam[2 * TAIL_BYTES];
    size_t head_bytes = (size_t)min_u64(bytes.bytes, mark.bytes - 1);
    memcpy(seam, reader->tail, reader->tail_bytes);
    memcpy(seam + reader->tail_bytes, bytes.data, head_bytes);
    count += memmem(seam, reader->tail_bytes + head_bytes, mark.data, mark.bytes) != NULL;
    const uint8_t *at = bytes.data, *end = bytes.data + bytes.bytes, *found;
    while ((found = memmem(at, (size_t)(end - at), mark.data, mark.bytes)) != NULL) {
        count++;
        at = found + mark.bytes;
    }
    /* What a mark could begin in: never a whole one, which would count twice. */
    size_t all = reader->tail_bytes + bytes.bytes;
    size_t kept = (size_t)min_u64(mark.bytes - 1, all);
    if (bytes.bytes >= kept) {
        memcpy(reader->tail, end - kept, kept);
    } else {
        memmove(reader->tail, reader->tail + reader->tail_bytes - (kept - bytes.bytes),
                kept - bytes.bytes);
        memcpy(reader->tail + kept - bytes.bytes, bytes.data, bytes.bytes);
    }
    reader->tail_bytes = kept;
    return count;
}

static void watch(struct fan *fan, int fd, uint64_t number) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
    int failure = epoll_ctl(fan->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    CHECK(failure == 0);
}

static void open_reader(struct fan *fan, uint64_t number) {
    const struct fan_kind *kind = fan->kind;
    struct reader *reader = &fan->readers[number];
    reader->fd = target_connect(&fan->options->target);
    ssize_t sent = send(reader->fd, kind->subscribe.data, kind->subscribe.bytes, MSG_NOSIGNAL);
    size_t got_bytes = 0;
    while (sent == (ssize_t)kind->subscribe.bytes &&
           memmem(fan->bytes, got_bytes, kind->hello, strlen(kind->hello)) == NULL) {
        ssize_t got = recv(reader->fd, fan->bytes + got_bytes, RECEIVE_BYTES - got_bytes, 0);
        if (got <= 0) {
            die("reader %llu was refused", (unsigned long long)number);
        }
        got_bytes += (size_t)got;
    }
    watch(fan, reader->fd, number);
}

static void take(struct fan *fan, struct reader *reader) {
    ssize_t got = recv(reader->fd, fan->bytes, RECEIVE_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        die("a reader was disconnected after %llu messages", (unsigned long long)reader->received);
    }
    uint64_t count = count_marks(reader, fan->kind->mark, (struct slice){fan->bytes, (size_t)got});
    uint64_t now_ns = monotonic_ns();
    for (uint64_t i = 0; i < count && reader->received < fan->published; i++) {
        latency_add(&fan->latency, now_ns - fan->from_ns[reader->received++]);
        fan->deliveries++;
        fan->last_ns = now_ns;
    }
}

static void drain_answers(struct fan *fan) {
    ssize_t got = recv(fan->publisher_fd, fan->bytes, RECEIVE_BYTES, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        die("the publisher was disconnected");
    }
    if (got >= 12 && memcmp(fan->bytes, "HTTP/1.1 ", 9) == 0 && fan->bytes[9] != '2') {
        die("a message was refused: %.*s", (int)got, (const char *)fan->bytes);
    }
}

static void flush(struct fan *fan) {
    while (fan->out_sent < fan->out.bytes) {
        ssize_t sent = send(fan->publisher_fd, fan->out.data + fan->out_sent,
                            fan->out.bytes - fan->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            return;
        }
        fan->out_sent += (size_t)sent;
    }
    buffer_reset(&fan->out);
    fan->out_sent = 0;
}

static uint64_t planned_ns(const struct fan *fan, uint64_t message) {
    return fan->start_ns + (uint64_t)((double)message * 1e9 / fan->options->rate);
}

/* How many messages may go out now. */
static uint64_t due(const struct fan *fan, uint64_t now_ns) {
    const struct peer_options *options = fan->options;
    uint64_t left = options->messages - fan->published, count = 0;
    if (options->rate > 0) {
        while (count < left && planned_ns(fan, fan->published + count) <= now_ns) {
            count++;
        }
        return count;
    }
    return fan->deliveries == fan->published * options->readers ? min_u64(left, options->window)
                                                                : 0;
}

static void publish(struct fan *fan) {
    uint64_t now_ns = monotonic_ns(), count = due(fan, now_ns);
    if (count > 0) {
        fan->kind->publish(&fan->out, fan->published, count);
        for (uint64_t i = 0; i < count; i++) {
            uint64_t number = fan->published + i;
            fan->from_ns[number] = fan->options->rate > 0 ? planned_ns(fan, number) : now_ns;
        }
        fan->published += count;
    }
    flush(fan);
}

static void run(struct fan *fan) {
    uint64_t wanted = fan->options->messages * fan->options->readers;
    fan->start_ns = fan->last_ns = monotonic_ns();
    while (fan->deliveries < wanted) {
        struct epoll_event events[EVENTS_MAX];
        publish(fan);
        int count = epoll_wait(fan->epoll_fd, events, EVENTS_MAX, fan->options->rate > 0 ? 1 : 100);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 == fan->options->readers) {
                drain_answers(fan);
            } else {
                take(fan, &fan->readers[events[i].data.u64]);
            }
        }
        if (monotonic_ns() - fan->last_ns > (uint64_t)SILENCE_MS * 1000000) {
            return; /* what is missing is counted */
        }
    }
}

static void report(const struct fan *fan, double server_cpu_s) {
    const struct peer_options *options = fan->options;
    double seconds = (double)(fan->last_ns - fan->start_ns) / 1e9;
    uint64_t missed = options->messages * options->readers - fan->deliveries;
    double per_delivery_us = server_cpu_s * 1e6 / (double)fan->deliveries;
    printf("\nfan %s: %llu readers, %llu messages, %s\n", fan->kind->name,
           (unsigned long long)options->readers, (unsigned long long)options->messages,
           options->rate > 0 ? "open loop" : "closed loop");
    printf("%-26s %.0f\n", "deliveries/s", (double)fan->deliveries / seconds);
    print_latency("latency", &fan->latency);
    printf("%-26s %.2f\n", "server CPU us/delivery", per_delivery_us);
    printf("%-26s %llu\n", "not delivered", (unsigned long long)missed);
    printf("%-26s %s\n", "durable", fan->kind->durable);
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "fan");
    json_member_text(&out, "peer", fan->kind->name);
    json_member_u64(&out, "readers", options->readers);
    json_member_u64(&out, "messages", options->messages);
    json_member_u64(&out, "window", options->window);
    json_member_double(&out, "rate", options->rate);
    json_member_double(&out, "seconds", seconds);
    json_member_double(&out, "deliveries_per_s", (double)fan->deliveries / seconds);
    json_latency(&out, "latency_ms", &fan->latency);
    json_member_double(&out, "server_cpu_us_per_delivery", per_delivery_us);
    json_member_u64(&out, "missed", missed);
    json_member_text(&out, "durable", fan->kind->durable);
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
}

static void close_all(struct fan *fan) {
    for (uint64_t i = 0; i < fan->options->readers; i++) {
        close(fan->readers[i].fd);
    }
    close(fan->publisher_fd);
    close(fan->epoll_fd);
    buffer_deinit(&fan->out);
    free(fan->readers);
    free(fan->bytes);
    free(fan->from_ns);
}

int peer_fan_main(const char *name, const struct peer_options *options) {
    struct fan *fan = calloc(1, sizeof *fan);
    CHECK(fan != NULL);
    *fan = (struct fan){.kind = fan_kind_find(name), .options = options};
    if (fan->kind == NULL) {
        die("no fan of the name %s", name);
    }
    CHECK(fan->kind->mark.bytes <= TAIL_BYTES);
    fan->readers = calloc(options->readers, sizeof *fan->readers);
    fan->from_ns = calloc(options->messages, sizeof *fan->from_ns);
    fan->bytes = malloc(RECEIVE_BYTES);
    fan->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(fan->readers != NULL && fan->from_ns != NULL && fan->bytes != NULL && fan->epoll_fd >= 0);
    buffer_init(&fan->out);
    fan->kind->prepare(&options->target);
    for (uint64_t i = 0; i < options->readers; i++) {
        open_reader(fan, i);
    }
    fan->publisher_fd = target_connect(&options->target);
    if (strcmp(name, "mosquitto") == 0) {
        /* A publisher subscribes too: what it gets is drained and not counted. */
        (void)send(fan->publisher_fd, fan->kind->subscribe.data, fan->kind->subscribe.bytes,
                   MSG_NOSIGNAL);
    }
    watch(fan, fan->publisher_fd, options->readers);
    double cpu_s = tree_cpu_s(options->server_pid);
    run(fan);
    report(fan, tree_cpu_s(options->server_pid) - cpu_s);
    int code = fan->deliveries == options->messages * options->readers ? 0 : 1;
    close_all(fan);
    free(fan);
    return code;
}
