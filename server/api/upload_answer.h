/* What an upload of reports is answered: counting its verdicts and writing the answers of api.md,
 * "Reports". */
#ifndef SERVER_API_UPLOAD_ANSWER_H
#define SERVER_API_UPLOAD_ANSWER_H

#include "server/api/repeats.h"
#include "server/http/http.h"
#include "server/intake.h"
#include "server/json_out.h"

/* Verdicts of one upload so far, and the items of its answer. */
struct upload_tally {
    uint64_t counts[VERDICT_COUNT];
    uint64_t first_seq, last_seq; /* of what was created here; 0: nothing */
    uint64_t wait_seq; /* everything counted is on disk once this is; 0: nothing to wait for */
    bool items_all, truncated;
    uint64_t items_count, items_max;
    size_t items_bytes_max;
    struct buffer items;    /* JSON objects with commas between */
    struct repeats repeats; /* of the items (or the single one) that repeat or contradict a stored
                               report: their incident and ticket go into `items` at `at` */
};

void upload_tally_init(struct upload_tally *tally, const struct limits *limits, bool items_all);
void upload_tally_deinit(struct upload_tally *tally);
void upload_tally_add(struct upload_tally *tally, const struct intake_result *result);
/* Does the verdict speak of a report that was stored before? */
bool verdict_repeats(enum verdict verdict);

/* The one result of a single report, kept until it is durable. */
struct single_result {
    enum verdict verdict;
    uint64_t seq, incident, ticket; /* 0: none */
    int64_t received_ms; /* this and incident and ticket: of the first one, when it repeats or
                            contradicts */
    struct buffer id, source;
    char pointer[128], detail[256];
    const char *title;
};

void single_result_init(struct single_result *single);
void single_result_deinit(struct single_result *single);
void single_result_keep(struct single_result *single, const struct intake_result *result);

/* `tally->repeats` must have been read. */
void upload_answer_bulk(struct http_request *request, const struct upload_tally *tally);
void upload_answer_single(struct http_request *request, const struct single_result *single);
struct upload_refusal {
    unsigned status; /* 0: none */
    const char *title, *detail;
    const char *limit; /* the one that was reached; NULL: none */
    uint64_t retry_s;  /* 0: no Retry-After */
};
/* A whole upload refused; what of it is on disk is counted. */
void upload_answer_refused(struct http_request *request, const struct upload_tally *tally,
                           const struct upload_refusal *refusal);

#endif
