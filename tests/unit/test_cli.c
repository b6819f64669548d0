#include "server/process/exit_code.h"
#include "server/process/serve_options.h"
#include "tests/unit/support.h"

#include <unistd.h>

static int run_nothing(const struct cli_command *command, int argc, char **argv) {
    (void)command;
    (void)argc;
    (void)argv;
    return CLI_DONE;
}

static const struct cli_option two_paths[] = {
    {"from", "A", "a"}, {"to", "B", "b"}, {NULL, NULL, NULL}};
static const struct cli_command copy = {"copy", "copies", two_paths, run_nothing};
static const struct cli_command serve = {"serve", "serves", serve_options_table, run_nothing};

static struct serve_options options;
static char said[4096];

/* Runs with the words given, stderr and stdout caught in `said`. */
static int caught(int (*call)(int argc, char **argv), const char *const *words) {
    char copies[16][300];
    char *argv[17];
    int argc = 0;
    for (; words[argc] != NULL; argc++) {
        snprintf(copies[argc], sizeof copies[argc], "%s", words[argc]);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    fflush(stderr);
    int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    int code = call(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(saved_out, STDOUT_FILENO);
    dup2(saved_err, STDERR_FILENO);
    close(saved_out);
    close(saved_err);
    ssize_t bytes = pread(fileno(file), said, sizeof said - 1, 0);
    assert_true(bytes >= 0);
    said[bytes] = '\0';
    fclose(file);
    return code;
}

static int call_serve(int argc, char **argv) {
    return serve_options_parse(&options, &serve, argc, argv);
}

static char from[300], to[300];

static int call_copy(int argc, char **argv) {
    const char *paths[2] = {"x", "x"};
    int code = cli_parse_required(&copy, argc, argv, paths);
    snprintf(from, sizeof from, "%s", paths[0] == NULL ? "-" : paths[0]);
    snprintf(to, sizeof to, "%s", paths[1] == NULL ? "-" : paths[1]);
    return code;
}

static int call_check(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return serve_options_check(&options, &serve);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* One line that names `reason`. */
static void assert_said(const char *reason) {
    if (strstr(said, reason) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", said, reason);
    }
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void required_paths_are_taken(void **state) {
    (void)state;
    assert_int_equal(caught(call_copy, WORDS("copy", "--to", "b", "--from=a")), CLI_GO_ON);
    assert_string_equal(from, "a");
    assert_string_equal(to, "b");
    assert_string_equal(said, "");
}

static void misuse_is_one_line_and_2(void **state) {
    (void)state;
    assert_int_equal(caught(call_copy, WORDS("copy", "--from", "a")), CLI_USAGE);
    assert_said("this is needed: --to; see gridd copy --help");
    assert_int_equal(caught(call_copy, WORDS("copy", "--from", "a", "--to")), CLI_USAGE);
    assert_said("a value is missing after --to");
    assert_int_equal(caught(call_copy, WORDS("copy", "--from", "a", "--to", "")), CLI_USAGE);
    assert_said("gridd copy: --to: the value is empty");
    assert_int_equal(caught(call_copy, WORDS("copy", "--form", "a")), CLI_USAGE);
    assert_said("no such option: --form");
    assert_int_equal(caught(call_copy, WORDS("copy", "-x")), CLI_USAGE);
    assert_said("no such option: -x");
    assert_int_equal(caught(call_copy, WORDS("copy", "--from", "a", "--to", "b", "c")), CLI_USAGE);
    assert_said("this is no option: c");
    assert_int_equal(caught(call_serve, WORDS("serve", "--no-auth=yes")), CLI_USAGE);
    assert_said("no such option: --no-auth=yes");
}

static void help_goes_to_stdout_and_is_0(void **state) {
    (void)state;
    assert_int_equal(caught(call_serve, WORDS("serve", "--help")), CLI_DONE);
    for (const struct cli_option *option = serve_options_table; option->name != NULL; option++) {
        char flag[64];
        snprintf(flag, sizeof flag, "  --%s", option->name);
        assert_non_null(strstr(said, flag));
    }
}

static void flags_set_the_configuration(void **state) {
    (void)state;
    assert_int_equal(
        caught(call_serve, WORDS("serve", "--data", "/srv/d", "--listen", "[::1]:0", "--no-auth",
                                 "--log-level", "warn", "--limit", "line_bytes=1KiB", "--limit",
                                 "json_depth=8", "--accept-loss-after", "17", "--check-config")),
        CLI_GO_ON);
    assert_string_equal(said, "");
    assert_string_equal(options.config.data, "/srv/d");
    assert_string_equal(options.config.listen, "[::1]:0");
    assert_true(options.config.no_auth);
    assert_int_equal(options.config.log_level, LOG_LEVEL_WARN);
    assert_int_equal(options.config.limits.line_bytes, 1024);
    assert_int_equal(options.config.limits.json_depth, 8);
    assert_true(options.config.accept_loss);
    assert_int_equal(options.config.accept_loss_after, 17);
    assert_true(options.check_config);
    assert_false(options.print_effective);
}

static void bad_flags_are_named(void **state) {
    (void)state;
    assert_int_equal(caught(call_serve, WORDS("serve", "--log-level", "loud")), CLI_USAGE);
    assert_said("--log-level loud: ");
    assert_int_equal(caught(call_serve, WORDS("serve", "--limit", "json_depth")), CLI_USAGE);
    assert_said("must be NAME=VALUE");
    assert_int_equal(caught(call_serve, WORDS("serve", "--limit", "depth=3")), CLI_USAGE);
    assert_said("--limit depth=3: there is no such limit");
    assert_int_equal(caught(call_serve, WORDS("serve", "--limit", "json_depth=65")), CLI_USAGE);
    assert_said("out of range: 4 to 64");
    assert_int_equal(caught(call_serve, WORDS("serve", "--limit", "run_entries=32")), CLI_USAGE);
    assert_said("contradict");
    assert_int_equal(caught(call_serve, WORDS("serve", "--accept-loss-after", "-1")), CLI_USAGE);
    assert_said("no whole number");
}

static void flags_win_over_the_file(void **state) {
    (void)state;
    char path[4200];
    const char *directory = support_temporary_directory();
    snprintf(path, sizeof path, "%s/gridd.yaml", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("data: /from/file\npool_threads: 9\nlimits: {json_depth: 9}\n", file);
    fclose(file);
    assert_int_equal(caught(call_serve, WORDS("serve", "--data", "/from/flag", "--config", path)),
                     CLI_GO_ON);
    assert_string_equal(options.config.data, "/from/flag");
    assert_int_equal(options.config.pool_threads, 9);
    assert_int_equal(options.config.limits.json_depth, 9);
    assert_string_equal(options.config_path, path);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("data: x\ncolour: red\n", file);
    fclose(file);
    assert_int_equal(caught(call_serve, WORDS("serve", "--config", path)), EXIT_CODE_CONFIG);
    assert_said("gridd.yaml:2: colour: there is no such key");
    support_remove_tree(directory);
    assert_int_equal(caught(call_serve, WORDS("serve", "--config", path)), EXIT_CODE_CONFIG);
    assert_said("No such file");
}

static void serving_openly_is_refused(void **state) {
    (void)state;
    assert_int_equal(caught(call_serve, WORDS("serve", "--no-auth")), CLI_GO_ON);
    assert_int_equal(caught(call_check, WORDS("")), CLI_USAGE);
    assert_said("--data");
    assert_int_equal(caught(call_serve, WORDS("serve", "--data", "d")), CLI_GO_ON);
    assert_int_equal(caught(call_check, WORDS("")), CLI_GO_ON);
    static const char *const open_to_all[] = {"0.0.0.0:80", "[::]:80", "10.1.2.3:80"};
    for (size_t i = 0; i < ARRAY_COUNT(open_to_all); i++) {
        assert_int_equal(caught(call_serve, WORDS("serve", "--data", "d", "--no-auth", "--listen",
                                                  open_to_all[i])),
                         CLI_GO_ON);
        assert_int_equal(caught(call_check, WORDS("")), CLI_USAGE);
        assert_said("loopback");
        assert_int_equal(
            caught(call_serve, WORDS("serve", "--data", "d", "--listen", open_to_all[i])),
            CLI_GO_ON);
        assert_int_equal(caught(call_check, WORDS("")), CLI_USAGE);
        assert_said("plain HTTP is for loopback addresses only");
        assert_int_equal(caught(call_serve, WORDS("serve", "--data", "d", "--no-auth", "--listen",
                                                  open_to_all[i], "--insecure-no-auth")),
                         CLI_GO_ON);
        assert_int_equal(caught(call_check, WORDS("")), CLI_GO_ON);
        assert_int_equal(caught(call_serve, WORDS("serve", "--data", "d", "--insecure-http",
                                                  "--listen", open_to_all[i])),
                         CLI_GO_ON);
        assert_int_equal(caught(call_check, WORDS("")), CLI_GO_ON);
    }
    assert_int_equal(caught(call_serve, WORDS("serve", "--data", "d", "--no-auth")), CLI_GO_ON);
    assert_int_equal(caught(call_check, WORDS("")), CLI_GO_ON);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required_paths_are_taken),
        cmocka_unit_test(misuse_is_one_line_and_2),
        cmocka_unit_test(help_goes_to_stdout_and_is_0),
        cmocka_unit_test(flags_set_the_configuration),
        cmocka_unit_test(bad_flags_are_named),
        cmocka_unit_test(flags_win_over_the_file),
        cmocka_unit_test(serving_openly_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
