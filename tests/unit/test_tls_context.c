#include "core/limits.h"
#include "tests/unit/support_tls.h"

#include <openssl/pem.h>
#include <sys/stat.h>
#include <time.h>

static char message[512];

static enum status load(const char *certificate, const char *key, const char *client_ca) {
    struct tls_context *context = NULL;
    struct error error = {""};
    const struct tls_files files = {certificate, key, client_ca};
    enum status status = tls_context_new(&context, &files, &error);
    snprintf(message, sizeof message, "%s", error.message);
    tls_context_free(context);
    return status;
}

static const char *path_of(const char *name) {
    static char paths[8][300];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", tls_fix.directory, name);
    return path;
}

static void assert_said(const char *path, const char *words) {
    if (strncmp(message, path, strlen(path)) != 0 || strstr(message, words) == NULL) {
        fail_msg("%s does not say: %s", message, words);
    }
}

static void the_right_files_are_taken(void **state) {
    (void)state;
    assert_int_equal(load(tls_fix.certificate, tls_fix.key, NULL), STATUS_OK);
    assert_int_equal(load(tls_fix.certificate, tls_fix.key, tls_fix.client_ca), STATUS_OK);
    /* one file for both, as some issue it */
    const char *both = path_of("both.pem");
    tls_write_certificate(both, &tls_fix.server);
    tls_write_key(both, &tls_fix.server);
    assert_int_equal(load(both, both, NULL), STATUS_OK);
}

static void the_end_is_that_of_the_first_to_end(void **state) {
    (void)state;
    struct tls_context *context = tls_fixture_context(false);
    int64_t ahead_s = tls_context_expires_s(context) - (int64_t)time(NULL);
    assert_true(ahead_s > 86400 - 600 && ahead_s <= 86400);
    tls_context_free(context);
    struct tls_issued over = tls_issue(&(struct tls_order){.is_ca = true, .is_over = true}, NULL);
    const char *path = path_of("chain.crt");
    tls_write_certificate(path, &tls_fix.server);
    tls_write_certificate(path, &over);
    const struct tls_files files = {path, tls_fix.key, NULL};
    struct error error;
    assert_int_equal(tls_context_new(&context, &files, &error), STATUS_OK);
    assert_true(tls_context_expires_s(context) < (int64_t)time(NULL));
    tls_context_free(context);
    tls_issued_free(&over);
}

static void a_key_that_others_may_read_is_refused(void **state) {
    (void)state;
    const mode_t modes[] = {0604, 0640};
    for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
        assert_int_equal(chmod(tls_fix.key, modes[i]), 0);
        assert_int_equal(load(tls_fix.certificate, tls_fix.key, NULL), STATUS_IO);
        assert_said(tls_fix.key, "others may read it: chmod 600 ");
        assert_non_null(strstr(message + strlen(tls_fix.key), tls_fix.key));
    }
    /* systemd's own directory gives its group the right to read. */
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", tls_fix.directory, 1), 0);
    assert_int_equal(load(tls_fix.certificate, tls_fix.key, NULL), STATUS_OK);
    assert_int_equal(chmod(tls_fix.key, 0644), 0);
    assert_int_equal(load(tls_fix.certificate, tls_fix.key, NULL), STATUS_IO);
    /* A directory whose name only begins alike is another one. */
    char shorter[sizeof tls_fix.directory];
    snprintf(shorter, sizeof shorter, "%s", tls_fix.directory);
    shorter[strlen(shorter) - 1] = '\0';
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", shorter, 1), 0);
    assert_int_equal(chmod(tls_fix.key, 0640), 0);
    assert_int_equal(load(tls_fix.certificate, tls_fix.key, NULL), STATUS_IO);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(chmod(tls_fix.certificate, 0644), 0); /* a certificate is no secret */
    assert_int_equal(chmod(tls_fix.key, 0400), 0);
    assert_int_equal(load(tls_fix.certificate, tls_fix.key, NULL), STATUS_OK);
}

static void wrong_files_are_refused_by_name(void **state) {
    (void)state;
    const char *none = path_of("none");
    assert_int_equal(load(none, tls_fix.key, NULL), STATUS_NOT_FOUND);
    assert_said(none, "No such file");
    assert_int_equal(load(tls_fix.certificate, none, NULL), STATUS_NOT_FOUND);
    const char *empty = path_of("empty");
    tls_write_text(empty, "");
    assert_int_equal(load(empty, tls_fix.key, NULL), STATUS_INVALID);
    assert_said(empty, "no certificate");
    assert_int_equal(load(tls_fix.certificate, empty, NULL), STATUS_INVALID);
    assert_said(empty, "no private key");
    assert_int_equal(load(tls_fix.certificate, tls_fix.key, empty), STATUS_INVALID);
    assert_said(empty, "no certificate");
    /* the second of a chain is damaged */
    const char *damaged = path_of("damaged.crt");
    struct buffer text;
    buffer_init(&text);
    struct slice good = support_read_file(tls_fix.certificate);
    buffer_append_slice(&text, good);
    buffer_append_text(&text, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    buffer_append(&text, "", 1);
    tls_write_text(damaged, (const char *)text.data);
    assert_int_equal(load(damaged, tls_fix.key, NULL), STATUS_INVALID);
    assert_said(damaged, ": ");
    free((void *)good.data);
    buffer_deinit(&text);
    /* somebody else's key */
    struct tls_issued other = tls_issue(&(struct tls_order){.name = NULL}, NULL);
    const char *other_key = path_of("other.key");
    tls_write_key(other_key, &other);
    assert_int_equal(load(tls_fix.certificate, other_key, NULL), STATUS_INVALID);
    assert_said(other_key, "it is not the certificate's key");
    /* a leaf is no CA */
    assert_int_equal(load(tls_fix.certificate, tls_fix.key, tls_fix.certificate), STATUS_INVALID);
    assert_said(tls_fix.certificate, "no CA");
    tls_issued_free(&other);
}

static void weak_and_locked_keys_are_refused(void **state) {
    (void)state;
    struct tls_issued weak = tls_issue(&(struct tls_order){.rsa_bits = 1024}, &tls_fix.ca);
    const char *certificate = path_of("weak.crt"), *key = path_of("weak.key");
    tls_write_certificate(certificate, &weak);
    tls_write_key(key, &weak);
    assert_int_equal(load(certificate, key, NULL), STATUS_INVALID);
    assert_said(certificate, "key too small");
    tls_issued_free(&weak);
    const char *locked = path_of("locked.key");
    FILE *file = fopen(locked, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, tls_fix.server.key, EVP_aes_128_cbc(),
                                          (const unsigned char *)"word", 4, NULL, NULL),
                     1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(locked, 0600), 0);
    assert_int_equal(load(tls_fix.certificate, locked, NULL), STATUS_INVALID);
    assert_said(locked, "without a passphrase");
}

static void a_file_is_bounded(void **state) {
    (void)state;
    const char *path = path_of("large.crt");
    for (size_t extra = 0; extra < 2; extra++) {
        struct buffer text;
        buffer_init(&text);
        struct slice good = support_read_file(tls_fix.certificate);
        buffer_append_slice(&text, good);
        size_t room = TLS_FILE_BYTES_MAX + extra - text.bytes;
        memset(buffer_reserve(&text, room + 1), '\n', room);
        text.bytes += room;
        buffer_append(&text, "", 1);
        tls_write_text(path, (const char *)text.data);
        assert_int_equal(load(path, tls_fix.key, NULL), extra == 0 ? STATUS_OK : STATUS_TOO_LARGE);
        free((void *)good.data);
        buffer_deinit(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, tls_files_start, tls_files_stop)
        WITH_FILES(the_right_files_are_taken),
        WITH_FILES(the_end_is_that_of_the_first_to_end),
        WITH_FILES(a_key_that_others_may_read_is_refused),
        WITH_FILES(wrong_files_are_refused_by_name),
        WITH_FILES(weak_and_locked_keys_are_refused),
        WITH_FILES(a_file_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
