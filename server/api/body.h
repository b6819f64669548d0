/* Reads the JSON object of a request strictly: the caller takes member after member and says what
 * each must be; the first thing that is wrong is kept with its JSON pointer. An empty body is {}.
 * A member whose value is null counts as absent, once its name was found good.
 *
 * Strings that hold escapes are decoded into `scratch`, which is as large as the text, so slices
 * stay good until body_deinit. O(text). */
#ifndef SERVER_API_BODY_H
#define SERVER_API_BODY_H

#include "core/text/json.h"
#include "server/api/change.h"

enum { BODY_POINTER_BYTES = 256, BODY_DEPTH_MAX = 4 };

struct body {
    struct json_reader reader;
    struct json_token value; /* of the member or element that the reader stands at */
    struct buffer scratch;
    bool is_json; /* false: `detail` says why it is none */
    char pointer[BODY_POINTER_BYTES];
    const char *detail; /* static; NULL: nothing is wrong */
    size_t marks[BODY_DEPTH_MAX];
    uint32_t depth, indexes[BODY_DEPTH_MAX];
};

/* `text` is borrowed. */
void body_init(struct body *body, struct slice text, const struct limits *limits);
void body_deinit(struct body *body);

/* The object that begins at `value` (of body_init: the text). False: it is none. */
MUST_USE bool body_object(struct body *body);
/* The next member, its value in `value`; false at the object's end or when something is wrong. */
MUST_USE bool body_member(struct body *body, struct slice *ret_name);
MUST_USE bool body_array(struct body *body);
MUST_USE bool body_element(struct body *body);
/* The text is read to its end and nothing was wrong. */
MUST_USE bool body_end(struct body *body);
bool body_is_null(const struct body *body);
/* Reads a text that is one object whole: `read` takes each member that is not null, its value in
 * `value`. */
MUST_USE bool body_whole_object(struct body *body, bool (*read)(void *context, struct slice name),
                                void *context);

/* Notes that the value is wrong and returns false. */
bool body_refuse(struct body *body, const char *detail);
/* The same of another place: a member that is missing. */
bool body_blame(struct body *body, const char *pointer, const char *detail);
/* The value as what it must be; false: it was refused. */
MUST_USE bool body_text(struct body *body, struct slice *ret);
MUST_USE bool body_flag(struct body *body, bool *ret);
MUST_USE bool body_number(struct body *body, uint64_t max, uint64_t *ret); /* 1..max */
MUST_USE bool body_instant(struct body *body, int64_t *ret_ms);
/* A name of the API: `letter` and a number. */
MUST_USE bool body_name(struct body *body, char letter, uint64_t *ret);
/* Passes over a value of whatever kind. */
MUST_USE bool body_pass(struct body *body);

/* "t12" of a path: false when it is none. */
MUST_USE bool name_parse(uint64_t *ret, char letter, struct slice text);
/* 400 or 422, as the body was. */
void body_answer_problem(const struct body *body, struct change *change);

#endif
