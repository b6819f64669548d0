#include "core/report/report.h"

#include "core/text/instant.h"
#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"
#include "tests/unit/support_region.h"

enum { NOW_MS = 1000 * 1000 * 1000 };
/* NOW_MS as text, and the last instant that is not suspect. */
#define AT "\"1970-01-12T13:46:40Z\""
#define BASE "\"category\":\"forest_fire\",\"occurred_at\":" AT
#define SHA "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static struct limits limits;
static struct policy policy;
static struct region_table *regions;
static void *regions_memory;
static struct json_reader reader;
static uint8_t arena_memory[64 * 1024];
static struct arena arena;
static struct report report;
static struct report_problem problem;
static uint8_t *line_copy;
static struct report_context context;

static int set_up(void **state) {
    (void)state;
    limits_init(&limits);
    policy_init(&policy, 1);
    struct error error;
    assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("forest_fire"),
                                         SLICE_LITERAL("Forest fire"), 1, SEVERITY_SEVERE, &error),
                     STATUS_OK);
    assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("litter"), SLICE_LITERAL("Litter"),
                                         4, SEVERITY_MINOR, &error),
                     STATUS_OK);
    assert_int_equal(
        policy_add_channel(&policy, SLICE_LITERAL("handheld"), SLICE_LITERAL("Handheld"), &error),
        STATUS_OK);
    struct support_upload upload = {0};
    support_upload_add(&upload, "610428", "", 3);
    support_upload_add_at(&upload, "610428001", "610428", 5, (struct position){35.2, 107.8});
    support_upload_add(&upload, "610428002", "610428", 5);
    regions = support_table(&regions_memory, NULL, &upload);
    support_upload_free(&upload);
    context = (struct report_context){.limits = &limits,
                                      .policy = &policy,
                                      .regions = regions,
                                      .default_source = SLICE_LITERAL("anonymous"),
                                      .identity_seed = 42,
                                      .now_ms = NOW_MS};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(regions_memory);
    free(line_copy);
    return 0;
}

/* The line is copied to exactly sized memory, so that ASan sees any read past its end. */
static enum status parse(const char *line) {
    free(line_copy);
    size_t bytes = strlen(line);
    line_copy = malloc(bytes + (bytes == 0));
    memcpy(line_copy, line, bytes);
    arena_init(&arena, arena_memory, sizeof arena_memory);
    memset(&problem, 0, sizeof problem);
    memset(&report, 0xAA, sizeof report);
    return report_parse(&report, &problem, &context, (struct slice){line_copy, bytes}, &arena,
                        &reader);
}

static void assert_valid(const char *line) {
    if (parse(line) != STATUS_OK) {
        fail_msg("%s: %s: %s", line, problem.pointer, problem.detail);
    }
}

static uint64_t content_of(const char *line) {
    assert_valid(line);
    return report.entry.content_tag;
}

static struct identity identity_of(const char *line) {
    assert_valid(line);
    return report.entry.identity;
}

static bool same_identity(struct identity a, struct identity b) {
    return a.low == b.low && a.high == b.high;
}

static void a_whole_report_is_taken_over(void **state) {
    (void)state;
    const char *line =
        " {\"id\":\"r-1\",\"source\":\"app\\u002d1\"," BASE ",\"sent_at\":" AT
        ",\"grid\":\"610428001\",\"location\":{\"lat\":35.25,\"lon\":107.5,\"accuracy_m\":0,"
        "\"crs\":\"wgs84\",\"floor\":[2]},\"severity\":\"minor\",\"channel\":\"handheld\","
        "\"reporter\":\"Li\",\"on_behalf_of\":null,\"device\":\"d\",\"text\":\"smoke\","
        "\"bearing\":{\"azimuth_deg\":360,\"cone_deg\":0,\"range_km\":0.5},\"media\":[{\"sha256\":"
        "\"" SHA "\",\"url\":\"https://example.org/1\",\"mime\":\"image/jpeg\"}],"
        "\"attributes\":{\"a\":[1,{\"b\":null}]},\"unknown\":{\"x\":[]}} \r\n";
    assert_valid(line);
    assert_true(slice_is(report.id, "r-1") && slice_is(report.source, "app-1"));
    assert_int_equal(report.entry.kind, ENTRY_REPORT);
    assert_int_equal(report.entry.severity, SEVERITY_MINOR);
    assert_int_equal(report.entry.flags, ENTRY_HAS_POSITION);
    assert_int_equal(report.entry.region, region_find(regions, SLICE_LITERAL("610428001")));
    assert_int_equal(report.entry.category_tag, policy_tag(SLICE_LITERAL("forest_fire")));
    assert_true(report.entry.occurred_ms == NOW_MS && report.entry.received_ms == NOW_MS);
    assert_true(report.record.has_position && report.record.position.lat_deg == 35.25 &&
                report.record.position.lon_deg == 107.5);
    assert_int_equal(report.record.source.bytes, 0);
    assert_true(report.record.json.data[0] == '{');
    assert_int_equal(report.record.json.bytes, strlen(line) - 4);
    assert_int_equal(report.entry.record_bytes, record_encoded_bytes(&report.record));
}

static void defaults_are_filled_in(void **state) {
    (void)state;
    assert_valid("{" BASE ",\"grid\":\"610428\",\"id\":\"1\",\"location\":null,\"source\":null}");
    assert_int_equal(report.entry.severity, SEVERITY_SEVERE);
    assert_int_equal(report.entry.flags, 0);
    assert_true(slice_is(report.source, "anonymous"));
    assert_true(slice_is(report.record.source, "anonymous"));
    assert_false(report.record.has_position);
}

static void locations_are_converted_and_located(void **state) {
    (void)state;
    assert_valid("{" BASE ",\"location\":{\"lat\":35.2,\"lon\":107.81}}");
    assert_int_equal(report.entry.flags, ENTRY_HAS_POSITION | ENTRY_LOCATED | ENTRY_DERIVED_ID);
    assert_int_equal(report.entry.region, region_find(regions, SLICE_LITERAL("610428001")));
    assert_valid("{" BASE ",\"grid\":\"610428\",\"location\":{\"crs\":\"gcj02\",\"lat\":"
                 "31.17530398364597,\"lon\":121.531541859215}}");
    double lat_error = report.record.position.lat_deg - 31.1774276;
    double lon_error = report.record.position.lon_deg - 121.5272106;
    assert_true(lat_error * lat_error + lon_error * lon_error < 1e-16);
    assert_int_equal(parse("{" BASE ",\"location\":{\"lat\":35.2,\"lon\":107.9}}"), STATUS_INVALID);
    assert_string_equal(problem.pointer, "/grid");
    context.regions = NULL;
    assert_int_equal(parse("{" BASE ",\"location\":{\"lat\":35.2,\"lon\":107.8}}"), STATUS_INVALID);
    assert_int_equal(parse("{" BASE ",\"grid\":\"610428\"}"), STATUS_INVALID);
    context.regions = regions;
}

static void each_bad_field_is_pointed_at(void **state) {
    (void)state;
    const struct {
        const char *member, *pointer, *word; /* the word must be in the detail */
    } cases[] = {
        {"\"id\":1", "/id", "string"},
        {"\"id\":\"\"", "/id", "empty"},
        {"\"id\":\"a\\u0000b\"", "/id", "NUL"},
        {"\"source\":\"\"", "/source", "empty"},
        {"\"source\":{}", "/source", "string"},
        {"\"sent_at\":\"yesterday\"", "/sent_at", "2026-11-22T08:30:00Z"},
        {"\"sent_at\":5", "/sent_at", "string"},
        {"\"severity\":\"bad\"", "/severity", "extreme, severe, moderate, minor"},
        {"\"severity\":[\"minor\"]", "/severity", "string"},
        {"\"channel\":\"pigeon\"", "/channel", "pigeon"},
        {"\"reporter\":true", "/reporter", "string"},
        {"\"on_behalf_of\":1", "/on_behalf_of", "string"},
        {"\"device\":{\"a\":[1,2]}", "/device", "string"},
        {"\"text\":[]", "/text", "string"},
        {"\"location\":[1,2]", "/location", "object"},
        {"\"location\":{}", "/location/lat", "needs lat"},
        {"\"location\":{\"lat\":1}", "/location/lon", "needs lon"},
        {"\"location\":{\"lat\":null,\"lon\":1}", "/location/lat", "needs lat"},
        {"\"location\":{\"lat\":\"1\",\"lon\":1}", "/location/lat", "-90 to 90"},
        {"\"location\":{\"lat\":90.01,\"lon\":1}", "/location/lat", "90.01"},
        {"\"location\":{\"lat\":-90.01,\"lon\":1}", "/location/lat", "range"},
        {"\"location\":{\"lat\":1e999,\"lon\":1}", "/location/lat", "range"},
        {"\"location\":{\"lat\":1,\"lon\":180.5}", "/location/lon", "range"},
        {"\"location\":{\"lat\":1,\"lon\":1,\"accuracy_m\":-1}", "/location/accuracy_m", "range"},
        {"\"location\":{\"lat\":1,\"lon\":1,\"crs\":\"utm\"}", "/location/crs", "gcj02"},
        {"\"location\":{\"lat\":1,\"lon\":1,\"crs\":[]}", "/location/crs", "string"},
        {"\"bearing\":1", "/bearing", "object"},
        {"\"bearing\":{\"cone_deg\":1}", "/bearing/azimuth_deg", "needs"},
        {"\"bearing\":{\"azimuth_deg\":360.1}", "/bearing/azimuth_deg", "range"},
        {"\"bearing\":{\"azimuth_deg\":1,\"cone_deg\":-1}", "/bearing/cone_deg", "range"},
        {"\"bearing\":{\"azimuth_deg\":1,\"range_km\":0}", "/bearing/range_km", "range"},
        {"\"media\":{}", "/media", "array"},
        {"\"media\":[{},1]", "/media/1", "object"},
        {"\"media\":[{\"sha256\":\"12\"}]", "/media/0/sha256", "64"},
        {"\"media\":[{},{\"url\":1}]", "/media/1/url", "string"},
        {"\"media\":[{\"mime\":[]}]", "/media/0/mime", "string"},
        {"\"attributes\":[1]", "/attributes", "object"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char line[1024];
        snprintf(line, sizeof line, "{" BASE ",\"grid\":\"610428\",%s,\"zz\":[{}],\"z\":\"1\"}",
                 cases[i].member);
        assert_int_equal(parse(line), STATUS_INVALID);
        if (strcmp(problem.pointer, cases[i].pointer) != 0 ||
            strstr(problem.detail, cases[i].word) == NULL) {
            fail_msg("%s: %s: %s", cases[i].member, problem.pointer, problem.detail);
        }
        assert_non_null(problem.title);
        assert_int_equal(problem.id.bytes, 0);
    }
}

static void required_fields_are_asked_for(void **state) {
    (void)state;
    const struct {
        const char *line, *pointer;
    } cases[] = {
        {"{}", "/category"},
        {"{\"occurred_at\":" AT ",\"grid\":\"610428\"}", "/category"},
        {"{\"category\":null,\"occurred_at\":" AT ",\"grid\":\"610428\"}", "/category"},
        {"{\"category\":\"x\",\"occurred_at\":" AT ",\"grid\":\"610428\"}", "/category"},
        {"{\"category\":\"litter\",\"grid\":\"610428\"}", "/occurred_at"},
        {"{\"category\":\"litter\",\"occurred_at\":\"1969-12-31T23:59:59.999Z\",\"grid\":\"610428\""
         "}",
         "/occurred_at"},
        {"{\"category\":\"litter\",\"occurred_at\":\"\",\"grid\":\"610428\"}", "/occurred_at"},
        {"{" BASE "}", "/grid"},
        {"{" BASE ",\"grid\":null}", "/grid"},
        {"{" BASE ",\"grid\":\"610\"}", "/grid"},
        {"{" BASE ",\"grid\":610428}", "/grid"},
        {"[]", ""},
        {"\"x\"", ""},
        {"17", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].line), STATUS_INVALID);
        assert_string_equal(problem.pointer, cases[i].pointer);
    }
    assert_valid("{\"category\":\"litter\",\"occurred_at\":\"1970-01-01T00:00:00Z\",\"grid\":"
                 "\"610428\"}");
}

/* `bytes` bytes of string in a field must pass at the limit and be refused one above it. */
static void check_length(const char *field, size_t bytes_max) {
    for (size_t bytes = bytes_max - 1; bytes <= bytes_max + 1; bytes++) {
        char line[8192];
        size_t used =
            (size_t)snprintf(line, sizeof line, "{" BASE ",\"grid\":\"610428\",\"%s\":\"", field);
        memset(line + used, 'a', bytes);
        memcpy(line + used + bytes, "\"}", 3);
        enum status expected = bytes <= bytes_max ? STATUS_OK : STATUS_INVALID;
        assert_int_equal(parse(line), expected);
        if (expected == STATUS_INVALID) {
            assert_string_equal(problem.pointer + 1, field);
            assert_non_null(strstr(problem.detail, "longer than"));
        }
    }
}

static void limits_hold_at_their_edge(void **state) {
    (void)state;
    check_length("id", 128);
    check_length("source", 64);
    check_length("reporter", 128);
    check_length("on_behalf_of", 128);
    check_length("device", 128);
    check_length("text", 4096);
    char line[8192];
    for (size_t bytes = 4095; bytes <= 4097; bytes++) {
        snprintf(line, sizeof line, "{" BASE ",\"grid\":\"610428\",\"attributes\":{%*s}}",
                 (int)bytes - 2, "");
        assert_int_equal(parse(line), bytes <= 4096 ? STATUS_OK : STATUS_INVALID);
    }
    assert_string_equal(problem.pointer, "/attributes");
    for (size_t count = 15; count <= 17; count++) {
        size_t used =
            (size_t)snprintf(line, sizeof line, "{" BASE ",\"grid\":\"610428\",\"media\":[{}");
        for (size_t i = 1; i < count; i++) {
            used += (size_t)snprintf(line + used, sizeof line - used, ",{}");
        }
        snprintf(line + used, sizeof line - used, "]}");
        assert_int_equal(parse(line), count <= 16 ? STATUS_OK : STATUS_INVALID);
    }
    assert_string_equal(problem.pointer, "/media");
    /* Escaped, a string may be written with more bytes than it has. */
    size_t used = (size_t)snprintf(line, sizeof line, "{" BASE ",\"grid\":\"610428\",\"id\":\"");
    for (size_t i = 0; i < 128; i++) {
        used += (size_t)snprintf(line + used, sizeof line - used, "\\u0061");
    }
    snprintf(line + used, sizeof line - used, "\"}");
    assert_valid(line);
    assert_int_equal(report.id.bytes, 128);
}

static void a_clock_ahead_is_suspect(void **state) {
    (void)state;
    EACH_AROUND(ahead_ms, limits, clock_skew_ms) {
        char line[512];
        char at[INSTANT_TEXT_BYTES + 1] = "";
        instant_format(at, NOW_MS + (int64_t)ahead_ms);
        snprintf(
            line, sizeof line,
            "{\"category\":\"litter\",\"occurred_at\":\"%s\",\"grid\":\"610428\",\"id\":\"1\"}",
            at);
        assert_valid(line);
        bool suspect = ahead_ms > limits.clock_skew_ms;
        assert_int_equal(report.entry.flags, suspect ? ENTRY_CLOCK_SUSPECT : 0);
        assert_true((report.entry.occurred_ms == NOW_MS) == suspect);
        assert_true(report.entry.received_ms == NOW_MS);
    }
}

static void broken_text_names_the_byte(void **state) {
    (void)state;
    const struct {
        const char *line, *detail;
    } cases[] = {
        {"", "at byte 0: the text ends too early"},
        {"{\"id\":\"7\",\"grid\":1,\"x\":tru}", "at byte 26: a byte stands where"},
        {"{\"a\":1,\"a\":2}", "at byte 7: a key stands twice"},
        {"{\"location\":{\"lat\":1,\"lat\":2}}", "at byte 21: a key stands twice"},
        {"{} {}", "at byte 3: something follows"},
        {"{\"media\":[{\"url\":\"\\uD800\"}]}", "half of a surrogate pair"},
        {"{\"media\":[{", "too early"},
        {"{\"bearing\":{\"azimuth_deg\":", "too early"},
        {"{\"attributes\":{\"a\":[", "too early"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "expected a JSON object"},
        {"{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "nested too deep"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].line), STATUS_INVALID);
        assert_string_equal(problem.pointer, "");
        if (strstr(problem.detail, cases[i].detail) == NULL) {
            fail_msg("%s: %s", cases[i].line, problem.detail);
        }
        assert_int_equal(problem.id.bytes, i == 1 ? 1 : 0);
    }
}

static void the_id_is_found_behind_the_mistake(void **state) {
    (void)state;
    assert_int_equal(parse("{\"severity\":\"x\",\"channel\":\"y\"," BASE ",\"\\u0069d\":\"r-9\"}"),
                     STATUS_INVALID);
    assert_string_equal(problem.pointer, "/severity");
    assert_true(slice_is(problem.id, "r-9"));
}

/* A grid is looked up behind the members that follow it; that must not show. */
static void the_first_mistake_is_told_whatever_the_grid_is(void **state) {
    (void)state;
    static const struct {
        const char *line, *pointer;
    } cases[] = {
        {"{" BASE ",\"grid\":\"nowhere\",\"severity\":\"x\"}", "/grid"},
        {"{" BASE ",\"severity\":\"x\",\"grid\":\"nowhere\"}", "/severity"},
        {"{" BASE ",\"grid\":\"610428\",\"severity\":\"x\"}", "/severity"},
        {"{" BASE ",\"grid\":\"\",\"severity\":\"x\"}", "/grid"},
        {"{\"grid\":\"nowhere\"}", "/grid"},
        {"{\"grid\":\"610428\"}", "/category"},
        {"{" BASE ",\"grid\":\"nowhere\",\"severity\":x}", ""},
        {"{" BASE ",\"grid\":\"610428\",\"severity\":x}", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].line), STATUS_INVALID);
        if (strcmp(problem.pointer, cases[i].pointer) != 0) {
            fail_msg("%s: %s: %s", cases[i].line, problem.pointer, problem.detail);
        }
    }
}

static void what_was_sent_is_cut_in_the_detail(void **state) {
    (void)state;
    char line[2048] = "{\"category\":\"";
    for (int i = 0; i < 100; i++) {
        strcat(line, "\xE4\xB8\xAD");
    }
    strcat(line, "\"}");
    assert_int_equal(parse(line), STATUS_INVALID);
    assert_non_null(strstr(problem.detail, "\xE4\xB8\xAD...\""));
    assert_true(strlen(problem.detail) < 120);
    assert_true(utf8_is_valid(slice_text(problem.detail)));
}

static void an_arena_too_small_is_told(void **state) {
    (void)state;
    const char *lines[] = {"{" BASE ",\"grid\":\"610428\"}",
                           "{" BASE ",\"grid\":\"610428\",\"id\":\"\\u0061\\u0062\"}"};
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        arena_init(&arena, arena_memory, 4);
        assert_int_equal(
            report_parse(&report, &problem, &context, slice_text(lines[i]), &arena, &reader),
            STATUS_FULL);
    }
}

#define GIVEN "\"grid\":\"610428\",\"id\":\"1\""

static void content_ignores_form_and_transport(void **state) {
    (void)state;
    uint64_t tag = content_of("{" BASE "," GIVEN ",\"attributes\":{\"a\":1,\"b\":{\"c\":[1,\"x\"],"
                              "\"d\":null}},\"text\":\"\xE4\xB8\xAD\"}");
    const char *const same[] = {
        "{ \"text\" : \"\\u4e2d\" ,\"attributes\":{\"b\":{\"d\":null,\"c\":[ 1, "
        "\"x\"]},\"a\":1}, " GIVEN ", " BASE " }",
        "{" BASE "," GIVEN ",\"attributes\":{\"\\u0061\":1,\"b\":{\"c\":[1,\"\\u0078\"],\"d\":null}"
        "},\"text\":\"\xE4\xB8\xAD\",\"sent_at\":" AT ",\"attempt\":3,\"battery\":{\"v\":[1]},"
        "\"gps_now\":[1],\"source\":\"anonymous\"}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        assert_true(content_of(same[i]) == tag);
    }
}

static void content_tells_everything_else_apart(void **state) {
    (void)state;
    const char *const values[] = {
        "1",
        "\"1\"",
        "1.0",
        "null",
        "\"null\"",
        "true",
        "false",
        "[]",
        "{}",
        "\"\"",
        "[[]]",
        "[{}]",
        "[1,2]",
        "[2,1]",
        "[[1],2]",
        "[1,[2]]",
        "[12]",
        "[\"1\",2]",
        "{\"a\":1}",
        "{\"a\":2}",
        "{\"b\":1}",
        "{\"a\":[1]}",
        "0",
        "-0",
        "{\"a\":{}}",
        "{\"a\":1,\"b\":2}",
        "{\"a\":2,\"b\":1}",
        "[null]",
        "[null,null]",
        "{\"sent_at\":1}",
        "{\"sent_at\":2}",
    };
    uint64_t tags[ARRAY_COUNT(values) + 1];
    char line[512];
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        snprintf(line, sizeof line, "{" BASE "," GIVEN ",\"x\":%s}", values[i]);
        tags[i] = content_of(line);
    }
    tags[ARRAY_COUNT(values)] = content_of("{" BASE "," GIVEN ",\"y\":1}");
    for (size_t i = 0; i < ARRAY_COUNT(tags); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_true(tags[i] != tags[k]);
        }
    }
}

static void identity_is_source_and_id(void **state) {
    (void)state;
    struct identity one = identity_of("{" BASE ",\"grid\":\"610428\",\"id\":\"1\"}");
    assert_true(same_identity(one, identity_of("{\"category\":\"litter\",\"occurred_at\":" AT
                                               ",\"grid\":\"610428001\",\"id\":\"\\u0031\","
                                               "\"source\":\"anonymous\"}")));
    assert_false(same_identity(one, identity_of("{" BASE ",\"grid\":\"610428\",\"id\":\"2\"}")));
    assert_false(same_identity(
        one, identity_of("{" BASE ",\"grid\":\"610428\",\"id\":\"1\",\"source\":\"a\"}")));
    context.identity_seed = 43;
    assert_false(same_identity(one, identity_of("{" BASE ",\"grid\":\"610428\",\"id\":\"1\"}")));
    context.identity_seed = 42;
}

#define DERIVED(at, lat, text, media)                                                              \
    "{\"category\":\"litter\",\"reporter\":\"Li\",\"occurred_at\":\"1970-01-12T" at                \
    "\",\"grid\":\"610428\",\"location\":{\"lat\":" lat ",\"lon\":107.8},\"text\":\"" text         \
    "\",\"media\":[" media "],\"attempt\":1}"

static void derived_identity_sees_the_event(void **state) {
    (void)state;
    const char *usual =
        DERIVED("13:46:01Z", "35.20001", "smoke", "{\"url\":\"u\"},{\"url\":\"v\"}");
    struct identity identity = identity_of(usual);
    assert_int_equal(report.entry.flags, ENTRY_HAS_POSITION | ENTRY_DERIVED_ID);
    char id[64];
    snprintf(id, sizeof id, "d-%016llx%016llx", (unsigned long long)identity.high,
             (unsigned long long)identity.low);
    assert_true(slice_is(report.id, id));
    const char *const same[] = {
        DERIVED("13:46:59Z", "35.20004", " smoke\\n", "{\"url\":\"v\"},{\"url\":\"u\"}"),
        DERIVED("21:46:59+08:00", "35.2", "\\u0073moke", "{\"url\":\"\\u0075\"},{\"url\":\"v\"}"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(same); i++) {
        assert_true(same_identity(identity, identity_of(same[i])));
    }
    const char *const other[] = {
        DERIVED("13:47:00Z", "35.2", "smoke", "{\"url\":\"u\"},{\"url\":\"v\"}"),
        DERIVED("13:46:00Z", "35.2001", "smoke", "{\"url\":\"u\"},{\"url\":\"v\"}"),
        DERIVED("13:46:00Z", "35.2", "smokes", "{\"url\":\"u\"},{\"url\":\"v\"}"),
        DERIVED("13:46:00Z", "35.2", "smoke", "{\"url\":\"u\"}"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(other); i++) {
        assert_false(same_identity(identity, identity_of(other[i])));
    }
    struct identity upper =
        identity_of(DERIVED("13:46:00Z", "35.2", "", "{\"sha256\":\"" SHA "\",\"url\":\"x\"}"));
    assert_true(same_identity(
        upper, identity_of(DERIVED("13:46:00Z", "35.2", "",
                                   "{\"sha256\":\"0123456789abcdef0123456789abcdef"
                                   "0123456789abcdef0123456789abcdef\",\"url\":\"y\"}"))));
}

/* No prefix of a valid line and no changed byte may do worse than be refused. */
static void damaged_lines_do_no_harm(void **state) {
    (void)state;
    const char *line = "{\"id\":\"1\"," BASE ",\"location\":{\"lat\":1,\"lon\":2,\"crs\":\"bd09\"},"
                       "\"media\":[{\"url\":\"u\"}],\"grid\":\"610428\",\"bearing\":{"
                       "\"azimuth_deg\":1},\"attributes\":{\"a\":[{}]}}";
    assert_valid(line);
    char damaged[1024];
    size_t refused = 0;
    for (size_t at = 0; at < strlen(line); at++) {
        snprintf(damaged, sizeof damaged, "%.*s", (int)at, line);
        assert_int_equal(parse(damaged), STATUS_INVALID);
        const char *bytes = "\"{}[],:9e\x80 ";
        for (const char *byte = bytes; *byte != '\0'; byte++) {
            snprintf(damaged, sizeof damaged, "%s", line);
            damaged[at] = *byte;
            enum status status = parse(damaged);
            assert_true(status == STATUS_OK || status == STATUS_INVALID);
            refused += status == STATUS_INVALID;
        }
    }
    assert_true(refused > strlen(line));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_report_is_taken_over),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(locations_are_converted_and_located),
        cmocka_unit_test(each_bad_field_is_pointed_at),
        cmocka_unit_test(required_fields_are_asked_for),
        cmocka_unit_test(limits_hold_at_their_edge),
        cmocka_unit_test(a_clock_ahead_is_suspect),
        cmocka_unit_test(broken_text_names_the_byte),
        cmocka_unit_test(the_id_is_found_behind_the_mistake),
        cmocka_unit_test(the_first_mistake_is_told_whatever_the_grid_is),
        cmocka_unit_test(what_was_sent_is_cut_in_the_detail),
        cmocka_unit_test(an_arena_too_small_is_told),
        cmocka_unit_test(content_ignores_form_and_transport),
        cmocka_unit_test(content_tells_everything_else_apart),
        cmocka_unit_test(identity_is_source_and_id),
        cmocka_unit_test(derived_identity_sees_the_event),
        cmocka_unit_test(damaged_lines_do_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
