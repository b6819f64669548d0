/* Timers in a Redis sorted set: due times are scores. Arming and cancelling are pipelined; firing
 * takes the first thousand that are due and removes them in one script. */
#include "bench/clock.h"
#include "bench/peers/peer.h"
#include "bench/peers/redis_reply.h"
#include "bench/prng.h"
#include "bench/workload.h"
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRE_AT_ONCE = 1000 };

static const char fire_script[] =
    "local due = redis.call('ZRANGEBYSCORE', 'timers', '-inf', '+inf', "
    "'LIMIT', 0, ARGV[1])\n"
    "if #due > 0 then redis.call('ZREM', 'timers', unpack(due)) end\n"
    "return #due\n";

struct phase {
    const char *name;
    uint64_t count;
    double seconds, server_cpu_s;
};

struct clock_mark {
    uint64_t ns;
    double cpu_s;
};

static struct clock_mark mark_now(const struct peer_options *options) {
    return (struct clock_mark){monotonic_ns(), tree_cpu_s(options->server_pid)};
}

static struct phase phase_end(const char *name, uint64_t count, const struct peer_options *options,
                              struct clock_mark since) {
    struct clock_mark now = mark_now(options);
    return (struct phase){name, count, (double)(now.ns - since.ns) / 1e9, now.cpu_s - since.cpu_s};
}

static struct phase arm(redisContext *redis, const struct peer_options *options) {
    struct prng prng;
    prng_init(&prng, options->seed);
    struct clock_mark begin = mark_now(options);
    for (uint64_t i = 0; i < options->events; i += options->bulk) {
        uint64_t count = min_u64(options->bulk, options->events - i);
        for (uint64_t k = 0; k < count; k++) {
            redisAppendCommand(redis, "ZADD timers %llu %llu",
                               (unsigned long long)prng_below(&prng, 86400000),
                               (unsigned long long)(i + k));
        }
        (void)redis_drain(redis, count);
    }
    return phase_end("arm", options->events, options, begin);
}

/* Every second one, in a mixed order: the multiplier is odd and no factor of a round number. */
static struct phase cancel(redisContext *redis, const struct peer_options *options) {
    uint64_t half = options->events / 2;
    struct clock_mark begin = mark_now(options);
    for (uint64_t i = 0; i < half; i += options->bulk) {
        uint64_t count = min_u64(options->bulk, half - i);
        for (uint64_t k = 0; k < count; k++) {
            redisAppendCommand(redis, "ZREM timers %llu",
                               (unsigned long long)((i + k) * UINT64_C(7368787) % half * 2));
        }
        (void)redis_drain(redis, count);
    }
    return phase_end("cancel", half, options, begin);
}

static struct phase fire(redisContext *redis, const struct peer_options *options) {
    uint64_t fired = 0, got = 0;
    struct clock_mark begin = mark_now(options);
    do {
        redisAppendCommand(redis, "EVAL %s 0 %d", fire_script, FIRE_AT_ONCE);
        got = redis_drain(redis, 1);
        fired += got;
    } while (got > 0);
    return phase_end("fire", fired, options, begin);
}

static void write_phases(const struct peer_options *options, const struct phase *phases,
                         size_t count) {
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "timers");
    json_member_text(&out, "peer", "redis");
    printf("\ntimers in a Redis sorted set, %llu\n", (unsigned long long)options->events);
    for (size_t i = 0; i < count; i++) {
        double timers = (double)phases[i].count;
        printf("%-26s %.0f/s, server CPU ns each %.0f\n", phases[i].name,
               timers / phases[i].seconds, phases[i].server_cpu_s * 1e9 / timers);
        json_out_key(&out, phases[i].name);
        json_out_object_begin(&out);
        json_member_u64(&out, "count", phases[i].count);
        json_member_double(&out, "per_s", timers / phases[i].seconds);
        json_member_double(&out, "server_cpu_ns", phases[i].server_cpu_s * 1e9 / timers);
        json_out_object_end(&out);
    }
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
}

int peer_timers_main(const struct peer_options *options) {
    redisContext *redis = redis_open(&options->target);
    redisAppendCommand(redis, "DEL timers");
    (void)redis_drain(redis, 1);
    struct phase phases[3];
    phases[0] = arm(redis, options);
    phases[1] = cancel(redis, options);
    phases[2] = fire(redis, options);
    redisFree(redis);
    write_phases(options, phases, ARRAY_COUNT(phases));
    int code = phases[2].count == options->events - options->events / 2 ? 0 : 1;
    if (code != 0) {
        fprintf(stderr, "gridd-peers: %llu of %llu timers fired\n",
                (unsigned long long)phases[2].count,
                (unsigned long long)(options->events - options->events / 2));
    }
    return code;
}
