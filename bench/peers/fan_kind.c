#include "bench/peers/fan_kind.h"

#include "bench/clock.h"
#include "bench/generator.h"

#include <stdio.h>
#include <stdlib.h>

/* A text that no protocol here uses for itself. */
#define MARK "~#~#"

static void append_payload(struct buffer *to, uint64_t number) {
    size_t end = to->bytes + FAN_PAYLOAD_BYTES;
    buffer_printf(to, "{\"mark\":\"" MARK "\",\"number\":%llu,\"text\":\"",
                  (unsigned long long)number);
    while (to->bytes < end - 2) {
        buffer_append(to, "x", 1);
    }
    buffer_append(to, "\"}", 2);
}

static void prepare_nothing(const struct target *target) {
    (void)target;
}

static const char tree[] = "code,parent,level,name\n110101,,3,A\n110101001,110101,6,B\n";

static void prepare_gridd(const struct target *target) {
    const struct client_request request = {.method = "PUT",
                                           .path = "/v1/regions",
                                           .content_type = "text/csv",
                                           .body = slice_text(tree)};
    char *body = NULL;
    unsigned status = client_call(target, &request, &body);
    if (status / 100 != 2) {
        die("the region tree was refused with %u: %.300s", status, body);
    }
    free(body);
}

/* Reports as the feed bench posts them: one upload for what is due together. */
static void publish_gridd(struct buffer *to, uint64_t first, uint64_t count) {
    static struct prng prng;
    static const char *grid = "110101001";
    struct bench_tree one = {.grids = &grid, .grids_count = 1};
    if (first == 0) {
        prng_init(&prng, 1);
    }
    const struct load_options load = {.seed = 1, .now_ms = wall_ms(), .tree = &one};
    char line[REPORT_BYTES_MAX];
    struct buffer body;
    buffer_init(&body);
    for (uint64_t n = first; n < first + count; n++) {
        buffer_append(&body, line, load_report(line, &prng, n, &load));
        buffer_append(&body, "\n", 1);
    }
    buffer_printf(to,
                  "POST /v1/reports HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                  "application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
                  body.bytes);
    buffer_append_slice(to, buffer_slice(&body));
    buffer_deinit(&body);
}

static void publish_nchan(struct buffer *to, uint64_t first, uint64_t count) {
    for (uint64_t n = first; n < first + count; n++) {
        buffer_printf(to, "POST /pub HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n",
                      FAN_PAYLOAD_BYTES);
        append_payload(to, n);
    }
}

static void publish_redis(struct buffer *to, uint64_t first, uint64_t count) {
    for (uint64_t n = first; n < first + count; n++) {
        buffer_printf(to, "*3\r\n$7\r\nPUBLISH\r\n$4\r\nfeed\r\n$%d\r\n", FAN_PAYLOAD_BYTES);
        append_payload(to, n);
        buffer_append(to, "\r\n", 2);
    }
}

/* MQTT 3.1.1: PUBLISH with QoS 0; the length in base 128, the low seven bits first. */
static void publish_mqtt(struct buffer *to, uint64_t first, uint64_t count) {
    enum { LEFT = 2 + 4 + FAN_PAYLOAD_BYTES };
    static const uint8_t head[] = {0x30, (LEFT & 0x7f) | 0x80, LEFT >> 7, 0, 4, 'f', 'e', 'e', 'd'};
    for (uint64_t n = first; n < first + count; n++) {
        buffer_append(to, head, sizeof head);
        append_payload(to, n);
    }
}

/* CONNECT without a name (clean session, no keep-alive) and SUBSCRIBE to "feed" with QoS 0. */
#define MQTT_CONNECT "\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0"
#define MQTT_SUBSCRIBE                                                                             \
    MQTT_CONNECT "\x82\x09\0\x01\0\x04"                                                            \
                 "feed\0"

static const struct fan_kind kinds[] = {
    {"gridd",
     SLICE_LITERAL("GET /v1/feed HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"),
     "HTTP/1.1 200", SLICE_LITERAL("\ndata: "), prepare_gridd, publish_gridd,
     "a message is a report, written and synced before it is delivered"},
    {"nchan",
     SLICE_LITERAL("GET /sub HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"),
     "HTTP/1.1 200", SLICE_LITERAL(MARK), prepare_nothing, publish_nchan, "nothing is written"},
    {"redis", SLICE_LITERAL("SUBSCRIBE feed\r\n"), "subscribe", SLICE_LITERAL(MARK),
     prepare_nothing, publish_redis, "nothing is written"},
    {"mosquitto", SLICE_LITERAL(MQTT_SUBSCRIBE), "\x90", SLICE_LITERAL(MARK), prepare_nothing,
     publish_mqtt, "nothing is written"},
};

const struct fan_kind *fan_kind_find(const char *name) {
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}
