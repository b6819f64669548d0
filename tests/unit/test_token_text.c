#include "server/auth/token_text.h"

#include "tests/unit/support.h"

#include <string.h>

static struct token_text parsed;

static bool parse(const char *text) {
    return token_text_parse(&parsed, slice_text(text));
}

static const struct token_claims claims = {.roles = ACCESS_ROLE_DEVICE | ACCESS_ROLE_UNIT,
                                           .region = 7,
                                           .unit_tag = 0xDEADBEEF,
                                           .generation = 3,
                                           .issued_s = 1000,
                                           .expires_s = 2000,
                                           .name = "d-1",
                                           .name_bytes = 3};

static size_t device(char to[TOKEN_TEXT_BYTES_MAX], const struct token_claims *from) {
    uint8_t tag[TOKEN_TAG_BYTES];
    memset(tag, 0xA5, sizeof tag);
    return token_text_sign(to, token_text_device(to, "k1", from), tag);
}

static void a_stored_token_reads_back(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX];
    size_t bytes =
        token_text_stored(text, TOKEN_HUMAN, "0123456789ab", "abcdefghijklmnopqrstuvwxyzABCDEF");
    assert_int_equal(bytes, strlen(text));
    assert_true(parse(text));
    assert_int_equal(parsed.kind, TOKEN_HUMAN);
    assert_string_equal(parsed.id, "0123456789ab");
    assert_int_equal(parsed.proven.bytes, bytes - TOKEN_CHECK_BYTES - 1);
}

static void a_device_token_reads_back(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX];
    (void)device(text, &claims);
    assert_true(parse(text));
    assert_int_equal(parsed.kind, TOKEN_DEVICE);
    assert_string_equal(parsed.key_id, "k1");
    assert_memory_equal(&parsed.claims, &claims, sizeof claims);
    assert_int_equal(parsed.tag[31], 0xA5);
    struct token_claims longest = claims;
    longest.name_bytes = TOKEN_NAME_BYTES_MAX;
    memset(longest.name, 'n', TOKEN_NAME_BYTES_MAX);
    (void)device(text, &longest);
    assert_true(parse(text));
    assert_int_equal(parsed.claims.name_bytes, TOKEN_NAME_BYTES_MAX);
}

/* Every byte of either form counts: no other text is taken for the same token. */
static void a_changed_byte_is_another_token_or_none(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX], changed[TOKEN_TEXT_BYTES_MAX];
    size_t bytes =
        token_text_stored(text, TOKEN_SERVICE, "0123456789ab", "abcdefghijklmnopqrstuvwxyzABCDEF");
    for (size_t i = 0; i < bytes; i++) {
        memcpy(changed, text, sizeof text);
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        assert_false(parse(changed));
    }
    bytes = device(text, &claims);
    for (size_t i = 0; i < bytes; i++) {
        memcpy(changed, text, sizeof text);
        changed[i] = changed[i] == 'x' ? 'y' : 'x';
        if (parse(changed)) { /* what is proven, or the proof, has changed */
            struct token_text other = parsed;
            assert_true(parse(text));
            assert_true(!slice_equal(other.proven, parsed.proven) ||
                        memcmp(other.tag, parsed.tag, sizeof parsed.tag) != 0);
        }
    }
}

static void what_is_no_token_is_refused(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX];
    static const char *const bad[] = {
        "",
        "gd",
        "gd_",
        "gd__",
        "gd_human",
        "gd_human_",
        "gdd1.",
        "gdd1.k1",
        "gdd1.k1.",
        "gdd1...",
        "gd_device_0123456789ab_abcdefghijklmnopqrstuvwxyzABCDEF_000000",
        "gd_human_0123456789ab_abcdefghijklmnopqrstuvwxyzABCDEF_000000",
        "gd_human_0123456789ab_abcdefghijklmnopqrstuvwxyzABCDEF",
        "gdd2.k1.AQAB.AAAA",
        "gdd1.K1.AQAB.AAAA",
        "gdd1.k12345678.AQAB.AAAA"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(parse(bad[i]));
    }
    size_t bytes = device(text, &claims);
    for (size_t i = 0; i < bytes; i++) {
        assert_false(token_text_parse(&parsed, (struct slice){(uint8_t *)text, i}));
    }
    memcpy(text + bytes, "A", 2);
    assert_false(parse(text));
}

static void claims_are_judged(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX];
    struct token_claims wrong = claims;
    wrong.roles = ACCESS_ROLE_ADMIN;
    (void)device(text, &wrong);
    assert_false(parse(text));
    wrong.roles = 0;
    (void)device(text, &wrong);
    assert_false(parse(text));
    wrong = claims;
    wrong.expires_s = wrong.issued_s;
    (void)device(text, &wrong);
    assert_false(parse(text));
    wrong = claims;
    wrong.name[1] = '/';
    (void)device(text, &wrong);
    assert_false(parse(text));
}

static void names_are_text(void **state) {
    (void)state;
    static const char *const good[] = {"a", "网格员-7", "a b", "x@y.z:1"};
    static const char *const bad[] = {"",     "a/b",  "a\\b",     "a\nb",
                                      "\x7f", "\xff", "\xe7\xbd", "\xc0\x80"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_true(token_name_is_valid(slice_text(good[i])));
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(token_name_is_valid(slice_text(bad[i])));
    }
    uint8_t name[TOKEN_NAME_BYTES_MAX + 1];
    memset(name, 'n', sizeof name);
    assert_true(token_name_is_valid((struct slice){name, TOKEN_NAME_BYTES_MAX}));
    assert_false(token_name_is_valid((struct slice){name, TOKEN_NAME_BYTES_MAX + 1}));
    assert_false(token_name_is_valid(SLICE_LITERAL("a\0b")));
}

static void letters_are_equally_likely(void **state) {
    (void)state;
    unsigned counts[128] = {0};
    for (unsigned byte = 0; byte < 256; byte++) {
        char letter;
        if (base62_letter(&letter, (uint8_t)byte)) {
            counts[(unsigned char)letter]++;
        }
    }
    for (unsigned letter = 0; letter < 128; letter++) {
        assert_true(counts[letter] == 0 || counts[letter] == 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stored_token_reads_back),
        cmocka_unit_test(a_device_token_reads_back),
        cmocka_unit_test(a_changed_byte_is_another_token_or_none),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(claims_are_judged),
        cmocka_unit_test(names_are_text),
        cmocka_unit_test(letters_are_equally_likely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
