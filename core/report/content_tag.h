/* A 64-bit hash of a JSON value that is fed token by token, in one pass.
 *
 * Members of an object are summed, so their order does not matter; elements of an array are
 * chained, so theirs does. Names and strings count decoded, numbers as written. Not keyed: who
 * wants two of his own reports to look alike may achieve it, and loses one of them. O(1) a token
 * beside the hash of its text. */
#ifndef CORE_REPORT_CONTENT_TAG_H
#define CORE_REPORT_CONTENT_TAG_H

#include "core/text/json.h"

struct content_level {
    uint64_t sum;
    uint64_t key; /* hash of the name whose value is awaited */
    bool object;
};

struct content_tag {
    uint32_t depth;
    bool ignored; /* the caller sets it at a name of the outermost object: its value is left out */
    struct content_level levels[JSON_DEPTH_CAP + 1];
};

void content_tag_init(struct content_tag *tag);
/* Each token in order; JSON_DONE and JSON_ERROR change nothing. */
void content_tag_feed(struct content_tag *tag, const struct json_token *token);
/* The tag once the value is complete. */
uint64_t content_tag_value(const struct content_tag *tag);

#endif
