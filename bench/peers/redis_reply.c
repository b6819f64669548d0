#include "bench/peers/redis_reply.h"

#include <stdlib.h>

redisContext *redis_open(const struct target *target) {
    redisContext *context = redisConnect(target->host, (int)strtol(target->port, NULL, 10));
    if (context == NULL || context->err != 0) {
        die("no Redis at port %s: %s", target->port, context == NULL ? "" : context->errstr);
    }
    return context;
}

redisReply *redis_next(redisContext *context) {
    void *reply = NULL;
    if (redisGetReply(context, &reply) != REDIS_OK) {
        die("Redis went away: %s", context->errstr);
    }
    redisReply *ret = reply;
    if (ret->type == REDIS_REPLY_ERROR) {
        die("Redis refused: %s", ret->str);
    }
    return ret;
}

uint64_t redis_drain(redisContext *context, uint64_t count) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        redisReply *reply = redis_next(context);
        if (reply->type == REDIS_REPLY_INTEGER) {
            sum += (uint64_t)reply->integer;
        } else {
            sum += reply->type != REDIS_REPLY_NIL;
        }
        freeReplyObject(reply);
    }
    return sum;
}

uint64_t redis_number(const struct target *target, const char *command) {
    redisContext *context = redis_open(target);
    redisAppendCommand(context, command);
    uint64_t number = redis_drain(context, 1);
    redisFree(context);
    return number;
}
