/* References to evidence: what is one, how long they may be, and where they are kept. */
#include "core/ticket/ticket_media.h"

#include "tests/unit/support_ticket.h"

#define SHA "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789"

static const char *problem_of(struct ticket_medium medium) {
    return ticket_media_problem(&medium, 1);
}

static void what_is_a_reference(void **state) {
    (void)state;
    assert_null(ticket_media_problem(NULL, 0));
    assert_null(
        problem_of((struct ticket_medium){.url = SLICE_LITERAL("https://a/\xE4\xBA\x95.jpg")}));
    assert_null(problem_of((struct ticket_medium){.sha256 = SLICE_LITERAL(SHA)}));
    assert_non_null(problem_of((struct ticket_medium){.name = SLICE_LITERAL("a.jpg")}));
    assert_non_null(problem_of((struct ticket_medium){.sha256 = SLICE_LITERAL("0123")}));
    assert_non_null(problem_of(
        (struct ticket_medium){.sha256 = {(const uint8_t *)SHA, 63}, .url = SLICE_LITERAL("x")}));
    assert_non_null(problem_of((struct ticket_medium){.url = SLICE_LITERAL("a\nb")}));
    assert_non_null(problem_of((struct ticket_medium){.url = SLICE_LITERAL("a\x7f")}));
    assert_non_null(problem_of(
        (struct ticket_medium){.url = SLICE_LITERAL("x"), .name = SLICE_LITERAL("\xff")}));
}

static void they_are_bounded(void **state) {
    (void)state;
    static uint8_t text[TICKET_MEDIA_BYTES_MAX + 1];
    struct ticket_medium media[TICKET_MEDIA_MAX + 1];
    memset(text, '"', sizeof text);
    for (size_t i = 0; i <= TICKET_MEDIA_MAX; i++) {
        media[i] = (struct ticket_medium){.url = {text, TICKET_MEDIA_BYTES_MAX / TICKET_MEDIA_MAX}};
    }
    assert_null(ticket_media_problem(media, TICKET_MEDIA_MAX));
    assert_non_null(ticket_media_problem(media, TICKET_MEDIA_MAX + 1));
    media[3].mime = (struct slice){text, 1};
    assert_non_null(ticket_media_problem(media, TICKET_MEDIA_MAX));
    media[0].url.bytes--;
    assert_null(ticket_media_problem(media, TICKET_MEDIA_MAX));
}

/* The largest command there is, everything in it escaped, is told whole. */
static void the_largest_command_is_told(void **state) {
    (void)state;
    static struct ticket_world world;
    static uint8_t text[TICKET_NOTE_BYTES_MAX], quotes[TICKET_MEDIA_BYTES_MAX / TICKET_MEDIA_MAX];
    struct ticket_medium media[TICKET_MEDIA_MAX];
    ticket_world_init(&world);
    memset(text, 1, sizeof text);
    memset(quotes, '"', sizeof quotes);
    for (size_t i = 0; i < TICKET_MEDIA_MAX; i++) {
        media[i] = (struct ticket_medium){.url = {quotes, sizeof quotes - 64},
                                          .sha256 = SLICE_LITERAL(SHA)};
    }
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    struct ticket_command command = {.verb = VERB_PROGRESS,
                                     .actor = ticket_anybody(),
                                     .note = {text, sizeof text},
                                     .reason_text = {text, sizeof text},
                                     .command_id = {text, TICKET_COMMAND_ID_BYTES_MAX},
                                     .media = media,
                                     .media_count = TICKET_MEDIA_MAX};
    command.actor.name = (struct slice){text, TICKET_NAME_BYTES_MAX};
    ticket_must_give(&world, ticket, command);
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, "\"media\":[{\"url\":\"\\\"\\\"");
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, ",\"sha256\":\"" SHA "\"}]");
    media[15].url.bytes++;
    assert_int_equal(ticket_give(&world, ticket, &command).verdict, TICKET_REPLAYED);
    command.command_id.bytes = 0;
    struct ticket_outcome outcome = ticket_give(&world, ticket, &command);
    assert_int_equal(outcome.verdict, TICKET_INVALID);
    assert_string_equal(outcome.pointer, "/media");
    ticket_world_deinit(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_reference),
        cmocka_unit_test(they_are_bounded),
        cmocka_unit_test(the_largest_command_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
