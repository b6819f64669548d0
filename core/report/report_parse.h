/* The state of one report_parse, shared by core/report*.c only.
 *
 * Fields are read as they come; what is wrong first is kept as the problem, and reading goes on,
 * so that the report's id is found wherever it stands. */
#ifndef CORE_REPORT_REPORT_PARSE_H
#define CORE_REPORT_REPORT_PARSE_H

#include "core/report/content_tag.h"
#include "core/report/report.h"

#define TITLE_SYNTAX "malformed JSON"
#define TITLE_MISSING "missing field"
#define TITLE_TYPE "wrong type"
#define TITLE_VALUE "value not allowed"
#define TITLE_UNKNOWN "unknown name"

enum { POINTER_BYTES = 128 };

struct report_parse {
    const struct report_context *context;
    struct json_reader *reader;
    struct arena *arena;
    struct report_problem *problem;
    bool refused;    /* `problem` is filled */
    bool arena_full; /* the caller's arena was too small */
    struct content_tag tag;

    /* What was read; an empty slice, false, NULL or 0 where it is absent. */
    struct slice id, source, reporter, device, text;
    struct slice grid; /* until report_settle_grid has found its region */
    const struct category *category;
    const struct channel *channel;
    struct observation observation; /* what members say of it directly */
    uint64_t pose;                  /* of attributes.pose */
    bool satellite;                 /* its kind is from attributes.satellite */
    bool has_occurred, has_position, has_grid;
    int64_t occurred_ms;
    struct position position; /* WGS 84 */
    uint32_t region;
    uint8_t severity;
    uint64_t media_hash; /* of all attachments, in whatever order */
};

/* Reads one member's value; `value` is its first token and not null. It may leave the rest of an
 * object or an array unread. */
typedef void report_reader(struct report_parse *parse, const struct json_token *value);

/* The next token, which has gone into the content tag; its kind again. */
enum json_kind report_pull(struct report_parse *parse, struct json_token *ret);
/* Pulls until the nesting is `depth` again or the text is broken. */
void report_pull_to_depth(struct report_parse *parse, uint32_t depth);

/* Finds the region of the grid that was read, if one was, or refuses it. The table's slot was asked
 * for when the grid was read; the members behind it are read meanwhile. */
void report_settle_grid(struct report_parse *parse);

/* REGION_NONE in the place of a region that the sender may not name: as if it were not there. */
uint32_t report_in_scope(const struct report_context *context, uint32_t region);

/* Fills the problem unless one stands; a grid still to be settled was there before. The detail is
 * before + value + after, where the value is what the sender wrote and is cut. */
void report_refuse(struct report_parse *parse, const char *title, const char *pointer,
                   const char *before, struct slice value, const char *after);
/* `expected` completes the sentence "expected ...". */
void report_refuse_type(struct report_parse *parse, const char *pointer, const char *expected);
/* The text itself is not JSON: replaces whatever problem stood. */
void report_refuse_syntax(struct report_parse *parse);

/* Values of known form. False when refused, which the parse remembers. `ret` of a string is
 * decoded. */
bool report_string(struct report_parse *parse, const char *pointer, const struct json_token *value,
                   size_t bytes_max, struct slice *ret);
struct number_range {
    double min, max;
    const char *expected;
};
bool report_number(struct report_parse *parse, const char *pointer, const struct json_token *value,
                   const struct number_range *range, double *ret);
/* A name of at most NAME_BYTES_MAX bytes decoded into `buffer` where needed; longer: empty. */
enum { NAME_BYTES_MAX = 12, NAME_BUFFER_BYTES = 6 * NAME_BYTES_MAX };
struct slice report_name(uint8_t buffer[NAME_BUFFER_BYTES], const struct json_token *key);

report_reader report_read_location;
report_reader report_read_bearing;
report_reader report_read_media;
report_reader report_read_attributes;

/* Reads on to the next member of the object at `depth` that is not null; false at the object's end
 * or when the text is broken. The name is empty when it is too long to be known. */
bool report_next_member(struct report_parse *parse, uint32_t depth,
                        uint8_t buffer[NAME_BUFFER_BYTES], struct slice *ret_name,
                        struct json_token *ret_value);

/* report_observation.c. One member of the attributes; it may leave an object or array unread. */
void report_observe_attribute(struct report_parse *parse, struct slice name,
                              const struct json_token *value);
/* Members of location and bearing, already checked; 0 where not said. */
void report_observe_accuracy(struct report_parse *parse, double accuracy_m);
void report_observe_bearing(struct report_parse *parse, double azimuth_deg, double cone_deg,
                            double range_km);
/* The whole, once everything was read. */
void report_observation(struct observation *ret, const struct report_parse *parse,
                        struct slice source);

/* Reads the value of one member of the outermost object. */
void report_read_field(struct report_parse *parse, const struct json_token *key);

/* The identity when the sender gave an id, and when not. */
struct identity report_given_identity(const struct report_context *context, struct slice source,
                                      struct slice id);
struct identity report_derived_identity(const struct report_parse *parse, struct slice source);

#endif
