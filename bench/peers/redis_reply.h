/* The few calls of hiredis that every Redis workload repeats; each dies with Redis' own sentence.
 */
#ifndef BENCH_PEERS_REDIS_REPLY_H
#define BENCH_PEERS_REDIS_REPLY_H

#include "bench/client.h"

#include <hiredis/hiredis.h>

redisContext *redis_open(const struct target *target);
/* Reads one pipelined answer; the caller frees it (freeReplyObject). */
redisReply *redis_next(redisContext *context);
/* Reads `count` pipelined answers and adds up what they hold: integers, and 1 for any other that
 * is not nil. */
uint64_t redis_drain(redisContext *context, uint64_t count);
/* One command in printf form, its integer answer. */
uint64_t redis_number(const struct target *target, const char *command);

#endif
