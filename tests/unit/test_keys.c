#include "server/auth/keys.h"

#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct auth_keys keys;
static struct error error;

static enum status parse(const char *text) {
    return auth_keys_parse(&keys, slice_text(text), "f", &error);
}

static void lines_are_read(void **state) {
    (void)state;
    assert_int_equal(parse("# old\n\npepper p2 " HEX "\n pepper\tp1 " HEX "\ndevice k1 " HEX),
                     STATUS_OK);
    assert_int_equal(keys.peppers_count, 2);
    assert_int_equal(keys.devices_count, 1);
    assert_string_equal(keys.peppers[0].id, "p2");
    assert_int_equal(keys.devices[0].secret[1], 0x23);
    assert_ptr_equal(auth_pepper(&keys, "p1"), &keys.peppers[1]);
    assert_null(auth_pepper(&keys, "k1"));
    assert_null(auth_device_key(&keys, "k2"));
}

static void bad_lines_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "f:1: a pepper and a device key are needed"},
        {"pepper p1 " HEX "\n", "needed"},
        {"salt p1 " HEX "\n", "f:1: a line begins with"},
        {"pepper P1 " HEX "\n", "f:1: an id is"},
        {"pepper p12345678 " HEX "\n", "f:1: an id is"},
        {"\npepper p1 0123\n", "f:2: a key is 64 hex digits"},
        {"pepper p1 " HEX " x\n", "f:1: a key is 64"},
        {"pepper p1 " HEX "\npepper p1 " HEX "\n", "f:2: this id stands twice"},
        {"device a " HEX "\ndevice b " HEX "\ndevice c " HEX "\n", "f:3: at most two"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_int_equal(parse(bad[i].text), STATUS_INVALID);
        assert_non_null(strstr(error.message, bad[i].says));
    }
}

static void a_file_is_made_once_and_private(void **state) {
    (void)state;
    char path[4200];
    struct stat file;
    const char *directory = support_temporary_directory();
    (void)snprintf(path, sizeof path, "%s/keys", directory);
    assert_int_equal(auth_keys_load(&keys, path, &error), STATUS_NOT_FOUND);
    assert_int_equal(auth_keys_create(path, &error), STATUS_OK);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(auth_keys_load(&keys, path, &error), STATUS_OK);
    struct auth_keys first = keys;
    assert_int_equal(auth_keys_create(path, &error), STATUS_CONFLICT);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(auth_keys_load(&keys, path, &error), STATUS_IO);
    assert_non_null(strstr(error.message, "others may read it"));
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", directory, 1), 0);
    assert_int_equal(auth_keys_load(&keys, path, &error), STATUS_OK);
    assert_memory_equal(&keys, &first, sizeof keys);
    assert_memory_not_equal(keys.peppers[0].secret, keys.devices[0].secret, KEY_BYTES);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    support_remove_tree(directory);
}

static void a_file_is_bounded(void **state) {
    (void)state;
    char path[4200];
    const char *directory = support_temporary_directory();
    (void)snprintf(path, sizeof path, "%s/keys", directory);
    for (size_t bytes = KEYS_FILE_BYTES_MAX - 1; bytes <= KEYS_FILE_BYTES_MAX + 1; bytes++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        int head = fprintf(file, "pepper p1 " HEX "\ndevice k1 " HEX "\n#");
        for (size_t i = (size_t)head; i < bytes; i++) {
            (void)fputc('x', file);
        }
        assert_int_equal(fclose(file), 0);
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(auth_keys_load(&keys, path, &error),
                         bytes <= KEYS_FILE_BYTES_MAX ? STATUS_OK : STATUS_TOO_LARGE);
    }
    support_remove_tree(directory);
}

static void the_place_of_the_keys(void **state) {
    (void)state;
    char path[64];
    assert_true(auth_keys_path(path, sizeof path, "", "/d"));
    assert_string_equal(path, "/d/keys");
    assert_true(auth_keys_path(path, sizeof path, "/etc/k", "/d"));
    assert_string_equal(path, "/etc/k");
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1), 0);
    assert_true(auth_keys_path(path, sizeof path, "", "/d"));
    assert_string_equal(path, "/d/keys");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_false(auth_keys_path(path, 4, "", "/d"));
}

/* HMAC-SHA-256 over purpose, NUL and text: by Python's hmac. */
static void the_mac_is_the_known_one(void **state) {
    (void)state;
    uint8_t mac[MAC_BYTES];
    struct auth_key key = {.id = "p1"};
    memset(key.secret, 0x0b, sizeof key.secret);
    auth_mac(mac, &key, "gridd/token/v1", SLICE_LITERAL("Hi There"));
    static const uint8_t known[4] = {0x64, 0xd9, 0x38, 0x83};
    assert_memory_equal(mac, known, sizeof known);
    assert_true(auth_mac_equal(mac, mac));
    uint8_t other[MAC_BYTES];
    auth_mac(other, &key, "gridd/device/v1", SLICE_LITERAL("Hi There"));
    assert_false(auth_mac_equal(mac, other));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(a_file_is_made_once_and_private),
        cmocka_unit_test(a_file_is_bounded),
        cmocka_unit_test(the_place_of_the_keys),
        cmocka_unit_test(the_mac_is_the_known_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
