#include "server/auth/auth.h"

#include "server/auth/auth_inside.h"
#include "tests/unit/support_db.h"
#include "tests/unit/support_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1700000000000)
#define HOUR_MS INT64_C(3600000)

static struct db_fixture fix;
static struct auth *auth;
static struct limits limits;
static char keys_path[4200];
static unsigned told;

static void on_revoked(void *context) {
    (void)context;
    told++;
}

static enum status try_open(bool create_keys, struct error *error) {
    const struct auth_options options = {.db = fix.db,
                                         .limits = &limits,
                                         .keys_path = keys_path,
                                         .create_keys = create_keys,
                                         .on_revoked = on_revoked};
    return auth_new(&auth, &options, error);
}

static int init(void **state) {
    (void)state;
    struct error error;
    fixture_init(&fix, DB_MEM);
    limits = fix.limits;
    (void)snprintf(keys_path, sizeof keys_path, "%s/keys", fix.path);
    assert_int_equal(try_open(true, &error), STATUS_OK);
    return 0;
}

static int deinit(void **state) {
    (void)state;
    auth_free(auth);
    fixture_deinit(&fix);
    return 0;
}

/* What a restart would find. */
static void store_and_open_again(void) {
    struct row_set rows;
    struct error error;
    struct db_row list[64];
    row_set_init(&rows);
    auth_on_closing(auth, &rows);
    assert_in_range(rows.count, 1, ARRAY_COUNT(list));
    row_set_list(&rows, list);
    const struct db_commit commit = {.rows = list, .rows_count = rows.count};
    assert_int_equal(db_commit(fix.db, &commit, &error), STATUS_OK);
    row_set_deinit(&rows);
    auth_free(auth);
    assert_int_equal(try_open(false, &error), STATUS_OK);
}

static struct token_order order_of(enum token_kind kind, const char *name) {
    return (struct token_order){
        .kind = kind,
        .principal = {kind == TOKEN_DEVICE ? ACCESS_ROLE_DEVICE : ACCESS_ROLE_CENTRE, 7, 9},
        .name = slice_text(name),
        .creator = SLICE_LITERAL("me"),
        .expires_ms = kind == TOKEN_DEVICE ? NOW_MS + HOUR_MS : 0};
}

static enum status create(const struct token_order *order, char *text, char *id) {
    struct error error;
    return auth_create(auth, order, NOW_MS, text, id, &error);
}

static enum auth_refusal refused_at(const char *text, int64_t now_ms) {
    enum auth_refusal refusal;
    struct bearer *bearer = auth_verify(auth, slice_text(text), now_ms, &refusal);
    assert_int_equal(bearer == NULL, refusal != AUTH_REFUSAL_NONE);
    bearer_unref(bearer);
    return refusal;
}

static enum auth_refusal refused(const char *text) {
    return refused_at(text, NOW_MS);
}

static void a_stored_token_lets_in_until_it_is_revoked(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1];
    struct token_order order = order_of(TOKEN_HUMAN, "li");
    enum auth_refusal refusal;
    assert_int_equal(create(&order, text, id), STATUS_OK);
    struct bearer *bearer = auth_verify(auth, slice_text(text), NOW_MS, &refusal);
    assert_non_null(bearer);
    assert_string_equal(bearer->name, "li");
    assert_string_equal(bearer->id, id);
    assert_int_equal(bearer->principal.region, 7);
    assert_int_equal(bearer->principal.unit_tag, 9);
    assert_true(bearer_is_good(bearer, NOW_MS));
    told = 0;
    assert_int_equal(auth_revoke(auth, id), STATUS_OK);
    assert_int_equal(told, 1);
    assert_false(bearer_is_good(bearer, NOW_MS)); /* who is in already is out, too */
    bearer_unref(bearer);
    assert_int_equal(refused(text), AUTH_REFUSAL_UNKNOWN);
    assert_int_equal(auth_revoke(auth, id), STATUS_NOT_FOUND);
}

static void rows_come_back(void **state) {
    (void)state;
    char text[3][TOKEN_TEXT_BYTES_MAX], id[3][TOKEN_ID_BYTES + 1];
    struct token_order order = order_of(TOKEN_SERVICE, "bridge");
    order.expires_ms = NOW_MS + HOUR_MS;
    assert_int_equal(create(&order, text[0], id[0]), STATUS_OK);
    order = order_of(TOKEN_HUMAN, "wang");
    assert_int_equal(create(&order, text[1], id[1]), STATUS_OK);
    store_and_open_again();
    assert_int_equal(auth_tokens_count(auth), 2);
    const struct token_row *row = auth_find_token(auth, slice_text(id[0]));
    assert_non_null(row);
    assert_string_equal(row->name, "bridge");
    assert_string_equal(row->creator, "me");
    assert_int_equal(row->created_ms, NOW_MS);
    assert_int_equal(refused(text[0]), AUTH_REFUSAL_NONE);
    assert_int_equal(refused_at(text[0], NOW_MS + HOUR_MS - 1), AUTH_REFUSAL_NONE);
    assert_int_equal(refused_at(text[0], NOW_MS + HOUR_MS), AUTH_REFUSAL_EXPIRED);
    assert_int_equal(refused(text[1]), AUTH_REFUSAL_NONE);
    assert_int_equal(auth_revoke(auth, id[1]), STATUS_OK);
    store_and_open_again();
    assert_int_equal(refused(text[1]), AUTH_REFUSAL_UNKNOWN);
    assert_int_equal(refused(text[0]), AUTH_REFUSAL_NONE);
    assert_string_equal(auth_next_token(auth, "")->id, id[0]);
    assert_null(auth_next_token(auth, id[0]));
}

static void a_devices_tokens_end_by_time_generation_and_key(void **state) {
    (void)state;
    char text[2][TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1];
    struct token_order order = order_of(TOKEN_DEVICE, "d-1"), other = order_of(TOKEN_DEVICE, "d-2");
    assert_int_equal(create(&order, text[0], id), STATUS_OK);
    assert_string_equal(id, "");
    assert_int_equal(create(&other, text[1], id), STATUS_OK);
    assert_int_equal(refused(text[0]), AUTH_REFUSAL_NONE);
    assert_int_equal(refused_at(text[0], NOW_MS + HOUR_MS), AUTH_REFUSAL_EXPIRED);
    assert_int_equal(refused_at(text[0], NOW_MS - HOUR_MS), AUTH_REFUSAL_NONE); /* remembered */
    assert_int_equal(auth_revoke_device(auth, SLICE_LITERAL("d-1"), NOW_MS), STATUS_OK);
    assert_int_equal(refused(text[0]), AUTH_REFUSAL_REVOKED);
    assert_int_equal(refused(text[1]), AUTH_REFUSAL_NONE);
    char again[TOKEN_TEXT_BYTES_MAX];
    assert_int_equal(create(&order, again, id), STATUS_OK);
    store_and_open_again();
    assert_int_equal(refused_at(text[1], NOW_MS - HOUR_MS), AUTH_REFUSAL_EXPIRED);
    assert_int_equal(refused(text[0]), AUTH_REFUSAL_REVOKED);
    assert_int_equal(refused(again), AUTH_REFUSAL_NONE);
    assert_int_equal(auth_kill_key(auth, SLICE_LITERAL("k1"), NOW_MS), STATUS_OK);
    assert_int_equal(refused(again), AUTH_REFUSAL_REVOKED);
    store_and_open_again();
    assert_int_equal(refused(again), AUTH_REFUSAL_REVOKED);
    assert_int_equal(create(&order, again, id), STATUS_INVALID);
    assert_int_equal(auth_kill_key(auth, SLICE_LITERAL("K"), NOW_MS), STATUS_INVALID);
    assert_int_equal(auth_revoke_device(auth, SLICE_LITERAL("a/b"), NOW_MS), STATUS_INVALID);
}

static void a_devices_token_is_bounded(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1];
    struct token_order order = order_of(TOKEN_DEVICE, "d-1");
    order.expires_ms = NOW_MS + TOKEN_DEVICE_LIFE_S * INT64_C(1000);
    assert_int_equal(create(&order, text, id), STATUS_OK);
    assert_int_equal(refused(text), AUTH_REFUSAL_NONE);
    order.expires_ms += 1000;
    assert_int_equal(create(&order, text, id), STATUS_INVALID);
    order.expires_ms = 0;
    assert_int_equal(create(&order, text, id), STATUS_INVALID);
    order = order_of(TOKEN_DEVICE, "d-1");
    order.principal.roles = ACCESS_ROLE_ADMIN | ACCESS_ROLE_DEVICE;
    assert_int_equal(create(&order, text, id), STATUS_INVALID);
}

/* A valid token of which a byte is changed; those that are still written as tokens must not be
 * ours. */
static void forged_tokens_are_refused(void **state) {
    (void)state;
    char text[2][TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1];
    struct token_order order = order_of(TOKEN_DEVICE, "d-1");
    assert_int_equal(create(&order, text[0], id), STATUS_OK);
    order = order_of(TOKEN_HUMAN, "li");
    assert_int_equal(create(&order, text[1], id), STATUS_OK);
    for (size_t which = 0; which < 2; which++) {
        for (size_t i = 0; text[which][i] != '\0'; i++) {
            char kept = text[which][i];
            for (const char *letter = "0Aa_."; *letter != '\0'; letter++) {
                text[which][i] = *letter;
                assert_int_equal(refused(text[which]) == AUTH_REFUSAL_NONE, *letter == kept);
            }
            text[which][i] = kept;
        }
        assert_int_equal(refused(text[which]), AUTH_REFUSAL_NONE);
    }
}

static void write_keys(const struct auth_key *pepper, const struct auth_key *device) {
    const struct auth_key *list[] = {pepper, device};
    FILE *file = fopen(keys_path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < 2; i++) {
        /* a new one before the one that is there */
        fprintf(file, "%s new %064d\n%s %s ", i == 0 ? "pepper" : "device", (int)i + 1,
                i == 0 ? "pepper" : "device", list[i]->id);
        for (size_t k = 0; k < KEY_BYTES; k++) {
            fprintf(file, "%02x", list[i]->secret[k]);
        }
        fputs("\n", file);
    }
    assert_int_equal(fclose(file), 0);
}

static void two_keys_are_live_while_they_rotate(void **state) {
    (void)state;
    char old[2][TOKEN_TEXT_BYTES_MAX], new[2][TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1];
    struct token_order device = order_of(TOKEN_DEVICE, "d-1"), human = order_of(TOKEN_HUMAN, "li");
    struct error error;
    assert_int_equal(create(&device, old[0], id), STATUS_OK);
    assert_int_equal(create(&human, old[1], id), STATUS_OK);
    write_keys(&auth->keys.peppers[0], &auth->keys.devices[0]);
    assert_int_equal(auth_reload(auth, &error), STATUS_OK);
    assert_int_equal(create(&device, new[0], id), STATUS_OK);
    assert_int_equal(create(&human, new[1], id), STATUS_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(refused(old[i]), AUTH_REFUSAL_NONE);
        assert_int_equal(refused(new[i]), AUTH_REFUSAL_NONE);
    }
    assert_true(strncmp(new[0], "gdd1.new.", 9) == 0);
    /* The old ones are taken out. */
    FILE *file = fopen(keys_path, "w");
    assert_non_null(file);
    fprintf(file, "pepper new %064d\ndevice new %064d\n", 1, 2);
    assert_int_equal(fclose(file), 0);
    enum auth_refusal refusal;
    struct bearer *bearer = auth_verify(auth, slice_text(old[1]), NOW_MS, &refusal);
    assert_non_null(bearer);
    told = 0;
    assert_int_equal(auth_reload(auth, &error), STATUS_OK);
    assert_int_equal(told, 1);
    assert_true(bearer->revoked);
    bearer_unref(bearer);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(refused(old[i]), AUTH_REFUSAL_UNKNOWN);
        assert_int_equal(refused(new[i]), AUTH_REFUSAL_NONE);
    }
    /* A bad file changes nothing. */
    file = fopen(keys_path, "w");
    assert_non_null(file);
    fputs("nonsense\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(auth_reload(auth, &error), STATUS_INVALID);
    assert_int_equal(refused(new[0]), AUTH_REFUSAL_NONE);
}

static void a_pepper_put_back_lets_its_tokens_in_again(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1];
    struct token_order human = order_of(TOKEN_HUMAN, "li");
    struct error error;
    assert_int_equal(create(&human, text, id), STATUS_OK);
    enum auth_refusal refusal;
    struct bearer *before = auth_verify(auth, slice_text(text), NOW_MS, &refusal);
    const struct auth_key pepper = auth->keys.peppers[0], device = auth->keys.devices[0];
    FILE *file = fopen(keys_path, "w");
    assert_non_null(file);
    fprintf(file, "pepper new %064d\ndevice new %064d\n", 1, 2);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(auth_reload(auth, &error), STATUS_OK);
    assert_int_equal(refused(text), AUTH_REFUSAL_UNKNOWN);
    write_keys(&pepper, &device);
    assert_int_equal(auth_reload(auth, &error), STATUS_OK);
    struct bearer *after = auth_verify(auth, slice_text(text), NOW_MS, &refusal);
    assert_non_null(after);
    assert_true(bearer_is_good(after, NOW_MS));
    assert_false(bearer_is_good(before, NOW_MS));
    bearer_unref(after);
    bearer_unref(before);
}

static void lists_are_bounded(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1], name[24];
    struct token_order order = order_of(TOKEN_HUMAN, "li");
    limits.tokens = limits.device_revocations = 4;
    EACH_AROUND(tried, limits, tokens) {
        while (auth_tokens_count(auth) + 1 < tried) {
            assert_int_equal(create(&order, text, id), STATUS_OK);
        }
        assert_int_equal(create(&order, text, id),
                         tried <= limits.tokens ? STATUS_OK : STATUS_FULL);
    }
    EACH_AROUND(tried, limits, device_revocations) {
        for (uint64_t i = 1; i <= tried; i++) {
            (void)snprintf(name, sizeof name, "d-%llu", (unsigned long long)i);
            assert_int_equal(auth_revoke_device(auth, slice_text(name), NOW_MS),
                             i <= limits.device_revocations ? STATUS_OK : STATUS_FULL);
        }
    }
    for (unsigned i = 0; i <= AUTH_KILLED_KEYS_MAX; i++) {
        (void)snprintf(name, sizeof name, "k%u", i);
        assert_int_equal(auth_kill_key(auth, slice_text(name), NOW_MS),
                         i < AUTH_KILLED_KEYS_MAX ? STATUS_OK : STATUS_FULL);
    }
}

static size_t bearers_count(void) {
    size_t count = 0;
    for (const struct bearer *bearer = auth->bearers; bearer != NULL; bearer = bearer->next) {
        count++;
    }
    return count;
}

static void what_is_remembered_is_bounded(void **state) {
    (void)state;
    struct error error;
    char text[TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1], name[24];
    auth_free(auth);
    limits.token_cache = 4;
    assert_int_equal(try_open(false, &error), STATUS_OK);
    EACH_AROUND(tried, limits, token_cache) {
        for (uint64_t i = 0; i < 4 * tried; i++) {
            (void)snprintf(name, sizeof name, "d-%llu", (unsigned long long)i);
            struct token_order order = order_of(TOKEN_DEVICE, name);
            assert_int_equal(create(&order, text, id), STATUS_OK);
            assert_int_equal(refused(text), AUTH_REFUSAL_NONE);
            assert_in_range(bearers_count(), 1, limits.token_cache);
        }
    }
}

static void keys_that_tokens_hang_on_are_not_made_anew(void **state) {
    (void)state;
    char text[TOKEN_TEXT_BYTES_MAX], id[TOKEN_ID_BYTES + 1];
    struct token_order order = order_of(TOKEN_HUMAN, "li");
    struct error error;
    assert_int_equal(create(&order, text, id), STATUS_OK);
    store_and_open_again();
    struct auth *kept = auth;
    assert_int_equal(remove(keys_path), 0);
    assert_int_equal(try_open(true, &error), STATUS_NOT_FOUND);
    auth = kept;
}

#define WITH_AUTH(test) cmocka_unit_test_setup_teardown(test, init, deinit)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_AUTH(a_stored_token_lets_in_until_it_is_revoked),
        WITH_AUTH(rows_come_back),
        WITH_AUTH(a_devices_tokens_end_by_time_generation_and_key),
        WITH_AUTH(a_devices_token_is_bounded),
        WITH_AUTH(forged_tokens_are_refused),
        WITH_AUTH(two_keys_are_live_while_they_rotate),
        WITH_AUTH(a_pepper_put_back_lets_its_tokens_in_again),
        WITH_AUTH(lists_are_bounded),
        WITH_AUTH(what_is_remembered_is_bounded),
        WITH_AUTH(keys_that_tokens_hang_on_are_not_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
