#include "tests/unit/support.h"

#include "server/api/command_fields.h"
#include "server/rules/policy_file.h"
#include "tests/unit/support_region.h"

static struct limits limits;
static struct policy policy;
static struct region_table *regions;
static void *regions_memory;

static int setup(void **state) {
    (void)state;
    struct error error;
    struct support_upload upload = {0};
    limits_init(&limits);
    support_upload_add(&upload, "c", "", 0);
    support_upload_add(&upload, "g", "c", 1);
    regions = support_table(&regions_memory, NULL, &upload);
    support_upload_free(&upload);
    return policy_load(&policy, "", &error) == STATUS_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    free(regions_memory);
    return 0;
}

static bool fields_read(struct command_fields *ret, struct body *body, enum ticket_verb verb,
                        const char *text) {
    const struct command_names names = {&policy, regions};
    body_init(body, slice_text(text), &limits);
    return command_fields_read(ret, body, verb, &names);
}

static uint32_t unit(const char *code) {
    return policy_unit(&policy, slice_text(code))->tag;
}

static void nothing_is_anybodys_command(void **state) {
    (void)state;
    struct command_fields fields;
    struct body body;
    assert_true(fields_read(&fields, &body, VERB_ACCEPT, ""));
    assert_int_equal(fields.command.verb, VERB_ACCEPT);
    assert_int_equal(fields.command.actor.roles, ROLE_ANY);
    assert_int_equal(fields.command.actor.region, REGION_NONE);
    assert_int_equal(fields.command.command_id.bytes + fields.command.note.bytes, 0);
    assert_int_equal(fields.command.if_version, 0);
    body_deinit(&body);
}

static void common_members_are_read(void **state) {
    (void)state;
    struct command_fields fields;
    struct body body;
    assert_true(
        fields_read(&fields, &body, VERB_ACK,
                    "{\"command_id\":\"c\\u0031\",\"if_version\":7,\"note\":\"n\",\"reason\":\"r\","
                    "\"actor\":\"li\",\"role\":\"unit\",\"actor_unit\":\"police\","
                    "\"actor_region\":\"g\",\"unit\":\"gas_company\",\"evidence\":true}"));
    const struct ticket_command *command = &fields.command;
    assert_true(slice_is(command->command_id, "c1"));
    assert_int_equal(command->if_version, 7);
    assert_true(slice_is(command->note, "n") && slice_is(command->reason_text, "r"));
    assert_true(slice_is(command->actor.name, "li"));
    assert_int_equal(command->actor.roles, ROLE_UNIT);
    assert_int_equal(command->actor.unit_tag, unit("police"));
    assert_int_equal(command->actor.region, region_find(regions, SLICE_LITERAL("g")));
    assert_int_equal(command->unit_tag, unit("gas_company"));
    assert_true(command->has_evidence);
    body_deinit(&body);
}

static void parts_are_codes_or_objects(void **state) {
    (void)state;
    struct command_fields fields;
    struct body body;
    assert_true(
        fields_read(&fields, &body, VERB_WHISTLE,
                    "{\"lead\":\"police\",\"decision\":\"joint\",\"units\":[\"gas_company\","
                    "{\"unit\":\"water_company\",\"mandatory\":false,\"limit\":\"4wh\"}]}"));
    const struct ticket_command *command = &fields.command;
    assert_int_equal(command->unit_tag, unit("police"));
    assert_true(command->decides && !command->single);
    assert_int_equal(command->parts_count, 2);
    assert_int_equal(command->parts[0].unit_tag, unit("gas_company"));
    assert_false(command->parts[0].is_optional);
    assert_true(command->parts[1].is_optional);
    assert_int_equal(command->parts[1].handle_limit.amount, 4 * 3600);
    body_deinit(&body);
}

static void a_reason_is_a_code_where_there_are_codes(void **state) {
    (void)state;
    struct command_fields fields;
    struct body body;
    assert_true(fields_read(&fields, &body, VERB_REQUEST_SUSPENSION,
                            "{\"reason\":\"funding\",\"until\":\"2026-12-01T08:00:00+08:00\"}"));
    assert_int_equal(fields.command.reason, REASON_FUNDING);
    assert_int_equal(fields.command.until_ms, INT64_C(1796083200000));
    body_deinit(&body);
    assert_true(fields_read(&fields, &body, VERB_REQUEST_EXTENSION, "{\"reason\":\"spare part\"}"));
    assert_int_equal(fields.command.reason, REASON_NONE);
    assert_true(slice_is(fields.command.reason_text, "spare part"));
    body_deinit(&body);
    assert_true(fields_read(&fields, &body, VERB_REJECT, "{\"reason\":\"funding\"}"));
    assert_int_equal(fields.command.reason, REASON_NONE);
    body_deinit(&body);
}

static void verify_results_have_three_words(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum tri_state confirmed;
    } cases[] = {{"{\"result\":\"confirmed\"}", TRI_YES},
                 {"{\"result\":\"not_found\"}", TRI_NO},
                 {"{\"result\":\"different\"}", TRI_UNKNOWN},
                 {"{\"confirmed\":false}", TRI_NO}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct command_fields fields;
        struct body body;
        assert_true(fields_read(&fields, &body, VERB_VERIFY_RESULT, cases[i].text));
        assert_int_equal(fields.command.confirmed, cases[i].confirmed);
        body_deinit(&body);
    }
}

/* Each command takes its own members and no others, and null is like nothing at all. */
static void members_belong_to_commands(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t verbs;
    } own[] = {
        {"lead", 1u << VERB_DISPATCH | 1u << VERB_WHISTLE | 1u << VERB_APPROVE},
        {"units", 1u << VERB_WHISTLE | 1u << VERB_APPROVE},
        {"decision", 1u << VERB_WHISTLE | 1u << VERB_APPROVE},
        {"proposed_unit", 1u << VERB_RETURN},
        {"limit", 1u << VERB_REQUEST_EXTENSION | 1u << VERB_DISPATCH},
        {"until", 1u << VERB_REQUEST_SUSPENSION},
        {"priority", 1u << VERB_UPGRADE | 1u << VERB_DOWNGRADE | 1u << VERB_ACCEPT},
        {"severity", 1u << VERB_UPGRADE | 1u << VERB_DOWNGRADE},
        {"category", 1u << VERB_UPGRADE | 1u << VERB_DOWNGRADE | 1u << VERB_ACCEPT},
        {"into", 1u << VERB_MERGE},
        {"closure", 1u << VERB_SUBMIT_RESULT | 1u << VERB_SELF_HANDLE},
        {"confirmed", 1u << VERB_VERIFY_RESULT},
        {"solved", 1u << VERB_FOLLOW_UP},
        {"on_scene", 1u << VERB_PROGRESS},
        {"lift", 1u << VERB_SUPERVISE},
        {"note", UINT32_MAX},
        {"nonsense", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(own); i++) {
        for (uint32_t verb = 1; verb < VERBS_END; verb++) {
            char text[64], pointer[64];
            struct command_fields fields;
            struct body body;
            (void)snprintf(text, sizeof text, "{\"%s\":null}", own[i].name);
            (void)snprintf(pointer, sizeof pointer, "/%s", own[i].name);
            bool is_taken = (own[i].verbs >> verb & 1) != 0;
            assert_int_equal(fields_read(&fields, &body, (enum ticket_verb)verb, text), is_taken);
            assert_string_equal(body.pointer, is_taken ? "" : pointer);
            body_deinit(&body);
        }
    }
}

static void text_of(char *to, size_t room, const char *name, size_t bytes) {
    size_t used = (size_t)snprintf(to, room, "{\"%s\":\"", name);
    memset(to + used, 'x', bytes);
    (void)snprintf(to + used + bytes, room - used - bytes, "\"}");
}

static void texts_are_bounded(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t bytes_max;
    } texts[] = {{"note", TICKET_NOTE_BYTES_MAX},
                 {"reason", TICKET_NOTE_BYTES_MAX},
                 {"actor", TICKET_NAME_BYTES_MAX},
                 {"command_id", TICKET_COMMAND_ID_BYTES_MAX}};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        for (size_t bytes = texts[i].bytes_max - 1; bytes <= texts[i].bytes_max + 1; bytes++) {
            char text[4096];
            struct command_fields fields;
            struct body body;
            text_of(text, sizeof text, texts[i].name, bytes);
            assert_int_equal(fields_read(&fields, &body, VERB_VOID, text),
                             bytes <= texts[i].bytes_max);
            body_deinit(&body);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_anybodys_command),
        cmocka_unit_test(common_members_are_read),
        cmocka_unit_test(parts_are_codes_or_objects),
        cmocka_unit_test(a_reason_is_a_code_where_there_are_codes),
        cmocka_unit_test(verify_results_have_three_words),
        cmocka_unit_test(members_belong_to_commands),
        cmocka_unit_test(texts_are_bounded),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
