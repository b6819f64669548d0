#include "tests/unit/support.h"

#include "server/api/body.h"

static struct limits limits;

static int setup(void **state) {
    (void)state;
    limits_init(&limits);
    return 0;
}

/* Reads {"name": text, "list": [number ...], "inner": {"flag": bool}} and nothing else. */
static bool read_inner(struct body *body, bool *flag) {
    struct slice name;
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        if (!slice_is(name, "flag")) {
            return body_refuse(body, "unknown");
        }
        if (!body_flag(body, flag)) {
            return false;
        }
    }
    return body->detail == NULL;
}

struct taken {
    char name[64];
    uint64_t sum;
    bool flag;
};

static bool read_list(struct body *body, uint64_t *sum) {
    uint64_t number;
    if (!body_array(body)) {
        return false;
    }
    while (body_element(body)) {
        if (!body_number(body, 100, &number)) {
            return false;
        }
        *sum += number;
    }
    return body->detail == NULL;
}

static bool read_all(struct body *body, struct taken *ret) {
    struct slice name, text;
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        bool good = false;
        if (slice_is(name, "name")) {
            good = body_text(body, &text);
            if (good) {
                (void)snprintf(ret->name, sizeof ret->name, "%.*s", (int)text.bytes, text.data);
            }
        } else if (slice_is(name, "list")) {
            good = read_list(body, &ret->sum);
        } else if (slice_is(name, "inner")) {
            good = read_inner(body, &ret->flag);
        } else if (slice_is(name, "any")) {
            good = body_pass(body);
        } else {
            good = body_refuse(body, "unknown");
        }
        if (!good) {
            return false;
        }
    }
    return body_end(body);
}

static void members_of_all_kinds_are_read(void **state) {
    (void)state;
    static const char text[] = "{\"list\": [1, 20, 100], \"n\\u0061me\": \"a\\n\\u00e9\", \"any\": "
                               "[{\"x\": [null, {}]}, \"\\\"\"], \"inner\": {\"flag\": true}}";
    struct body body;
    struct taken taken = {.sum = 0};
    body_init(&body, SLICE_LITERAL(text), &limits);
    assert_true(read_all(&body, &taken));
    assert_string_equal(taken.name, "a\n\xc3\xa9");
    assert_int_equal(taken.sum, 121);
    assert_true(taken.flag);
    assert_string_equal(body.pointer, "");
    body_deinit(&body);
}

static void an_empty_body_is_an_empty_object(void **state) {
    (void)state;
    struct body body;
    struct taken taken;
    body_init(&body, (struct slice){NULL, 0}, &limits);
    assert_true(read_all(&body, &taken));
    body_deinit(&body);
}

static void what_is_wrong_is_pointed_at(void **state) {
    (void)state;
    static const struct {
        const char *text, *pointer;
        bool is_json;
    } cases[] = {
        {"[]", "", true},
        {"7", "", true},
        {"{\"name\": 5}", "/name", true},
        {"{\"name\": \"\"}", "/name", true},
        {"{\"name\": \"x\", \"other\": 1}", "/other", true},
        {"{\"a/b~\": 1}", "/a~1b~0", true},
        {"{\"list\": {}}", "/list", true},
        {"{\"list\": [1, 101]}", "/list/1", true},
        {"{\"list\": [1, 2, 0]}", "/list/2", true},
        {"{\"list\": [1.0]}", "/list/0", true},
        {"{\"list\": [-1]}", "/list/0", true},
        {"{\"inner\": {\"flag\": 1}}", "/inner/flag", true},
        {"{\"inner\": {\"flag\": true, \"x\": 1}}", "/inner/x", true},
        {"{\"inner\": [], \"name\": 5}", "/inner", true},
        {"{", NULL, false},
        {"", NULL, true},
        {"{\"name\": \"x\"", NULL, false},
        {"{\"any\": [1, 2", NULL, false},
        {"{} {}", NULL, false},
        {"{\"list\": [1], \"list\": [2]}", NULL, false},
        {"{\"name\": \"\xff\"}", NULL, false},
        {"{\"name\": \"\\ud800\"}", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct body body;
        struct taken taken = {.sum = 0};
        body_init(&body, slice_text(cases[i].text), &limits);
        bool is_empty = cases[i].text[0] == '\0';
        assert_int_equal(read_all(&body, &taken), is_empty);
        assert_int_equal(body.is_json, cases[i].is_json);
        assert_int_equal(body.detail == NULL, is_empty);
        if (cases[i].pointer != NULL) {
            assert_string_equal(body.pointer, cases[i].pointer);
        }
        body_deinit(&body);
    }
}

static void a_name_of_any_length_is_pointed_at(void **state) {
    (void)state;
    for (size_t bytes = 1; bytes < 600; bytes += 7) {
        char text[1024] = "{\"";
        struct body body;
        struct taken taken;
        memset(text + 2, '/', bytes);
        (void)snprintf(text + 2 + bytes, sizeof text - 2 - bytes, "\":1}");
        body_init(&body, slice_text(text), &limits);
        assert_false(read_all(&body, &taken));
        assert_true(strlen(body.pointer) < BODY_POINTER_BYTES);
        assert_int_equal(strncmp(body.pointer, "/~1", 3), 0);
        body_deinit(&body);
    }
}

static void names_are_a_letter_and_a_number(void **state) {
    (void)state;
    static const char *const wrong[] = {"",  "t",  "t0", "t01", "t-1", "t1x",
                                        "1", "T1", "i1", "t 1", "t+1", "t99999999999999999999"};
    uint64_t number = 0;
    assert_true(name_parse(&number, 't', SLICE_LITERAL("t12")));
    assert_int_equal(number, 12);
    assert_true(name_parse(&number, 'd', SLICE_LITERAL("d9999999999999999999")));
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        assert_false(name_parse(&number, 't', slice_text(wrong[i])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_all_kinds_are_read),
        cmocka_unit_test(an_empty_body_is_an_empty_object),
        cmocka_unit_test(what_is_wrong_is_pointed_at),
        cmocka_unit_test(a_name_of_any_length_is_pointed_at),
        cmocka_unit_test(names_are_a_letter_and_a_number),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
