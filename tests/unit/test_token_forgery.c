/* Forged tokens by the hundred thousand (GRIDD_FORGED_TOKENS; `./run soak` takes ten million): what
 * somebody can write who has seen good tokens and has no key. Not one may let in, whatever came
 * before it; the good ones, and only they as they are, always do. */
#include "server/auth/auth_inside.h"

#include "bench/clock.h"
#include "bench/prng.h"
#include "server/base64url.h"
#include "tests/unit/support_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1700000000000)
#define HOUR_MS INT64_C(3600000)

enum {
    GOOD_EACH = 8, /* good tokens of each kind */
    GOOD = 3 * GOOD_EACH,
    BATCH = 1000, /* written, then tried, so that only the trying is timed */
    FORGED_DEFAULT = 200000,
};

/* What a forger does. */
#define FORGERY_TABLE(X)                                                                           \
    X(BIT, "a bit flipped")                                                                        \
    X(BYTE, "a byte replaced")                                                                     \
    X(LETTER, "a letter of the alphabet for another")                                              \
    X(CUT, "cut short")                                                                            \
    X(LONGER, "something behind it")                                                               \
    X(CASE, "upper for lower case")                                                                \
    X(SPARE, "spare bits, padding or the other alphabet of base64")                                \
    X(KEY_ID, "another key named")                                                                 \
    X(CLAIMS, "other claims under the same tag")                                                   \
    X(SPLICED, "the tag of another good token")                                                    \
    X(OWN_KEY, "signed with a key of one's own")                                                   \
    X(SECRET, "another secret with the right check")                                               \
    X(ID, "another id with the right check")                                                       \
    X(KIND, "another kind with the right check")                                                   \
    X(EXPIRED, "good once, out of its time")                                                       \
    X(REVOKED, "good once, revoked")

enum forgery {
#define FORGERY_ENUM(name, text) FORGERY_##name,
    FORGERY_TABLE(FORGERY_ENUM)
#undef FORGERY_ENUM
        FORGERIES
};
static const char *const forgery_texts[] = {
#define FORGERY_TEXT(name, text) [FORGERY_##name] = (text),
    FORGERY_TABLE(FORGERY_TEXT)
#undef FORGERY_TEXT
};

struct text {
    uint8_t bytes[TOKEN_TEXT_BYTES_MAX + 8]; /* of any length, NULs too */
    size_t length;
};

static struct db_fixture fix;
static struct limits limits;
static struct auth *auth;
static struct prng prng;
static struct text good[GOOD], late[GOOD], revoked[GOOD];

static struct text text_of(const char *token) {
    struct text text = {.length = strlen(token)};
    assert_in_range(text.length, 1, TOKEN_TEXT_BYTES_MAX - 1);
    memcpy(text.bytes, token, text.length + 1);
    return text;
}

static bool is_same(const struct text *a, const struct text *b) {
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* A token of the n-th kind: service, human, device by turns. */
static void make(struct text *ret, size_t n, const char *what, int64_t expires_ms, char *id) {
    static const enum token_kind kinds[] = {TOKEN_SERVICE, TOKEN_HUMAN, TOKEN_DEVICE};
    char name[24], token[TOKEN_TEXT_BYTES_MAX];
    struct error error;
    (void)snprintf(name, sizeof name, "%s-%zu", what, n);
    enum token_kind kind = kinds[n % 3];
    const struct token_order order = {
        .kind = kind,
        .principal = {kind == TOKEN_DEVICE ? ACCESS_ROLE_DEVICE : ACCESS_ROLE_CENTRE, 7, 9},
        .name = slice_text(name),
        .creator = SLICE_LITERAL("me"),
        .expires_ms = expires_ms};
    assert_int_equal(auth_create(auth, &order, NOW_MS - 2 * HOUR_MS, token, id, &error), STATUS_OK);
    *ret = text_of(token);
}

static int init(void **state) {
    (void)state;
    char keys_path[4200], id[TOKEN_ID_BYTES + 1], name[24];
    struct error error;
    fixture_init(&fix, DB_MEM);
    limits = fix.limits;
    (void)snprintf(keys_path, sizeof keys_path, "%s/keys", fix.path);
    const struct auth_options options = {
        .db = fix.db, .limits = &limits, .keys_path = keys_path, .create_keys = true};
    assert_int_equal(auth_new(&auth, &options, &error), STATUS_OK);
    prng_init(&prng, 20261124);
    for (size_t i = 0; i < GOOD; i++) {
        make(&good[i], i, "good", NOW_MS + HOUR_MS, id);
        make(&late[i], i, "late", NOW_MS - HOUR_MS, id);
        make(&revoked[i], i, "revoked", NOW_MS + HOUR_MS, id);
        (void)snprintf(name, sizeof name, "revoked-%zu", i);
        assert_int_equal(id[0] != '\0' ? auth_revoke(auth, id)
                                       : auth_revoke_device(auth, slice_text(name), NOW_MS),
                         STATUS_OK);
    }
    return 0;
}

static int deinit(void **state) {
    (void)state;
    auth_free(auth);
    fixture_deinit(&fix);
    return 0;
}

/* Forging. */

static size_t below(size_t bound) {
    return (size_t)prng_below(&prng, bound);
}

static char a_letter(void) {
    char letter;
    while (!base62_letter(&letter, (uint8_t)below(256))) {
    }
    return letter;
}

static bool is_device(const struct text *text) {
    return memcmp(text->bytes, "gdd1.", 5) == 0;
}

static const struct text *a_good(bool device) {
    const struct text *text;
    do {
        text = &good[below(GOOD)];
    } while (is_device(text) != device);
    return text;
}

/* A good device token, read. */
static struct token_text read_device(const struct text *text) {
    struct token_text read;
    assert_true(token_text_parse(&read, (struct slice){text->bytes, text->length}));
    return read;
}

static struct text signed_text(const char *key_id, const struct token_claims *claims,
                               const uint8_t tag[TOKEN_TAG_BYTES]) {
    char token[TOKEN_TEXT_BYTES_MAX];
    size_t length = token_text_device(token, key_id, claims);
    (void)token_text_sign(token, length, tag);
    return text_of(token);
}

static void change_claims(struct token_claims *claims) {
    switch (below(6)) {
    case 0:
        claims->roles ^= ACCESS_ROLE_UNIT;
        break;
    case 1:
        claims->region = (uint32_t)below(16);
        break;
    case 2:
        claims->unit_tag ^= 1U << below(32);
        break;
    case 3:
        claims->generation += 1 + (uint32_t)below(100);
        break;
    case 4:
        claims->expires_s += 1 + (uint32_t)below(86400);
        break;
    default:
        claims->name[below(claims->name_bytes)] = (uint8_t)a_letter();
        break;
    }
}

static struct text forge_device(enum forgery how) {
    static const char *const ids[] = {"k0", "k2", "k11", "K1", "k", ""};
    const struct text *from = a_good(true);
    struct token_text read = read_device(from);
    struct text text = *from;
    if (how == FORGERY_SPARE) { /* the last letter of the claims or of the tag; = behind; + and / */
        const uint8_t *point = memchr(from->bytes + 5, '.', from->length - 5);
        point = memchr(point + 1, '.', from->length);
        size_t at = below(2) == 0 ? text.length - 1 : (size_t)(point - from->bytes) - 1;
        text.bytes[at] = (uint8_t) "ABCDEFGHabcdefgh0123456789-_=+/"[below(31)];
        if (below(4) == 0) {
            text.bytes[text.length++] = '=';
        }
        return text;
    }
    if (how == FORGERY_SPLICED) {
        struct token_text other = read_device(a_good(true));
        return signed_text(read.key_id, &read.claims, other.tag);
    }
    if (how == FORGERY_KEY_ID) {
        char token[TOKEN_TEXT_BYTES_MAX];
        const char *id = ids[below(ARRAY_COUNT(ids))];
        size_t length = token_text_device(token, id, &read.claims);
        (void)token_text_sign(token, length, read.tag);
        return text_of(token);
    }
    if (how == FORGERY_OWN_KEY) {
        struct auth_key key = {.id = "k1"};
        uint8_t tag[MAC_BYTES];
        char token[TOKEN_TEXT_BYTES_MAX];
        for (size_t i = 0; below(8) != 0 && i < sizeof key.secret; i++) {
            key.secret[i] = (uint8_t)below(256);
        }
        size_t length = token_text_device(token, read.key_id, &read.claims);
        auth_mac(tag, &key, below(2) == 0 ? AUTH_PURPOSE_DEVICE : AUTH_PURPOSE_STORED,
                 (struct slice){(const uint8_t *)token, length});
        return signed_text(read.key_id, &read.claims, tag);
    }
    change_claims(&read.claims);
    return signed_text(read.key_id, &read.claims, read.tag);
}

/* With a check that is right: anybody can compute it. */
static struct text forge_stored(enum forgery how) {
    const struct text *from = a_good(false);
    char id[TOKEN_ID_BYTES + 1], secret[TOKEN_SECRET_BYTES + 1] = "", token[TOKEN_TEXT_BYTES_MAX];
    struct token_text read;
    assert_true(token_text_parse(&read, (struct slice){from->bytes, from->length}));
    memcpy(id, read.id, sizeof id);
    memcpy(secret, read.proven.data + read.proven.bytes - TOKEN_SECRET_BYTES, TOKEN_SECRET_BYTES);
    if (how == FORGERY_SECRET) {
        size_t count = below(2) == 0 ? 1 : TOKEN_SECRET_BYTES;
        for (size_t i = 0; i < count; i++) {
            secret[below(TOKEN_SECRET_BYTES)] = a_letter();
        }
    } else if (how == FORGERY_ID) {
        const struct text *other = a_good(false);
        struct token_text read_other;
        assert_true(token_text_parse(&read_other, (struct slice){other->bytes, other->length}));
        memcpy(id, read_other.id, sizeof id);
        id[below(TOKEN_ID_BYTES)] = below(2) == 0 ? a_letter() : id[0];
    } else {
        read.kind = read.kind == TOKEN_HUMAN ? TOKEN_SERVICE : TOKEN_HUMAN;
    }
    (void)token_text_stored(token, read.kind, id, secret);
    return text_of(token);
}

static struct text forge_bytes(enum forgery how) {
    struct text text = good[below(GOOD)];
    size_t at = below(text.length);
    if (how == FORGERY_BIT) {
        text.bytes[at] ^= (uint8_t)(1U << below(8));
    } else if (how == FORGERY_BYTE) {
        text.bytes[at] = (uint8_t)below(256);
    } else if (how == FORGERY_LETTER) {
        text.bytes[at] = (uint8_t)a_letter();
    } else if (how == FORGERY_CUT) {
        text.length = at;
    } else if (how == FORGERY_LONGER) {
        text.bytes[text.length++] = (uint8_t)below(256);
    } else {
        text.bytes[at] ^= 0x20;
    }
    return text;
}

static struct text forge(enum forgery how) {
    switch (how) {
    case FORGERY_SPARE:
    case FORGERY_KEY_ID:
    case FORGERY_CLAIMS:
    case FORGERY_SPLICED:
    case FORGERY_OWN_KEY:
        return forge_device(how);
    case FORGERY_SECRET:
    case FORGERY_ID:
    case FORGERY_KIND:
        return forge_stored(how);
    case FORGERY_EXPIRED:
        return late[below(GOOD)];
    case FORGERY_REVOKED:
        return revoked[below(GOOD)];
    case FORGERY_BIT:
    case FORGERY_BYTE:
    case FORGERY_LETTER:
    case FORGERY_CUT:
    case FORGERY_LONGER:
    case FORGERY_CASE:
    case FORGERIES:
        break;
    }
    return forge_bytes(how);
}

/* Trying. */

static bool lets_in(const struct text *text) {
    enum auth_refusal refusal;
    struct bearer *bearer =
        auth_verify(auth, (struct slice){text->bytes, text->length}, NOW_MS, &refusal);
    bearer_unref(bearer);
    return bearer != NULL;
}

static bool is_good(const struct text *text) {
    for (size_t i = 0; i < GOOD; i++) {
        if (is_same(text, &good[i])) {
            return true;
        }
    }
    return false;
}

static size_t asked_for(void) {
    const char *text = getenv("GRIDD_FORGED_TOKENS");
    return text != NULL ? strtoull(text, NULL, 10) : FORGED_DEFAULT;
}

static void no_forged_token_lets_in(void **state) {
    (void)state;
    static struct text texts[BATCH];
    static bool are_in[BATCH];
    size_t forged[FORGERIES] = {0}, tried = 0, untouched = 0, wanted = asked_for();
    double spent_s = 0.0;
    while (tried < wanted) {
        for (size_t i = 0; i < BATCH; i++) {
            texts[i] = forge((enum forgery)((tried + i) % FORGERIES));
        }
        double begin_s = own_cpu_s();
        for (size_t i = 0; i < BATCH; i++) {
            are_in[i] = lets_in(&texts[i]);
        }
        spent_s += own_cpu_s() - begin_s;
        for (size_t i = 0; i < BATCH; i++) {
            enum forgery how = (enum forgery)((tried + i) % FORGERIES);
            bool is_untouched = is_good(&texts[i]); /* by chance: the same byte again */
            if (are_in[i] != is_untouched) {
                fail_msg("%s: %.*s", forgery_texts[how], (int)texts[i].length, texts[i].bytes);
            }
            forged[how] += !is_untouched;
            untouched += is_untouched;
        }
        tried += BATCH;
        for (size_t i = 0; i < GOOD; i++) {
            assert_true(lets_in(&good[i]));
        }
    }
    for (size_t i = 0; i < FORGERIES; i++) {
        printf("%9zu %s\n", forged[i], forgery_texts[i]);
        assert_true(forged[i] > tried / FORGERIES / 8); /* each kind was really tried */
    }
    printf("%zu forged tokens, none let in; %zu came out untouched; %.0f ns of CPU each\n",
           tried - untouched, untouched, 1e9 * spent_s / (double)tried);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_forged_token_lets_in),
    };
    return cmocka_run_group_tests(tests, init, deinit);
}
