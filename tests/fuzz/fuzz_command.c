/* Any bytes as the body of a ticket command: refused with a place and a sentence, or read, twice
 * alike, and within the bounds of what the engine takes. The first byte chooses the command. */
#include "core/base/check.h"
#include "server/api/command_fields.h"
#include "tests/fuzz/engine_rules.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_command(const struct command_fields *fields, enum ticket_verb verb) {
    const struct ticket_command *command = &fields->command;
    CHECK(command->verb == verb && command->parts_count <= JOINT_PARTS_MAX);
    CHECK(command->command_id.bytes <= TICKET_COMMAND_ID_BYTES_MAX);
    CHECK(command->note.bytes <= TICKET_NOTE_BYTES_MAX);
    CHECK(command->reason_text.bytes <= TICKET_NOTE_BYTES_MAX);
    CHECK(command->actor.name.bytes <= TICKET_NAME_BYTES_MAX);
    CHECK(utf8_is_valid(command->note) && utf8_is_valid(command->actor.name));
    CHECK(command->limit.amount == 0 || stage_limit_is_valid(command->limit));
    CHECK(command->priority <= 4 && command->severity <= SEVERITY_MINOR);
    CHECK(command->media_count <= TICKET_MEDIA_MAX);
    CHECK(ticket_media_problem(command->media, command->media_count) == NULL);
    for (size_t i = 0; i < command->parts_count; i++) {
        CHECK(command->parts[i].unit_tag != 0);
        const struct stage_limit limit = command->parts[i].handle_limit;
        CHECK(limit.amount == 0 || stage_limit_is_valid(limit));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct body bodies[2];
    static struct command_fields fields[2];
    struct limits limits;
    bool are_read[2];
    if (bytes < 1) {
        return 0;
    }
    limits_init(&limits);
    const enum ticket_verb verb = 1 + data[0] % (VERBS_END - 1);
    const struct command_names names = {engine_view(0)->policy, engine_view(0)->regions};
    for (size_t i = 0; i < 2; i++) {
        body_init(&bodies[i], (struct slice){data + 1, bytes - 1}, &limits);
        are_read[i] = command_fields_read(&fields[i], &bodies[i], verb, &names);
    }
    CHECK(are_read[0] == are_read[1]);
    if (are_read[0]) {
        check_command(&fields[0], verb);
        CHECK(slice_equal(fields[0].command.note, fields[1].command.note));
    } else {
        CHECK(bodies[0].detail != NULL && bodies[0].detail == bodies[1].detail);
        CHECK(strcmp(bodies[0].pointer, bodies[1].pointer) == 0);
    }
    body_deinit(&bodies[0]);
    body_deinit(&bodies[1]);
    return 0;
}
