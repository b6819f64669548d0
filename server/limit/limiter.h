/* Rates and counts by principal, region and address: the tables and who is counted where.
 *
 * Memory is fixed at the start: limits.rate_buckets buckets a rate and limits.feed_readers places;
 * names are hashed with a secret drawn at the start (XXH3), so that nobody can aim at a place. Loop
 * thread only; time is handed in. */
#ifndef SERVER_LIMIT_LIMITER_H
#define SERVER_LIMIT_LIMITER_H

#include "core/base/rate_table.h"
#include "core/base/status.h"
#include "core/limits.h"

/* name, word in answers, metrics and log, tokens gained (limit) in so many ms, burst (limit), what
 * the answer says */
#define LIMIT_RATE_TABLE(X)                                                                        \
    X(DEVICE_REQUESTS, "device_requests", device_requests_per_s, 1000, device_requests_burst,      \
      "this device sends too many requests")                                                       \
    X(DEVICE_REPORTS, "device_reports", device_reports_per_s, 1000, device_reports_burst,          \
      "this device sends too many reports; what is counted here was taken: send it all again "     \
      "later, a repeated report counts for a twentieth")                                           \
    X(TOKEN_REQUESTS, "token_requests", token_requests_per_s, 1000, token_requests_burst,          \
      "too many requests come with this token")                                                    \
    X(TOKEN_REPORTS, "token_reports", token_reports_per_s, 1000, token_reports_burst,              \
      "too many reports come with this token; what is counted here was taken: send it all again "  \
      "later")                                                                                     \
    X(ACK_REQUESTS, "ack_requests", ack_requests_per_s, 1000, ack_requests_burst,                  \
      "too many acknowledgements come with this token")                                            \
    X(REGION_REQUESTS, "region_requests", region_requests_per_s, 1000, region_requests_burst,      \
      "too many requests come from the token's region")                                            \
    X(REGION_REPORTS, "region_reports", region_reports_per_s, 1000, region_reports_burst,          \
      "too many reports come from the token's region; what is counted here was taken: send it "    \
      "all again later")                                                                           \
    X(ADDRESS_REQUESTS, "address_requests", address_requests_per_s, 1000, address_requests_burst,  \
      "too many requests without a good token come from this address")                             \
    X(AUTH_FAILURES, "auth_failures", auth_failures_per_min, 60000, auth_failures_per_min,         \
      "too many tokens from this address were not valid")

/* What is counted and has no rate: name, word, what the answer says. */
#define LIMIT_COUNT_TABLE(X)                                                                       \
    X(CONNECTIONS, "connections_per_principal", "too many connections are open with this token")   \
    X(FEEDS, "feeds_per_principal", "too many feeds are open with this token")

enum limit_scope {
#define LIMIT_SCOPE_ENUM(name, ...) LIMIT_##name,
    LIMIT_RATE_TABLE(LIMIT_SCOPE_ENUM) LIMIT_RATES,
    LIMIT_BEFORE_COUNTS = LIMIT_RATES - 1,
    LIMIT_COUNT_TABLE(LIMIT_SCOPE_ENUM) LIMIT_SCOPES
#undef LIMIT_SCOPE_ENUM
};
const char *limit_scope_name(enum limit_scope scope);
/* A sentence for the answer; static. */
const char *limit_scope_detail(enum limit_scope scope);

struct limiter; /* opaque */

MUST_USE enum status limiter_new(struct limiter **ret, const struct limits *limits);
void limiter_free(struct limiter *limiter); /* NULL is allowed */

/* Stands for `name` among those of one kind. */
uint64_t limiter_key(const struct limiter *limiter, char kind, struct slice name);
/* How many of `tokens` there are; they are taken. */
uint64_t limiter_take(struct limiter *limiter, enum limit_scope rate, uint64_t key, uint64_t tokens,
                      uint64_t now_ms);
void limiter_give_back(struct limiter *limiter, enum limit_scope rate, uint64_t key,
                       uint64_t tokens, uint64_t now_ms);
/* Whole seconds until a token is there, 1 at least. */
uint64_t limiter_wait_s(const struct limiter *limiter, enum limit_scope rate, uint64_t key,
                        uint64_t now_ms);
/* One more feed of `key`; false: it has feeds_per_principal. Not called for more than feed_readers
 * at once. */
MUST_USE bool limiter_open_feed(struct limiter *limiter, uint64_t key);
void limiter_close_feed(struct limiter *limiter, uint64_t key);
/* Somebody was refused because of it. */
void limiter_note(struct limiter *limiter, enum limit_scope scope);

uint64_t limiter_limited_total(const struct limiter *limiter, enum limit_scope scope);
/* Those refused since this was last asked. */
uint64_t limiter_news(struct limiter *limiter, enum limit_scope scope);
/* Buckets in use, and memory of all tables. */
uint64_t limiter_used(const struct limiter *limiter, enum limit_scope rate);
uint64_t limiter_memory_bytes(const struct limiter *limiter);

#endif
