/* The input of a replay: NDJSON in a file, mapped, read line by line (api.md, "Events input for
 * replay"). A line is one of
 *
 *   {"at":TIME,"report":{...}}
 *   {"at":TIME,"report":{...},"ticket":{"overall_due":TIME}}
 *   {"at":TIME,"ticket":{"report":{"source","id"}},"command":"...","fields":{...}}
 *   {"at":TIME,"advance":true}
 *
 * Members stand in any order, others are refused; lines of white space are passed over. */
#ifndef SERVER_REPLAY_INPUT_H
#define SERVER_REPLAY_INPUT_H

#include "core/base/arena.h"
#include "core/text/json.h"

struct replay_input {
    const uint8_t *bytes; /* of the whole file */
    size_t bytes_count, at;
    uint32_t line; /* of the line read last; 1 is the first */
};

/* NOT_FOUND, IO, TOO_LARGE (more than REPLAY_LINES_MAX lines). The message names the file. */
MUST_USE enum status replay_input_open(struct replay_input *ret, const char *path,
                                       struct error *error);
void replay_input_close(struct replay_input *input);
void replay_input_rewind(struct replay_input *input);
/* How many lines there are, an unfinished last one counted. O(file). */
uint64_t replay_input_lines(const struct replay_input *input);
/* The next line that is not blank, without its end; false at the end of the file. */
MUST_USE bool replay_input_next(struct replay_input *input, struct slice *ret);

enum replay_kind { REPLAY_REPORT, REPLAY_COMMAND, REPLAY_ADVANCE };

struct replay_line {
    enum replay_kind kind;
    int64_t at_ms;
    struct slice report;          /* the object as written */
    int64_t overall_due_ms;       /* beside a report; INT64_MIN: not given */
    struct slice source, id;      /* of the report whose ticket is meant */
    struct slice command, fields; /* fields empty: none */
};

/* The shape that nearly every line has, {"at":"...","report":...}, without looking into the report:
 * what stands for it is the line's report exactly if it reads as one JSON object, with nothing
 * behind it. False: the line is to be read whole. O(1). */
MUST_USE bool replay_line_guess(struct replay_line *ret, struct slice text);
/* Any line. False: `*ret_why` is a static sentence. Decoded strings go to `arena`. O(line). */
MUST_USE bool replay_line_read(struct replay_line *ret, struct slice text,
                               const struct limits *limits, struct arena *arena,
                               struct json_reader *reader, const char **ret_why);

#endif
