/* Redis: an id is new when SET NX says so; a grid's timeline is a stream. */
#include "bench/peers/peer.h"
#include "bench/peers/redis_reply.h"
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES_MAX = 128, SCRIPT_REPORT_ARGUMENTS = 3 };

/* The whole bulk or nothing: one script, three arguments a report. */
static const char script[] = "local added = 0\n"
                             "for i = 1, #ARGV, 3 do\n"
                             "  if redis.call('SET', 'd:' .. ARGV[i], 1, 'NX') then\n"
                             "    redis.call('XADD', 'g:' .. ARGV[i + 1], '*', 'j', ARGV[i + 2])\n"
                             "    added = added + 1\n"
                             "  end\n"
                             "end\n"
                             "redis.call('INCRBY', 'reports', added)\n"
                             "return added\n";

struct connection {
    redisContext *context;
    char hash[64]; /* of the script */
    const char **arguments;
    size_t *argument_bytes;
    size_t room;
};

static void prepare(const struct target *target) {
    (void)redis_number(target, "SET reports 0");
}

static void *connect_redis(const struct target *target, unsigned number) {
    (void)number;
    struct connection *connection = calloc(1, sizeof *connection);
    CHECK(connection != NULL);
    connection->context = redis_open(target);
    redisAppendCommand(connection->context, "SCRIPT LOAD %s", script);
    redisReply *reply = redis_next(connection->context);
    CHECK(reply->type == REDIS_REPLY_STRING && reply->len < sizeof connection->hash);
    memcpy(connection->hash, reply->str, reply->len + 1);
    freeReplyObject(reply);
    return connection;
}

static void disconnect_redis(void *context) {
    struct connection *connection = context;
    redisFree(connection->context);
    free(connection->arguments);
    free(connection->argument_bytes);
    free(connection);
}

static uint64_t stored(const struct target *target) {
    /* GET answers a text, which INCRBY 0 makes a number. */
    return redis_number(target, "INCRBY reports 0");
}

/* Two rounds: ids first, then the streams of those that were new. Faster than a script, but a crash
 * between the rounds loses a report whose id is taken. */
static void send_pipeline(void *context, const struct peer_report *reports, size_t count) {
    struct connection *connection = context;
    redisContext *redis = connection->context;
    bool *is_new = malloc(count * sizeof *is_new);
    uint64_t added = 0;
    CHECK(is_new != NULL);
    for (size_t i = 0; i < count; i++) {
        redisAppendCommand(redis, "SET d:%b 1 NX", reports[i].id.data, reports[i].id.bytes);
    }
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = redis_next(redis);
        is_new[i] = reply->type == REDIS_REPLY_STATUS;
        added += is_new[i];
        freeReplyObject(reply);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_new[i]) {
            redisAppendCommand(redis, "XADD g:%b * j %b", reports[i].grid.data,
                               reports[i].grid.bytes, reports[i].line.data, reports[i].line.bytes);
        }
    }
    redisAppendCommand(redis, "INCRBY reports %llu", (unsigned long long)added);
    (void)redis_drain(redis, added + 1);
    free(is_new);
}

static void set_argument(struct connection *connection, size_t at, const void *data, size_t bytes) {
    connection->arguments[at] = data;
    connection->argument_bytes[at] = bytes;
}

static void send_script(void *context, const struct peer_report *reports, size_t count) {
    struct connection *connection = context;
    size_t wanted = 3 + count * SCRIPT_REPORT_ARGUMENTS;
    if (wanted > connection->room) {
        connection->arguments = realloc(connection->arguments, wanted * sizeof(char *));
        connection->argument_bytes = realloc(connection->argument_bytes, wanted * sizeof(size_t));
        connection->room = wanted;
        CHECK(connection->arguments != NULL && connection->argument_bytes != NULL);
    }
    set_argument(connection, 0, "EVALSHA", 7);
    set_argument(connection, 1, connection->hash, strlen(connection->hash));
    set_argument(connection, 2, "0", 1);
    for (size_t i = 0; i < count; i++) {
        size_t at = 3 + i * SCRIPT_REPORT_ARGUMENTS;
        set_argument(connection, at, reports[i].id.data, reports[i].id.bytes);
        set_argument(connection, at + 1, reports[i].grid.data, reports[i].grid.bytes);
        set_argument(connection, at + 2, reports[i].line.data, reports[i].line.bytes);
    }
    redisAppendCommandArgv(connection->context, (int)wanted, connection->arguments,
                           connection->argument_bytes);
    (void)redis_drain(connection->context, 1);
}

const struct peer peer_redis_pipeline = {"redis-pipeline",
                                         "SET NX of a bulk, then XADD of what was new (not atomic)",
                                         prepare,
                                         connect_redis,
                                         send_pipeline,
                                         disconnect_redis,
                                         stored};
const struct peer peer_redis_script = {"redis-script", "one Lua script a bulk: SET NX and XADD",
                                       prepare,        connect_redis,
                                       send_script,    disconnect_redis,
                                       stored};
