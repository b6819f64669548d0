#include "server/rules/rules.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "server/rules/calendar_file.h"
#include "server/rules/policy_file.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 4, VERSIONS_MAX = 4096 };

struct rules {
    struct policy *policy;
    struct calendar_set *calendars;
    struct buffer text;  /* of the policy in force */
    bool stored, reused; /* its text is in the store; another text had its version */
    /* Never moved and only appended to: other threads read as many as there were when they began.
     */
    struct policy *earlier[VERSIONS_MAX];
    struct calendar_set *old_calendars[VERSIONS_MAX];
    size_t earlier_count, old_calendars_count;
};

/* Both files into fresh objects. */
static enum status read_files(struct policy **ret_policy, struct buffer *ret_text,
                              struct calendar_set **ret_calendars, const char *policy_path,
                              const char *calendar_path, struct error *error) {
    struct policy *policy = malloc(sizeof *policy);
    struct calendar_set *calendars = malloc(sizeof *calendars);
    struct buffer text;
    buffer_init(&text);
    CHECK(policy != NULL && calendars != NULL);
    enum status status = policy_load_text(policy, &text, policy_path, error);
    if (status == STATUS_OK) {
        status = calendar_file_read(calendars, calendar_path, error);
    }
    if (status != STATUS_OK) {
        free(policy);
        free(calendars);
        buffer_deinit(&text);
        return status;
    }
    *ret_policy = policy;
    *ret_text = text;
    *ret_calendars = calendars;
    return STATUS_OK;
}

enum status rules_new(struct rules **ret, const char *policy_path, const char *calendar_path,
                      struct error *error) {
    struct rules *rules = calloc(1, sizeof *rules);
    CHECK(rules != NULL);
    enum status status = read_files(&rules->policy, &rules->text, &rules->calendars, policy_path,
                                    calendar_path, error);
    if (status != STATUS_OK) {
        free(rules);
        return status;
    }
    *ret = rules;
    return STATUS_OK;
}

void rules_free(struct rules *rules) {
    if (rules == NULL) {
        return;
    }
    for (size_t i = 0; i < rules->earlier_count; i++) {
        free(rules->earlier[i]);
    }
    for (size_t i = 0; i < rules->old_calendars_count; i++) {
        free(rules->old_calendars[i]);
    }
    free(rules->policy);
    free(rules->calendars);
    buffer_deinit(&rules->text);
    free(rules);
}

static bool keep_earlier(struct rules *rules, struct policy *policy) {
    if (rules->earlier_count == VERSIONS_MAX) {
        return false;
    }
    rules->earlier[rules->earlier_count++] = policy;
    return true;
}

static bool restore_row(void *context, struct slice key, struct slice value) {
    struct rules *rules = context;
    if (key.bytes != KEY_BYTES) {
        return true;
    }
    if (load_u32_be(key.data) == rules->policy->version) {
        rules->stored = slice_equal(value, buffer_slice(&rules->text));
        rules->reused = !rules->stored;
        return true;
    }
    struct policy *policy = malloc(sizeof *policy);
    struct error ignored;
    CHECK(policy != NULL);
    if (policy_from_text(policy, "a stored policy", value, &ignored) != STATUS_OK ||
        !keep_earlier(rules, policy)) {
        free(policy);
    }
    return true;
}

enum status rules_restore(struct rules *rules, struct db *db, struct error *error) {
    const struct db_walk walk = {.family = FAMILY_POLICIES};
    CHECK(rules->earlier_count == 0);
    return db_walk_rows(db, &walk, restore_row, rules, error);
}

/* Does a version before the one in force have this number? */
static bool was_used(const struct rules *rules, uint32_t version) {
    for (size_t i = 0; i < rules->earlier_count; i++) {
        if (rules->earlier[i]->version == version) {
            return true;
        }
    }
    return false;
}

enum status rules_reload(struct rules *rules, const char *policy_path, const char *calendar_path,
                         struct error *error) {
    struct policy *policy;
    struct calendar_set *calendars;
    struct buffer text;
    enum status status = read_files(&policy, &text, &calendars, policy_path, calendar_path, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (rules->old_calendars_count == VERSIONS_MAX || !keep_earlier(rules, rules->policy)) {
        free(policy);
        free(calendars);
        buffer_deinit(&text);
        return error_set(error, STATUS_FULL,
                         "too many versions were in force since the start: ", "restart to reload",
                         NULL);
    }
    rules->old_calendars[rules->old_calendars_count++] = rules->calendars;
    bool same = slice_equal(buffer_slice(&text), buffer_slice(&rules->text));
    rules->reused =
        !same && (policy->version == rules->policy->version || was_used(rules, policy->version));
    rules->stored = rules->stored && same;
    buffer_deinit(&rules->text);
    rules->policy = policy;
    rules->calendars = calendars;
    rules->text = text;
    return STATUS_OK;
}

const struct policy *rules_policy(const struct rules *rules) {
    return rules->policy;
}

const struct calendar_set *rules_calendars(const struct rules *rules) {
    return rules->calendars;
}

const struct policy *const *rules_policies(struct rules *rules, size_t *ret_count) {
    *ret_count = rules->earlier_count;
    return (const struct policy *const *)(void *)rules->earlier;
}

bool rules_version_reused(const struct rules *rules) {
    return rules->reused;
}

void rules_flush(struct rules *rules, struct row_set *rows) {
    if (rules->stored) {
        return;
    }
    uint8_t key[KEY_BYTES];
    store_u32_be(key, rules->policy->version);
    row_set_put(rows, FAMILY_POLICIES, (struct slice){key, sizeof key}, buffer_slice(&rules->text),
                false);
    rules->stored = true;
}
