#include "server/replay/input.h"

#include "core/base/check.h"
#include "core/text/instant.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status map(struct replay_input *ret, int file, const char *path, struct error *error) {
    struct stat about;
    if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
        return error_set(error, STATUS_IO, path, ": it is no regular file", NULL);
    }
    if (about.st_size == 0) {
        return STATUS_OK;
    }
    void *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED) {
        return error_set(error, STATUS_IO, path, ": ", strerror(errno));
    }
    (void)madvise(bytes, (size_t)about.st_size, MADV_SEQUENTIAL);
    ret->bytes = bytes;
    ret->bytes_count = (size_t)about.st_size;
    return STATUS_OK;
}

enum status replay_input_open(struct replay_input *ret, const char *path, struct error *error) {
    *ret = (struct replay_input){0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return error_set(error, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, path, ": ",
                         strerror(errno));
    }
    enum status status = map(ret, file, path, error);
    close(file);
    if (status == STATUS_OK && replay_input_lines(ret) > REPLAY_LINES_MAX) {
        replay_input_close(ret);
        return error_set(error, STATUS_TOO_LARGE, path,
                         ": a replay has at most 268435456 lines; cut the input", NULL);
    }
    return status;
}

void replay_input_close(struct replay_input *input) {
    if (input->bytes != NULL) {
        munmap((void *)(uintptr_t)input->bytes, input->bytes_count);
    }
    *input = (struct replay_input){0};
}

void replay_input_rewind(struct replay_input *input) {
    input->at = 0;
    input->line = 0;
}

uint64_t replay_input_lines(const struct replay_input *input) {
    uint64_t lines = 0;
    for (size_t at = 0; at < input->bytes_count; lines++) {
        const uint8_t *end = memchr(input->bytes + at, '\n', input->bytes_count - at);
        at = end == NULL ? input->bytes_count : (size_t)(end - input->bytes) + 1;
    }
    return lines;
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct slice trimmed(struct slice text) {
    while (text.bytes > 0 && is_space(text.data[text.bytes - 1])) {
        text.bytes--;
    }
    while (text.bytes > 0 && is_space(text.data[0])) {
        text.data++;
        text.bytes--;
    }
    return text;
}

bool replay_input_next(struct replay_input *input, struct slice *ret) {
    while (input->at < input->bytes_count) {
        const uint8_t *begin = input->bytes + input->at;
        const uint8_t *end = memchr(begin, '\n', input->bytes_count - input->at);
        size_t bytes = end == NULL ? input->bytes_count - input->at : (size_t)(end - begin);
        input->at += bytes + (end == NULL ? 0 : 1);
        input->line++;
        *ret = trimmed((struct slice){begin, bytes});
        if (ret->bytes > 0) {
            return true;
        }
    }
    return false;
}

/* Passes over `word`, and a blank behind it. */
static bool eat(struct slice *text, const char *word) {
    size_t bytes = strlen(word);
    if (text->bytes < bytes || memcmp(text->data, word, bytes) != 0) {
        return false;
    }
    text->data += bytes;
    text->bytes -= bytes;
    if (text->bytes > 0 && text->data[0] == ' ') {
        text->data++;
        text->bytes--;
    }
    return true;
}

bool replay_line_guess(struct replay_line *ret, struct slice text) {
    const char *why;
    if (!eat(&text, "{\"at\":") || text.bytes < 2 || text.data[0] != '"') {
        return false;
    }
    const uint8_t *end = memchr(text.data + 1, '"', text.bytes - 1);
    if (end == NULL) {
        return false;
    }
    struct slice at = {text.data + 1, (size_t)(end - text.data) - 1};
    text.bytes -= (size_t)(end + 1 - text.data);
    text.data = end + 1;
    if (!eat(&text, ",") || !eat(&text, "\"report\":") || text.bytes < 3 ||
        text.data[text.bytes - 1] != '}' || !instant_parse(&ret->at_ms, at, &why)) {
        return false;
    }
    ret->kind = REPLAY_REPORT;
    ret->report = (struct slice){text.data, text.bytes - 1};
    ret->overall_due_ms = INT64_MIN;
    return true;
}

/* Any line. */

struct reading {
    struct replay_line *line;
    struct arena *arena;
    struct json_reader *reader;
    bool has_at, has_ticket, advance;
    const char *why;
};

static bool refuse(struct reading *reading, const char *why) {
    reading->why = reading->why == NULL ? why : reading->why;
    return false;
}

static bool read_text(struct reading *reading, const char *why, struct slice *ret) {
    struct json_token value = json_next(reading->reader);
    if (value.kind != JSON_STRING) {
        return refuse(reading,
                      value.kind == JSON_ERROR ? json_problem_text(reading->reader->problem) : why);
    }
    *ret = value.text;
    if (value.escaped) {
        uint8_t *to = arena_alloc(reading->arena, value.text.bytes, 1);
        if (to == NULL) {
            return refuse(reading, "the line's strings are too long");
        }
        *ret = (struct slice){to, json_unescape(to, value.text)};
    }
    return true;
}

static bool read_instant(struct reading *reading, const char *why, int64_t *ret) {
    struct slice text = {NULL, 0};
    const char *what;
    return read_text(reading, why, &text) &&
           (instant_parse(ret, text, &what) || refuse(reading, what));
}

static bool read_span(struct reading *reading, struct slice *ret) {
    return json_skip_value(reading->reader, ret) ||
           refuse(reading, json_problem_text(reading->reader->problem));
}

typedef bool take_fn(struct reading *reading, struct slice name);

static bool read_object(struct reading *reading, take_fn *take, const char *why) {
    struct json_token token = json_next(reading->reader);
    if (token.kind != JSON_OBJECT_BEGIN && token.kind != JSON_ERROR) {
        return refuse(reading, why);
    }
    while (token.kind != JSON_ERROR) {
        token = json_next(reading->reader);
        if (token.kind == JSON_OBJECT_END) {
            return true;
        }
        if (token.kind == JSON_KEY && !take(reading, token.text)) {
            return false;
        }
    }
    return refuse(reading, json_problem_text(reading->reader->problem));
}

static bool take_of_report(struct reading *reading, struct slice name) {
    if (slice_is(name, "source")) {
        return read_text(reading, "ticket.report.source must be a string", &reading->line->source);
    }
    if (slice_is(name, "id")) {
        return read_text(reading, "ticket.report.id must be a string", &reading->line->id);
    }
    return refuse(reading, "ticket.report has source and id");
}

static bool take_of_ticket(struct reading *reading, struct slice name) {
    if (slice_is(name, "report")) {
        return read_object(reading, take_of_report, "ticket.report must be an object");
    }
    if (slice_is(name, "overall_due")) {
        return read_instant(reading, "ticket.overall_due must be a time",
                            &reading->line->overall_due_ms);
    }
    return refuse(reading, "ticket has report or overall_due");
}

static bool take_advance(struct reading *reading) {
    reading->advance = json_next(reading->reader).kind == JSON_TRUE;
    return reading->advance || refuse(reading, "advance must be true");
}

static bool take_member(struct reading *reading, struct slice name) {
    struct replay_line *line = reading->line;
    if (slice_is(name, "at")) {
        reading->has_at = true;
        return read_instant(reading, "at must be a time", &line->at_ms);
    }
    if (slice_is(name, "report")) {
        return read_span(reading, &line->report);
    }
    if (slice_is(name, "ticket")) {
        reading->has_ticket = true;
        return read_object(reading, take_of_ticket, "ticket must be an object");
    }
    if (slice_is(name, "command")) {
        return read_text(reading, "command must be a string", &line->command);
    }
    if (slice_is(name, "fields")) {
        return read_span(reading, &line->fields);
    }
    if (slice_is(name, "advance")) {
        return take_advance(reading);
    }
    return refuse(reading, "a line has at, and report or ticket, command, fields or advance");
}

/* Do the members that are there make one kind of line? */
static bool classify(struct reading *reading) {
    struct replay_line *line = reading->line;
    bool is_report = line->report.bytes > 0, is_command = line->command.bytes > 0;
    if (!reading->has_at) {
        return refuse(reading, "at is missing");
    }
    if ((is_report ? 1 : 0) + (is_command ? 1 : 0) + (reading->advance ? 1 : 0) != 1) {
        return refuse(reading, "a line is a report, a command or an advance");
    }
    if (is_command) {
        line->kind = REPLAY_COMMAND;
        return (line->id.bytes > 0 && line->overall_due_ms == INT64_MIN) ||
               refuse(reading, "a command is for a ticket: {\"report\":{\"source\",\"id\"}}");
    }
    if (line->fields.bytes > 0 || line->id.bytes > 0 || line->source.bytes > 0 ||
        (reading->has_ticket && (reading->advance || line->overall_due_ms == INT64_MIN))) {
        return refuse(reading, "a command is missing");
    }
    line->kind = is_report ? REPLAY_REPORT : REPLAY_ADVANCE;
    return true;
}

bool replay_line_read(struct replay_line *ret, struct slice text, const struct limits *limits,
                      struct arena *arena, struct json_reader *reader, const char **ret_why) {
    struct reading reading = {.line = ret, .arena = arena, .reader = reader};
    struct json_bounds bounds;
    *ret = (struct replay_line){.overall_due_ms = INT64_MIN};
    json_bounds_from(&bounds, limits);
    json_init(reader, &bounds, text);
    bool sound = read_object(&reading, take_member, "the line is not a JSON object");
    if (sound && json_next(reader).kind != JSON_DONE) {
        sound = refuse(&reading, json_problem_text(reader->problem));
    }
    if (!sound || !classify(&reading)) {
        *ret_why = reading.why;
        return false;
    }
    return true;
}
