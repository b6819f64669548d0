#include "server/process/serve_tls.h"
#include "tests/unit/support_tls.h"

#include <time.h>
#include <unistd.h>

static struct config config;
static struct error error;

static int start(void **state) {
    assert_int_equal(tls_files_start(state), 0);
    config_init(&config);
    snprintf(config.tls_certificate, sizeof config.tls_certificate, "%s", tls_fix.certificate);
    snprintf(config.tls_key, sizeof config.tls_key, "%s", tls_fix.key);
    return 0;
}

static int64_t now_ms(void) {
    return (int64_t)time(NULL) * 1000;
}

static void off_without_a_certificate(void **state) {
    (void)state;
    struct serve_tls tls;
    config_init(&config);
    assert_false(serve_tls_is_on(&config));
    assert_null(serve_tls_fault(&config));
    assert_int_equal(serve_tls_load(&tls, &config, &error), STATUS_OK);
    assert_null(tls.open);
    assert_null(tls.gateways);
    serve_tls_tell(&tls, now_ms());
}

static void an_expired_certificate_does_not_replace(void **state) {
    (void)state;
    struct serve_tls tls, fresh;
    assert_int_equal(serve_tls_load(&tls, &config, &error), STATUS_OK);
    assert_null(tls.gateways);
    int64_t end_ms = tls_context_expires_s(tls.open) * 1000;
    assert_int_equal(serve_tls_load_again(&fresh, &tls, &config, end_ms, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "expired"));
    assert_int_equal(serve_tls_load_again(&fresh, &tls, &config, end_ms - 1, &error), STATUS_OK);
    serve_tls_replace(&tls, &fresh);
    assert_null(fresh.open);
    /* At the start it is taken: a server that does not come up helps nobody. */
    struct tls_issued over = tls_issue(&(struct tls_order){.is_over = true}, NULL);
    assert_int_equal(unlink(tls_fix.certificate), 0);
    assert_int_equal(unlink(tls_fix.key), 0);
    tls_write_certificate(tls_fix.certificate, &over);
    tls_write_key(tls_fix.key, &over);
    serve_tls_free(&tls);
    assert_int_equal(serve_tls_load(&tls, &config, &error), STATUS_OK);
    serve_tls_free(&tls);
    tls_issued_free(&over);
}

static void a_listener_for_gateways_has_its_own(void **state) {
    (void)state;
    struct serve_tls tls, fresh;
    snprintf(config.tls_client_listen, sizeof config.tls_client_listen, "127.0.0.1:0");
    assert_non_null(strstr(serve_tls_fault(&config), "--tls-client-ca"));
    snprintf(config.tls_client_ca, sizeof config.tls_client_ca, "%s", tls_fix.client_ca);
    assert_null(serve_tls_fault(&config));
    assert_int_equal(serve_tls_load(&tls, &config, &error), STATUS_OK);
    assert_non_null(tls.gateways);
    /* Its CA is read again too, and all is taken or nothing. */
    tls_write_text(tls_fix.client_ca, "none");
    assert_int_equal(serve_tls_load_again(&fresh, &tls, &config, now_ms(), &error), STATUS_INVALID);
    serve_tls_free(&tls);
}

static void credentials_are_found_and_may_not_vanish(void **state) {
    (void)state;
    struct serve_tls tls, fresh;
    char at[4][320];
    const char *const names[] = {"tls.crt", "tls.key"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        snprintf(at[i], sizeof at[i], "%s/%s", tls_fix.directory, names[i]);
    }
    tls_write_certificate(at[0], &tls_fix.server);
    tls_write_key(at[1], &tls_fix.server);
    config_init(&config);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", tls_fix.directory, 1), 0);
    assert_true(serve_tls_is_on(&config));
    assert_int_equal(serve_tls_load(&tls, &config, &error), STATUS_OK);
    assert_non_null(tls.open);
    assert_int_equal(unlink(at[0]), 0);
    assert_int_equal(serve_tls_load_again(&fresh, &tls, &config, now_ms(), &error), STATUS_INVALID);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    serve_tls_free(&tls);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, start, tls_files_stop)
        WITH_FILES(off_without_a_certificate),
        WITH_FILES(an_expired_certificate_does_not_replace),
        WITH_FILES(a_listener_for_gateways_has_its_own),
        WITH_FILES(credentials_are_found_and_may_not_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
