#include "server/limit/limiter.h"
#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

static struct limits limits;
static struct limiter *limiter;

static void open_limiter(void) {
    assert_int_equal(limiter_new(&limiter, &limits), STATUS_OK);
}

static uint64_t key_of(const char *name) {
    return limiter_key(limiter, 't', slice_text(name));
}

/* A burst of `tried` is asked for one by one: what is past `most` is refused, says how long to
 * wait, and passes then. */
static void try_burst(enum limit_scope rate, uint64_t tried, uint64_t most, uint64_t period_ms,
                      uint64_t count) {
    open_limiter();
    uint64_t key = key_of("a"), now_ms = 777, taken = 0;
    for (uint64_t i = 0; i < tried; i++) {
        taken += limiter_take(limiter, rate, key, 1, now_ms);
    }
    assert_int_equal(taken, min_u64(tried, most));
    if (taken < tried) {
        limiter_note(limiter, rate);
    }
    assert_int_equal(limiter_limited_total(limiter, rate), tried > most);
    assert_int_equal(limiter_news(limiter, rate), tried > most);
    assert_int_equal(limiter_news(limiter, rate), 0);
    assert_int_equal(limiter_take(limiter, rate, key_of("b"), 1, now_ms), 1);
    if (tried >= most) {
        uint64_t token_ms = (period_ms + count - 1) / count;
        assert_int_equal(limiter_wait_s(limiter, rate, key, now_ms), (token_ms + 999) / 1000);
        assert_int_equal(limiter_take(limiter, rate, key, 1, now_ms + token_ms - 1), 0);
        assert_int_equal(limiter_take(limiter, rate, key, 1, now_ms + token_ms), 1);
    }
    limiter_free(limiter);
}

static void bursts_of_principals(void **state) {
    (void)state;
    limits_init(&limits);
    limits.rate_buckets = 64;
    limits.device_requests_per_s = limits.device_reports_per_s = 2;
    limits.token_requests_per_s = limits.token_reports_per_s = limits.ack_requests_per_s = 2;
    limits.token_requests_burst = 500;
    limits.token_reports_burst = 700;
    EACH_AROUND(tried, limits, device_requests_burst) {
        try_burst(LIMIT_DEVICE_REQUESTS, tried, 50, 1000, 2);
    }
    EACH_AROUND(tried, limits, device_reports_burst) {
        try_burst(LIMIT_DEVICE_REPORTS, tried, 2000, 1000, 2);
    }
    EACH_AROUND(tried, limits, token_requests_burst) {
        try_burst(LIMIT_TOKEN_REQUESTS, tried, 500, 1000, 2);
    }
    EACH_AROUND(tried, limits, token_reports_burst) {
        try_burst(LIMIT_TOKEN_REPORTS, tried, 700, 1000, 2);
    }
    EACH_AROUND(tried, limits, ack_requests_burst) {
        try_burst(LIMIT_ACK_REQUESTS, tried, 200, 1000, 2);
    }
}

static void bursts_of_regions_and_addresses(void **state) {
    (void)state;
    limits_init(&limits);
    limits.rate_buckets = 64;
    limits.region_requests_per_s = limits.region_reports_per_s = limits.address_requests_per_s = 2;
    limits.region_requests_burst = 30;
    limits.region_reports_burst = 40;
    EACH_AROUND(tried, limits, region_requests_burst) {
        try_burst(LIMIT_REGION_REQUESTS, tried, 30, 1000, 2);
    }
    EACH_AROUND(tried, limits, region_reports_burst) {
        try_burst(LIMIT_REGION_REPORTS, tried, 40, 1000, 2);
    }
    EACH_AROUND(tried, limits, address_requests_burst) {
        try_burst(LIMIT_ADDRESS_REQUESTS, tried, 2000, 1000, 2);
    }
    /* Thirty a minute: one each two seconds. */
    EACH_AROUND(tried, limits, auth_failures_per_min) {
        try_burst(LIMIT_AUTH_FAILURES, tried, 30, 60000, 30);
    }
}

static void feeds_of_a_principal(void **state) {
    (void)state;
    limits_init(&limits);
    limits.rate_buckets = 8;
    limits.feed_readers = 100;
    EACH_AROUND(tried, limits, feeds_per_principal) {
        open_limiter();
        for (uint64_t i = 0; i < tried; i++) {
            assert_int_equal(limiter_open_feed(limiter, key_of("a")), i < 8);
        }
        assert_int_equal(limiter_limited_total(limiter, LIMIT_FEEDS), tried > 8);
        assert_true(limiter_open_feed(limiter, key_of("b")));
        limiter_close_feed(limiter, key_of("a"));
        assert_true(limiter_open_feed(limiter, key_of("a")));
        limiter_free(limiter);
    }
}

static void buckets_are_so_many(void **state) {
    (void)state;
    limits_init(&limits);
    limits.rate_buckets = 8;
    EACH_AROUND(tried, limits, rate_buckets) {
        open_limiter();
        uint64_t before = limiter_memory_bytes(limiter), taken = 0;
        for (uint64_t i = 0; i < tried; i++) {
            char name[2] = {(char)('a' + i), '\0'};
            taken += limiter_take(limiter, LIMIT_DEVICE_REQUESTS, key_of(name), 50, 0);
        }
        /* One more goes on with another's, and here all are spent. */
        assert_int_equal(taken, 50 * min_u64(tried, 8));
        assert_int_equal(limiter_used(limiter, LIMIT_DEVICE_REQUESTS), min_u64(tried, 8));
        assert_int_equal(limiter_memory_bytes(limiter), before);
        limiter_free(limiter);
    }
}

static void keys_are_secret_and_of_a_kind(void **state) {
    (void)state;
    limits_init(&limits);
    limits.rate_buckets = 8;
    open_limiter();
    uint64_t key = key_of("a");
    assert_int_equal(key, key_of("a"));
    assert_int_not_equal(key, key_of("b"));
    assert_int_not_equal(key, limiter_key(limiter, 'd', slice_text("a")));
    limiter_free(limiter);
    open_limiter();
    assert_int_not_equal(key, key_of("a"));
    limiter_free(limiter);
}

static void memory_is_fixed_whoever_comes(void **state) {
    (void)state;
    limits_init(&limits);
    open_limiter();
    uint64_t before = limiter_memory_bytes(limiter);
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t key = limiter_key(limiter, 'a', (struct slice){(const uint8_t *)&i, sizeof i});
        assert_int_equal(limiter_take(limiter, LIMIT_ADDRESS_REQUESTS, key, 1, i), 1);
    }
    assert_int_equal(limiter_memory_bytes(limiter), before);
    assert_true(limiter_used(limiter, LIMIT_ADDRESS_REQUESTS) <= limits.rate_buckets);
    limiter_free(limiter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bursts_of_principals),
        cmocka_unit_test(bursts_of_regions_and_addresses),
        cmocka_unit_test(feeds_of_a_principal),
        cmocka_unit_test(buckets_are_so_many),
        cmocka_unit_test(keys_are_secret_and_of_a_kind),
        cmocka_unit_test(memory_is_fixed_whoever_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
