#include "server/process/config.h"
#include "server/rules/yaml_outline.h"
#include "tests/unit/support.h"

#include <inttypes.h>
#include <unistd.h>

static struct config config, before;

static enum status load_bytes(const char *text, size_t bytes, struct error *error) {
    char path[4200];
    const char *directory = support_temporary_directory();
    snprintf(path, sizeof path, "%s/gridd.yaml", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    fclose(file);
    enum status status = config_load(&config, path, error);
    support_remove_tree(directory);
    return status;
}

static void accepted(const char *text) {
    struct error error = {""};
    config_init(&config);
    enum status status = load_bytes(text, strlen(text), &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, STATUS_OK);
}

static void refused_bytes(const char *text, size_t bytes, const char *line, const char *reason) {
    struct error error = {""};
    config_init(&config);
    config_init(&before);
    assert_int_equal(load_bytes(text, bytes, &error), STATUS_INVALID);
    if (strstr(error.message, line) == NULL || strstr(error.message, reason) == NULL) {
        fail_msg("\"%s\" names not both \"%s\" and \"%s\"", error.message, line, reason);
    }
    assert_memory_equal(&before, &config, sizeof config);
}

static void refused(const char *text, const char *line, const char *reason) {
    refused_bytes(text, strlen(text), line, reason);
}

static void an_empty_file_changes_nothing(void **state) {
    (void)state;
    config_init(&before);
    accepted("");
    assert_memory_equal(&before, &config, sizeof config);
    accepted("# nothing\n\n");
    assert_memory_equal(&before, &config, sizeof config);
    accepted("limits: {}\n");
    assert_memory_equal(&before, &config, sizeof config);
}

static void keys_are_taken(void **state) {
    (void)state;
    accepted("data: /srv/网格\nlisten: '[::1]:0'\nno_auth: true\nlog_level: debug\n"
             "cache_bytes: 1 GiB\npool_threads: 8\nlimits:\n  line_bytes: 32KiB\n"
             "  connections: 100\n");
    assert_string_equal(config.data, "/srv/网格");
    assert_string_equal(config.listen, "[::1]:0");
    assert_true(config.no_auth);
    assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config.cache_bytes, GIB);
    assert_int_equal(config.pool_threads, 8);
    assert_int_equal(config.limits.line_bytes, 32 * KIB);
    assert_int_equal(config.limits.connections, 100);
    assert_int_equal(config.memtable_bytes, 32 * MIB);
}

static void unknown_keys_are_named_with_their_line(void **state) {
    (void)state;
    refused("data: x\n\n# c\ncolour: red\n", ":4: ", "colour: there is no such key");
    refused("limits:\n  line_bytes: 1024\n\n  lines: 4\n",
            ":4: ", "limits.lines: there is no such key");
    refused("policy_path: x\n", ":1: ", "policy_path");
    refused("Data: x\n", ":1: ", "Data");
}

static void wrong_kinds_are_named_with_their_line(void **state) {
    (void)state;
    refused("pool_threads: 2\ndata: [a]\n", ":2: ", "data");
    refused("pool_threads: 2\ndata: {a: b}\n", ":2: ", "data");
    refused("data: x\nlimits: 4\n", ":2: ", "limits");
    refused("- data\n", ":1: ", "MAPPING");
    refused("just text\n", ":1: ", "MAPPING");
    refused("\nno_auth: maybe\n", ":2: ", "neither true nor false");
    refused("\nno_auth: True\n", ":2: ", "neither true nor false");
    accepted("console_tiles: https://tiles.example.org:8443/{z}/{x}/{y}.png?k=1\n");
    refused("console_tiles: https://tiles.example.org/{z}/{x}.png\n", ":1: ", "no http(s) address");
    refused("console_tiles: \"https://a.example;script-src *//{z}/{x}/{y}\"\n",
            ":1: ", "no http(s) address");
    refused("console_tiles: https://{x}.example.org/{z}/{y}\n", ":1: ", "no plain host");
    refused("data: x\nlog_level: loud\n", ":2: ", "debug, info, warn, error");
    refused("pool_threads:\n", ":1: ", "no whole number");
    refused("pool_threads: 0x10\n", ":1: ", "no whole number");
    refused("pool_threads: -1\n", ":1: ", "no whole number");
    refused("pool_threads: 4.0\n", ":1: ", "no whole number");
    refused("cache_bytes: 64 MB\n", ":1: ", "no whole number");
    refused("cache_bytes: 99999999999999999999\n", ":1: ", "no whole number");
    refused("cache_bytes: 99999999999 GiB\n", ":1: ", "no whole number");
    refused("data: ~\n", ":1: ", "null");
    refused("data: \"a\\0b\"\n", ":1: ", "NUL");
    refused("data: \"a\\nb\"\n", ":1: ", "control byte");
}

static void every_limit_is_bounded_at_both_ends(void **state) {
    (void)state;
    const struct limit_row *row;
    char text[32];
    struct error error;
    for (size_t i = 0; (row = limits_row(i)) != NULL; i++) {
        config_init(&config);
        snprintf(text, sizeof text, "%" PRIu64, row->min);
        assert_int_equal(config_set_limit(&config, row->name, text, &error), STATUS_OK);
        snprintf(text, sizeof text, "%" PRIu64, row->max);
        assert_int_equal(config_set_limit(&config, row->name, text, &error), STATUS_OK);
        const uint64_t *field = (const void *)((const uint8_t *)&config.limits + row->offset);
        assert_int_equal(*field, row->max);
        snprintf(text, sizeof text, "%" PRIu64, row->max + 1);
        assert_int_equal(config_set_limit(&config, row->name, text, &error), STATUS_INVALID);
        assert_non_null(strstr(error.message, "out of range"));
        if (row->min > 0) {
            snprintf(text, sizeof text, "%" PRIu64, row->min - 1);
            assert_int_equal(config_set_limit(&config, row->name, text, &error), STATUS_INVALID);
        }
        assert_int_equal(*field, row->max);
    }
    refused("limits:\n  line_bytes: 1024\n  json_depth: 65\n", ":3: ", "limits.json_depth");
    refused("pool_threads: 1025\n", ":1: ", "1 to 1024");
    refused("pool_threads: 0\n", ":1: ", "1 to 1024");
    assert_int_equal(config_set_limit(&config, "nothing", "1", &error), STATUS_NOT_FOUND);
}

static void limits_must_hold_together(void **state) {
    (void)state;
    refused("data: x\nlimits:\n  block_entries: 65536\n  run_entries: 32\n", ":2: ", "contradict");
    accepted("limits:\n  commit_queue_bytes: 16 MiB\n");
    refused("limits:\n  commit_queue_bytes: 16777215\n", ":1: ", "commit_pause_bytes");
}

static void texts_are_bounded(void **state) {
    (void)state;
    char text[8300];
    struct error error;
    config_init(&config);
    memset(text, 'x', sizeof text);
    text[4095] = '\0';
    assert_int_equal(config_set(&config, "data", text, &error), STATUS_OK);
    assert_int_equal(strlen(config.data), 4095);
    text[4095] = 'x';
    text[4096] = '\0';
    assert_int_equal(config_set(&config, "data", text, &error), STATUS_INVALID);
    assert_int_equal(config_set(&config, "listen", "", &error), STATUS_INVALID);
    assert_int_equal(config_set(&config, "nothing", "", &error), STATUS_NOT_FOUND);
}

static void repeated_keys_are_refused(void **state) {
    (void)state;
    refused("data: a\nno_auth: true\ndata: b\n", ":3: ", "data stands twice");
    refused("limits:\n  line_bytes: 1024\n  line_bytes: 1024\n", ":3: ", "limits.line_bytes");
    refused("limits: {}\nlimits: {}\n", ":2: ", "limits stands twice");
}

static void only_plain_yaml_is_taken(void **state) {
    (void)state;
    refused("data: a\n---\ndata: b\n", ":2: ", "second document");
    refused("data: &a x\n", ":1: ", "anchors");
    refused("data: *a\n", ":1: ", "aliases");
    refused("a: &a [x,x]\nb: &b [*a,*a]\n", ":1: ", "anchors");
    refused("data: !!str x\n", ":1: ", "tags");
    refused("? [a]\n: b\n", ":1: ", "plain word");
    refused("data: 'a\n", ":2: ", "unexpected end");
    refused("data: x\n\tlisten: y\n", ":2: ", "");
    refused("data: x\nlisten: \xff\xfe\n", ":2: ", "UTF-8");
    refused("\xff\xfe"
            "d\0",
            ":1: ", "UTF-8");
    refused_bytes("data: x\nlisten: \0\n", 18, ":2: ", "control");
}

static void depth_is_bounded(void **state) {
    (void)state;
    refused("data: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}\n", ":1: ", "data: ");
    refused("data: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}\n", ":1: ", "8 deep");
    enum { DEEP = 500000 };
    char *text = malloc(DEEP);
    assert_non_null(text);
    memset(text, '[', DEEP);
    refused_bytes(text, DEEP, ":1: ", "8 deep");
    memset(text, '{', DEEP);
    refused_bytes(text, DEEP, ":1: ", "plain word");
    free(text);
}

/* One mapping with `count` keys. */
static enum status outline_of_keys(unsigned count, struct error *error) {
    char *text = malloc(16 * (size_t)count + 1);
    struct yaml_outline *outline = malloc(sizeof *outline);
    size_t bytes = 0;
    assert_non_null(text);
    assert_non_null(outline);
    for (unsigned i = 0; i < count; i++) {
        bytes += (size_t)sprintf(text + bytes, "k%u: 1\n", i);
    }
    enum status status =
        yaml_outline_read(outline, "f", (struct slice){(uint8_t *)text, bytes}, error);
    if (status == STATUS_OK) {
        assert_int_equal(outline->nodes_count, count);
        assert_int_equal(yaml_outline_find(outline, "k2")->line, 3);
        assert_null(yaml_outline_find(outline, "k"));
    }
    free(outline);
    free(text);
    return status;
}

static void size_is_bounded(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(outline_of_keys(YAML_NODES_MAX - 1, &error), STATUS_OK);
    assert_int_equal(outline_of_keys(YAML_NODES_MAX, &error), STATUS_OK);
    assert_int_equal(outline_of_keys(YAML_NODES_MAX + 1, &error), STATUS_INVALID);
    assert_string_equal(error.message, "f:16385: the file has more than 16384 keys and items");

    char *text = malloc(YAML_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', YAML_BYTES_MAX + 1);
    text[0] = '#';
    config_init(&config);
    assert_int_equal(load_bytes(text, YAML_BYTES_MAX - 1, &error), STATUS_OK);
    assert_int_equal(load_bytes(text, YAML_BYTES_MAX, &error), STATUS_OK);
    assert_int_equal(load_bytes(text, YAML_BYTES_MAX + 1, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "1 MiB"));
    free(text);

    char key[YAML_KEY_BYTES_MAX + 8] = "";
    memset(key, 'k', YAML_KEY_BYTES_MAX);
    strcat(key, ": 1");
    refused(key, ":1: ", "no such key");
    memset(key, 'k', YAML_KEY_BYTES_MAX + 1);
    strcpy(key + YAML_KEY_BYTES_MAX + 1, ": 1");
    refused(key, ":1: ", "1 to 64 bytes");
}

static void files_that_cannot_be_read_say_why(void **state) {
    (void)state;
    struct error error;
    config_init(&config);
    assert_int_equal(config_load(&config, "/nonexistent/gridd.yaml", &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nonexistent/gridd.yaml"));
    assert_int_equal(config_load(&config, "/", &error), STATUS_IO);
}

static void the_documented_file_has_every_key_and_its_default(void **state) {
    (void)state;
    const char *path = GRIDD_SOURCE_DIR "/server/gridd.yaml";
    struct slice text = support_read_file(path);
    struct error error = {""};
    struct yaml_outline *outline = malloc(sizeof *outline);
    assert_non_null(outline);
    assert_int_equal(yaml_outline_read(outline, "gridd.yaml", text, &error), STATUS_OK);
    uint32_t expected = 1; /* limits itself */
    const struct limit_row *row;
    for (size_t i = 0; (row = limits_row(i)) != NULL; i++, expected++) {
        char key[128];
        snprintf(key, sizeof key, "limits.%s", row->name);
        assert_non_null(yaml_outline_find(outline, key));
    }
#define KEY_IS_THERE(key, field, kind, min, max)                                                   \
    assert_non_null(yaml_outline_find(outline, #key));                                             \
    expected++;
    CONFIG_TABLE(KEY_IS_THERE)
#undef KEY_IS_THERE
    assert_int_equal(outline->nodes_count, expected);
    free(outline);
    free((void *)(uintptr_t)text.data);

    /* Read over bytes that are no default, every field must come out as its default. */
    config_init(&before);
    memset(&config, 0, sizeof config);
    config.limits = before.limits;
    for (size_t i = 0; (row = limits_row(i)) != NULL; i++) {
        *(uint64_t *)(void *)((uint8_t *)&config.limits + row->offset) = 0;
    }
    config.log_level = LOG_LEVEL_ERROR;
    config.no_auth = config.access_log = config.accept_loss = true;
    config.insecure_no_auth = config.insecure_http = true;
    config.keys_path[0] = 'x';
    config.accept_loss_after = 1;
    config.policy_path[0] = config.calendar_path[0] = config.console_tiles[0] = config.data[0] =
        'x';
    assert_int_equal(config_load(&config, path, &error), STATUS_OK);
    assert_memory_equal(&config, &before, sizeof config);
}

static void what_is_written_reads_back(void **state) {
    (void)state;
    struct buffer buffer;
    struct error error;
    buffer_init(&buffer);
    config_init(&config);
    assert_int_equal(config_set(&config, "data", "it's: #1 \\ \"数据\"", &error), STATUS_OK);
    assert_int_equal(config_set(&config, "no_auth", "true", &error), STATUS_OK);
    assert_int_equal(config_set(&config, "log_level", "warn", &error), STATUS_OK);
    assert_int_equal(config_set(&config, "accept_loss_after", "18446744073709551615", &error),
                     STATUS_OK);
    assert_int_equal(config_set_limit(&config, "locate_m", "77", &error), STATUS_OK);
    config_write(&config, &buffer);
    struct config written = config;
    config_init(&config);
    assert_int_equal(load_bytes((const char *)buffer.data, buffer.bytes, &error), STATUS_OK);
    assert_string_equal(config.data, written.data);
    assert_true(config.no_auth);
    assert_int_equal(config.log_level, LOG_LEVEL_WARN);
    assert_int_equal(config.accept_loss_after, UINT64_MAX);
    assert_int_equal(config.limits.locate_m, 77);
    buffer_deinit(&buffer);
}

static void loopback_is_known(void **state) {
    (void)state;
    static const char *const inside[] = {"127.0.0.1:8080", "127.9.9.9:0", "[::1]:80", "localhost:1",
                                         "[::ffff:127.0.0.1]:1"};
    static const char *const outside[] = {
        "0.0.0.0:80",    "[::]:80", "192.168.0.1:80",      "127.0.0.1.evil:1",
        "example.org:1", ":80",     "[::ffff:10.0.0.1]:1", "",
        "128.0.0.1:1"};
    for (size_t i = 0; i < ARRAY_COUNT(inside); i++) {
        assert_true(config_is_loopback(inside[i]));
    }
    for (size_t i = 0; i < ARRAY_COUNT(outside); i++) {
        assert_false(config_is_loopback(outside[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_changes_nothing),
        cmocka_unit_test(keys_are_taken),
        cmocka_unit_test(unknown_keys_are_named_with_their_line),
        cmocka_unit_test(wrong_kinds_are_named_with_their_line),
        cmocka_unit_test(every_limit_is_bounded_at_both_ends),
        cmocka_unit_test(limits_must_hold_together),
        cmocka_unit_test(texts_are_bounded),
        cmocka_unit_test(repeated_keys_are_refused),
        cmocka_unit_test(only_plain_yaml_is_taken),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(files_that_cannot_be_read_say_why),
        cmocka_unit_test(the_documented_file_has_every_key_and_its_default),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(loopback_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
