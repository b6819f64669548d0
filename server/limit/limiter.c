#include "server/limit/limiter.h"

#include "core/base/check.h"
#include "core/base/key_count.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

/* XXH3 takes a secret of at least 136 bytes. */
enum { SECRET_BYTES = 192, NAME_BYTES_MAX = 128 };

struct limiter {
    const struct limits *limits;
    uint8_t secret[SECRET_BYTES];
    struct rate_table rates[LIMIT_RATES];
    struct key_count feeds;
    uint64_t limited_total[LIMIT_SCOPES], told_total[LIMIT_SCOPES];
    uint64_t memory_bytes;
};

static const struct {
    const char *word, *detail;
} scopes[] = {
#define SCOPE_RATE(name, word, count, period, burst, detail) {word, detail},
#define SCOPE_COUNT(name, word, detail) {word, detail},
    LIMIT_RATE_TABLE(SCOPE_RATE) LIMIT_COUNT_TABLE(SCOPE_COUNT)
#undef SCOPE_RATE
#undef SCOPE_COUNT
};
_Static_assert(ARRAY_COUNT(scopes) == LIMIT_SCOPES, "every scope has its words");

const char *limit_scope_name(enum limit_scope scope) {
    CHECK(scope < LIMIT_SCOPES);
    return scopes[scope].word;
}

const char *limit_scope_detail(enum limit_scope scope) {
    CHECK(scope < LIMIT_SCOPES);
    return scopes[scope].detail;
}

static void *new_table(struct limiter *limiter, size_t bytes) {
    void *memory = calloc(1, bytes);
    CHECK(memory != NULL);
    limiter->memory_bytes += bytes;
    return memory;
}

enum status limiter_new(struct limiter **ret, const struct limits *limits) {
    const struct rate_rule rules[LIMIT_RATES] = {
#define SCOPE_RULE(name, word, count, period, burst, detail)                                       \
    {limits->count, (period), limits->burst},
        LIMIT_RATE_TABLE(SCOPE_RULE)
#undef SCOPE_RULE
    };
    struct limiter *limiter = calloc(1, sizeof *limiter);
    if (limiter == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (getrandom(limiter->secret, sizeof limiter->secret, 0) != (ssize_t)sizeof limiter->secret) {
        free(limiter);
        return STATUS_IO;
    }
    limiter->limits = limits;
    for (size_t i = 0; i < LIMIT_RATES; i++) {
        rate_table_init(&limiter->rates[i],
                        new_table(limiter, rate_table_bytes(limits->rate_buckets)),
                        limits->rate_buckets, &rules[i]);
    }
    key_count_init(&limiter->feeds, new_table(limiter, key_count_bytes(limits->feed_readers)),
                   limits->feed_readers);
    *ret = limiter;
    return STATUS_OK;
}

void limiter_free(struct limiter *limiter) {
    if (limiter == NULL) {
        return;
    }
    for (size_t i = 0; i < LIMIT_RATES; i++) {
        free(limiter->rates[i].places);
    }
    free(limiter->feeds.places);
    free(limiter);
}

uint64_t limiter_key(const struct limiter *limiter, char kind, struct slice name) {
    uint8_t text[1 + NAME_BYTES_MAX];
    CHECK(name.bytes <= NAME_BYTES_MAX);
    text[0] = (uint8_t)kind;
    memcpy(text + 1, name.data, name.bytes);
    return XXH3_64bits_withSecret(text, 1 + name.bytes, limiter->secret, sizeof limiter->secret);
}

uint64_t limiter_take(struct limiter *limiter, enum limit_scope rate, uint64_t key, uint64_t tokens,
                      uint64_t now_ms) {
    CHECK(rate < LIMIT_RATES);
    return rate_table_take(&limiter->rates[rate], key, tokens, now_ms);
}

void limiter_give_back(struct limiter *limiter, enum limit_scope rate, uint64_t key,
                       uint64_t tokens, uint64_t now_ms) {
    CHECK(rate < LIMIT_RATES);
    rate_table_give_back(&limiter->rates[rate], key, tokens, now_ms);
}

uint64_t limiter_wait_s(const struct limiter *limiter, enum limit_scope rate, uint64_t key,
                        uint64_t now_ms) {
    CHECK(rate < LIMIT_RATES);
    uint64_t wait_ms = rate_table_wait_ms(&limiter->rates[rate], key, 1, now_ms);
    return max_u64(1, wait_ms / 1000 + (wait_ms % 1000 != 0));
}

bool limiter_open_feed(struct limiter *limiter, uint64_t key) {
    if (!key_count_add(&limiter->feeds, key, limiter->limits->feeds_per_principal)) {
        limiter_note(limiter, LIMIT_FEEDS);
        return false;
    }
    return true;
}

void limiter_close_feed(struct limiter *limiter, uint64_t key) {
    key_count_remove(&limiter->feeds, key);
}

void limiter_note(struct limiter *limiter, enum limit_scope scope) {
    CHECK(scope < LIMIT_SCOPES);
    limiter->limited_total[scope]++;
}

uint64_t limiter_limited_total(const struct limiter *limiter, enum limit_scope scope) {
    CHECK(scope < LIMIT_SCOPES);
    return limiter->limited_total[scope];
}

uint64_t limiter_news(struct limiter *limiter, enum limit_scope scope) {
    uint64_t before = limiter->told_total[scope];
    limiter->told_total[scope] = limiter_limited_total(limiter, scope);
    return limiter->told_total[scope] - before;
}

uint64_t limiter_used(const struct limiter *limiter, enum limit_scope rate) {
    CHECK(rate < LIMIT_RATES);
    return rate_table_used(&limiter->rates[rate]);
}

uint64_t limiter_memory_bytes(const struct limiter *limiter) {
    return limiter->memory_bytes;
}
