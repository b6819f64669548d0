#include "core/region/region.h"
#include "tests/unit/support.h"

static uint8_t scratch[4096];
static struct region_row row;
static const char *why;

static bool columns(struct region_columns *ret, const char *header) {
    why = NULL;
    return region_columns_parse(ret, slice_text(header), &why);
}

static bool from_csv(const char *header, const char *record) {
    struct region_columns learnt;
    struct limits limits;
    limits_init(&limits);
    assert_true(columns(&learnt, header));
    why = NULL;
    return region_row_from_csv(&row, &learnt, slice_text(record), scratch, strlen(record), &limits,
                               &why);
}

static bool from_json(const char *text) {
    struct limits limits;
    limits_init(&limits);
    why = NULL;
    return region_row_from_json(&row, slice_text(text), scratch, strlen(text), &limits, &why);
}

static void assert_why(const char *words) {
    assert_non_null(why);
    if (strstr(why, words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, why);
    }
}

static void headers_name_the_columns(void **state) {
    (void)state;
    struct region_columns learnt;
    assert_true(columns(&learnt, "code,parent,level,name"));
    assert_int_equal(learnt.count, 4);
    assert_true(columns(&learnt, "\xef\xbb\xbfname,leader,lat,lon,kind,level,parent,code\r\n"));
    assert_int_equal(learnt.count, 8);
    assert_true(columns(&learnt, "\"code\",\"parent\",level,name"));
    assert_false(columns(&learnt, "code,parent,level,name,ur_code"));
    assert_why("unknown column");
    assert_false(columns(&learnt, "code,parent,level,name,"));
    assert_false(columns(&learnt, "code,parent,level,name,code"));
    assert_why("twice");
    assert_false(columns(&learnt, "code,parent,level"));
    assert_why("lacks");
    assert_false(columns(&learnt, ""));
    assert_false(columns(&learnt, "code,parent,le\"vel,name"));
    assert_why("quote");
}

static void csv_rows_are_read_in_the_header_order(void **state) {
    (void)state;
    assert_true(from_csv("name,lon,lat,level,code,parent,leader,kind",
                         "\"Block \"\"7\"\", east\",-73.5,4.5e1,5,61.1,61,\"Li, Na\",grid\r\n"));
    assert_true(slice_is(row.name, "Block \"7\", east") && slice_is(row.leader, "Li, Na"));
    assert_true(slice_is(row.code, "61.1") && slice_is(row.parent, "61"));
    assert_true(slice_is(row.kind, "grid"));
    assert_int_equal(row.level, 5);
    assert_true(row.has_position && row.position.lat_deg == 45 && row.position.lon_deg == -73.5);
    assert_true(from_csv("code,parent,level,name,lat,lon", "网格01,,0,,,"));
    assert_false(row.has_position);
    assert_int_equal(row.parent.bytes, 0);
}

static void bad_csv_rows_name_their_column(void **state) {
    (void)state;
    const struct {
        const char *record, *words;
    } bad[] = {
        {"a,,0", "fewer columns"},
        {"a,,0,n,1,2,3", "too many columns"},
        {",,0,n,,", "code"},
        {"a b,,0,n,,", "code"},
        {"a/b,,0,n,,", "code"},
        {"\"a,b\",,0,n,,", "code"},
        {"\"a\"\"b\",,0,n,,", "code"},
        {"a\x7f,,0,n,,", "code"},
        {"a\xc2\xa0,,0,n,,", "code"},
        {"a\xe3\x80\x80,,0,n,,", "code"},
        {"a\xff,,0,n,,", "code"},
        {"a,b c,0,n,,", "parent"},
        {"a,,16,n,,", "unknown level"},
        {"a,,-1,n,,", "unknown level"},
        {"a,,1.0,n,,", "unknown level"},
        {"a,,village,n,,", "unknown level"},
        {"a,,100,n,,", "unknown level"},
        {"a,,,n,,", "level"},
        {"a,,0,\xc3,,", "name"},
        {"a,,0,n,1,", "lon"},
        {"a,,0,n,,1", "lat"},
        {"a,,0,n,90.0001,1", "lat"},
        {"a,,0,n,-91,1", "lat"},
        {"a,,0,n,1,180.0001", "lon"},
        {"a,,0,n,1,-180.0001", "lon"},
        {"a,,0,n,nan,1", "lat: it is not a number"},
        {"a,,0,n,1,0x10", "lon"},
        {"a,,0,n,1e999,1", "lat"},
        {"a,,0,n,1., 1", "lat"},
        {"a,,0,n,1e,1", "lat"},
        {"a,,0,\"n,,", "not closed"},
        {"a,,0,n\"m,,", "quote"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (from_csv("code,parent,level,name,lat,lon", bad[i].record)) {
            fail_msg("%s was taken", bad[i].record);
        }
        assert_why(bad[i].words);
    }
    assert_true(from_csv("code,parent,level,name,lat,lon", "a,,15,n,90,-180"));
    assert_true(from_csv("code,parent,level,name,lat,lon", "a,,0,n,-90,180"));
}

static void lengths_are_kept_to_the_byte(void **state) {
    (void)state;
    const struct {
        const char *before, *after, *column;
        size_t limit;
    } texts[] = {
        {"", ",,0,n,,", "code", 32},     {"a,", ",0,n,,", "parent", 32},
        {"a,,0,", ",,", "name", 256},    {"a,,0,n,", ",", "kind", REGION_KIND_BYTES_MAX},
        {"a,,0,n,,", "", "leader", 256},
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        for (size_t bytes = texts[i].limit - 1; bytes <= texts[i].limit + 1; bytes++) {
            char value[512], record[1024];
            memset(value, 'x', bytes);
            value[bytes] = '\0';
            snprintf(record, sizeof record, "%s%s%s", texts[i].before, value, texts[i].after);
            assert_true(from_csv("code,parent,level,name,kind,leader", record) ==
                        (bytes <= texts[i].limit));
            if (bytes > texts[i].limit) {
                assert_why(texts[i].column);
            }
        }
    }
}

static void json_rows_are_read(void **state) {
    (void)state;
    assert_true(
        from_json(" {\"code\":\"61\",\"parent\":\"6\",\"level\":3,\"name\":\"a\\\"b\\u957f\","
                  "\"lat\":35.25,\"lon\":-107,\"k\\u0069nd\":\"county\",\"leader\":null} "));
    assert_true(slice_is(row.code, "61") && slice_is(row.parent, "6"));
    assert_true(slice_is(row.name, "a\"b长") && slice_is(row.kind, "county"));
    assert_int_equal(row.leader.bytes, 0);
    assert_int_equal(row.level, 3);
    assert_true(row.has_position && row.position.lat_deg == 35.25 && row.position.lon_deg == -107);
    assert_true(
        from_json("{\"code\":\"1\",\"level\":0,\"parent\":null,\"lat\":null,\"lon\":\"\"}"));
    assert_false(row.has_position);
    assert_int_equal(row.parent.bytes, 0);
}

static void bad_json_rows_say_why(void **state) {
    (void)state;
    const struct {
        const char *text, *words;
    } bad[] = {
        {"", ""},
        {"[]", "object"},
        {"\"x\"", "object"},
        {"{\"code\":\"1\",\"level\":0", ""},
        {"{\"code\":\"1\",\"level\":0} x", ""},
        {"{\"code\":\"1\",\"code\":\"1\",\"level\":0}", "twice"},
        {"{\"code\":\"1\",\"level\":0,\"ur_code\":\"1\"}", "unknown member"},
        {"{\"code\":1,\"level\":0}", "code: it is not a string"},
        {"{\"code\":[],\"level\":0}", "code: it is not a string"},
        {"{\"level\":0}", "code: it is missing"},
        {"{\"code\":null,\"level\":0}", "code: it is missing"},
        {"{\"code\":\"1\"}", "level: it is missing"},
        {"{\"code\":\"1\",\"level\":16}", "unknown level"},
        {"{\"code\":\"1\",\"level\":-1}", "unknown level"},
        {"{\"code\":\"1\",\"level\":1.5}", "unknown level"},
        {"{\"code\":\"1\",\"level\":\"1\"}", "unknown level"},
        {"{\"code\":\"1\",\"level\":true}", "unknown level"},
        {"{\"code\":\"1\",\"level\":99999999999999999999}", "unknown level"},
        {"{\"code\":\"1\",\"level\":0,\"lat\":1}", "lon"},
        {"{\"code\":\"1\",\"level\":0,\"lat\":91,\"lon\":0}", "lat"},
        {"{\"code\":\"1\",\"level\":0,\"lat\":\"1\",\"lon\":0}", "lat: it is not a number"},
        {"{\"code\":\"a\\u0000\",\"level\":0}", "code"},
        {"{\"code\":\"\\ud800\",\"level\":0}", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (from_json(bad[i].text)) {
            fail_msg("%s was taken", bad[i].text);
        }
        assert_why(bad[i].words);
    }
}

static void scratch_that_is_too_small_is_said(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    struct slice text = SLICE_LITERAL("{\"code\":\"\\u0061\",\"level\":0}");
    for (size_t room = 0; room <= 6; room++) {
        uint8_t *exact = malloc(room + 1);
        assert_true(region_row_from_json(&row, text, exact, room, &limits, &why) == (room == 6));
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_name_the_columns),
        cmocka_unit_test(csv_rows_are_read_in_the_header_order),
        cmocka_unit_test(bad_csv_rows_name_their_column),
        cmocka_unit_test(lengths_are_kept_to_the_byte),
        cmocka_unit_test(json_rows_are_read),
        cmocka_unit_test(bad_json_rows_say_why),
        cmocka_unit_test(scratch_that_is_too_small_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
