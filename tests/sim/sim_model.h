/* The reference: what the outside knows, in lists. Reports as their devices made them, the entries
 * of the journal in order as they became durable, regions by parent. Everything is looked for from
 * the beginning; nothing here is shared with the code under test but the decoding of records.
 *
 * The invariants' numbers are those of the project's fault model (tests/README.md lists them). */
#ifndef TESTS_SIM_SIM_MODEL_H
#define TESTS_SIM_SIM_MODEL_H

#include "core/engine.h"
#include "storage/db.h"
#include "tests/sim/sim_server.h"

enum { MODEL_REGIONS = 16, MODEL_NO_REPORT = -1 };

/* The region tree of every seed: code and parent, r1 beside r10 and r11. */
struct model_region {
    const char *code;
    int parent; /* -1: a root */
    uint8_t level;
};
extern const struct model_region model_regions[MODEL_REGIONS];
bool model_is_within(uint32_t region, uint32_t root);

/* A report as its device made it. */
struct model_report {
    uint32_t device, id;
    uint32_t category, region;
    int64_t occurred_ms;
    bool far_ahead; /* its device's clock is ahead by more than clock_skew_ms */
    bool sent;
    /* What was acknowledged. */
    uint64_t acked_seq; /* 0: not yet */
    uint32_t acked_variant;
    uint64_t acked_start; /* which start of the server that was */
    uint64_t log_seq;     /* where the journal has it; 0: not durable */
    uint32_t log_variant;
};

struct model_entry {
    uint8_t kind, severity;
    uint32_t region;
    uint32_t category_tag;
    uint64_t object;
    int64_t occurred_ms, received_ms;
    uint64_t hash; /* of entry and record */
    int report;    /* index, or MODEL_NO_REPORT */
};

/* A ticket as far as the model follows it. */
struct model_ticket {
    uint64_t number;
    int64_t opened_ms;
    bool touched; /* something but a deadline changed it */
    uint32_t category_tag;
    bool was_reported; /* it waits to be accepted */
    uint32_t accept_overdue;
};

struct model {
    struct model_report *reports; /* of device 0, then of device 1, ... */
    size_t reports_count, ids;    /* ids: of each device */
    struct model_entry *log;      /* log[0] is entry 1 */
    size_t log_count, log_max;
    struct model_ticket *tickets;
    size_t tickets_count, tickets_max;
    struct sim_disk *disk;
};

void model_init(struct model *model, struct sim_disk *disk, size_t devices, size_t ids);
void model_deinit(struct model *model);

/* A line of NDJSON for a report with this variant of its content; NUL-terminated. */
size_t model_line(char *to, size_t bytes, const struct model_report *report, uint32_t variant);

/* Entries that became durable and are about to be told. */
void model_published(struct model *model, const struct block *block);
/* A process has recovered: its whole journal must be what was durable, and one commit more at most.
 */
void model_recovered(struct model *model, struct db *db);
/* Journal, timeline and single reads against the list. */
void model_compare(struct model *model, struct db *db);
/* A device was told this. */
void model_acked(struct model *model, size_t report, uint32_t variant, enum verdict verdict,
                 uint64_t seq, uint64_t start);
/* What was told about a ticket: I8, I9. `now_ms` by the service clock; everything due `slack_ms`
 * ago must have fired. */
void model_check_tickets(const struct model *model, int64_t now_ms, int64_t slack_ms);
struct model_ticket *model_ticket(struct model *model, uint64_t number);

#endif
