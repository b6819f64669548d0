/* Cuts the power of a recorded server at random moments, opens what is left with gridd's own
 * storage and holds it against what clients were told. `--help` lists the arguments. */
#include "core/base/check.h"
#include "storage/db.h"
#include "storage/manifest.h"
#include "storage/verify.h"
#include "tests/power/disk.h"
#include "tests/power/op_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: power_cuts --log FILE --work DIR [--cuts N] [--seed N] [--again N] [--control]\n"
    "\n"
    "  --log FILE   what the server did (op_log.h), with the clients' acknowledgements\n"
    "  --work DIR   made when it is not there; a failing cut's directory is left in it\n"
    "  --cuts N     power cuts, 500 by default\n"
    "  --seed N     of the first cut, 1 by default; each further cut has the next one\n"
    "  --again N    after every N-th cut the recovery is cut too, once; 10 by default, 0: never\n"
    "  --control    the log's syncs of write-ahead logs are taken as never made: this must lose\n"
    "               acknowledged data, or the cuts prove nothing\n"
    "\n"
    "exit 0: nothing acknowledged was lost and nothing half applied (with --control: something "
    "was\n"
    "lost), 1: otherwise, 2: wrong arguments\n";

struct campaign {
    const char *log;
    char image[4096], recovery_log[4096];
    uint64_t cuts, seed, again;
    bool control;
    struct limits limits;
    /* What happened. */
    struct disk_counts counts;
    uint64_t tried, repaired, recoveries, lost, refused, damaged, before_first, entries;
};

/* One directory after a cut, against what was acknowledged before it. */
struct check {
    const struct ops *ops; /* NULL: nothing more is known than `acked_seq` */
    size_t at;
    uint64_t acked_seq, last_seq;
    uint64_t foreign_seq; /* the first that holds another report than was acknowledged; 0: none */
};

enum outcome { OUTCOME_OK, OUTCOME_LOST, OUTCOME_REFUSED, OUTCOME_DAMAGED };

static bool names_id(struct slice record, struct slice id) {
    char member[160]; /* the id is no other string of a report here */
    int bytes = snprintf(member, sizeof member, "\"%.*s\"", (int)id.bytes, (const char *)id.data);
    return memmem(record.data, record.bytes, member, (size_t)bytes) != NULL;
}

static bool on_entry(void *context, const struct timeline_row *row) {
    struct check *check = context;
    check->last_seq = row->seq;
    struct slice id =
        check->ops == NULL ? (struct slice){NULL, 0} : ops_acked(check->ops, row->seq, check->at);
    if (id.data != NULL && !names_id(row->record, id) && check->foreign_seq == 0) {
        check->foreign_seq = row->seq;
    }
    return true;
}

static enum status open_image(struct db **ret, const struct campaign *campaign,
                              struct error *error) {
    const struct db_options options = {
        .kind = DB_ROCKS,
        .store = {.path = campaign->image,
                  .create = true,
                  .cache_bytes = MIB,
                  .memtable_bytes = 64 * KIB,
                  .background_jobs = 1},
        .limits = &campaign->limits,
        .now_ms = INT64_C(1800000000000),
    };
    return db_open(ret, &options, error);
}

/* As an operator would: the server refuses, `gridd repair` mends a torn tail, it starts. */
static enum status open_or_repair(struct db **ret, struct campaign *campaign, struct error *error) {
    enum status status = open_image(ret, campaign, error);
    struct manifest_repair repair;
    if (status != STATUS_CORRUPT ||
        manifest_repair_tail(&repair, campaign->image, NULL) != STATUS_OK || !repair.was_torn) {
        return status;
    }
    campaign->repaired++;
    return open_image(ret, campaign, error);
}

static enum outcome check_image(struct campaign *campaign, struct check *check,
                                struct error *error) {
    struct db *db;
    enum status status = open_or_repair(&db, campaign, error);
    if (status != STATUS_OK) {
        return status == STATUS_LOST ? OUTCOME_LOST : OUTCOME_REFUSED;
    }
    uint64_t oldest;
    status = db_read_journal(db, 1, on_entry, check, &oldest, error);
    db_close(db);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return OUTCOME_DAMAGED;
    }
    if (check->last_seq < check->acked_seq || check->foreign_seq != 0) {
        return OUTCOME_LOST;
    }
    struct verify_result result = {0};
    campaign->entries += check->last_seq;
    return verify_directory(campaign->image, &result, NULL, NULL, error) == STATUS_OK
               ? OUTCOME_OK
               : OUTCOME_DAMAGED;
}

static uint64_t place(uint64_t seed, uint64_t below) {
    uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return (z ^ (z >> 32)) % below;
}

static bool judge(struct campaign *campaign, enum outcome outcome, const struct check *check,
                  uint64_t seed, const char *what, const struct error *error) {
    campaign->lost += outcome == OUTCOME_LOST;
    campaign->refused += outcome == OUTCOME_REFUSED;
    campaign->damaged += outcome == OUTCOME_DAMAGED;
    if (outcome == OUTCOME_OK || campaign->control) {
        return true;
    }
    static const char *const words[] = {"ok", "acknowledged data is lost", "it does not open",
                                        "it is damaged"};
    fprintf(stderr,
            "seed %" PRIu64 ", %s at operation %zu: %s: the journal ends at %" PRIu64
            ", acknowledged was %" PRIu64 "; another report under %" PRIu64 "; %s; left in %s\n",
            seed, what, check->at, words[outcome], check->last_seq, check->acked_seq,
            check->foreign_seq, error->message, campaign->image);
    return false;
}

/* Opens what the first cut left while every operation is recorded, cuts that, and opens again. What
 * the first check found must still be there. */
static bool cut_recovery(struct campaign *campaign, const struct ops *ops,
                         const struct disk_cut *cut, uint64_t acked_seq) {
    if (!disk_restore(ops, cut, campaign->image, &campaign->counts)) {
        return false;
    }
    (void)unlink(campaign->recovery_log);
    if (!op_log_begin(campaign->image, campaign->recovery_log)) {
        fprintf(stderr, "%s cannot be recorded\n", campaign->image);
        return false;
    }
    struct db *db;
    struct error error = {""};
    enum status status = open_or_repair(&db, campaign, &error);
    if (status == STATUS_OK) {
        db_close(db);
    }
    op_log_end();
    struct ops *recovery = status == STATUS_OK ? ops_load(campaign->recovery_log) : NULL;
    if (recovery == NULL) {
        fprintf(stderr, "seed %" PRIu64 ": the recovery to be cut failed: %s\n", cut->seed,
                error.message);
        return false;
    }
    size_t there = 0; /* these are no operations of the recovery */
    while (there < recovery->count && recovery->list[there].kind == OP_THERE) {
        there++;
    }
    struct disk_cut second = {.at = there + place(cut->seed + 7, recovery->count - there + 1),
                              .seed = cut->seed};
    struct check check = {.ops = ops, .at = cut->at, .acked_seq = acked_seq};
    bool done = disk_restore(recovery, &second, campaign->image, &campaign->counts);
    if (done) {
        enum outcome outcome = check_image(campaign, &check, &error);
        done = judge(campaign, outcome, &check, cut->seed, "a cut of the recovery, after a cut",
                     &error);
        campaign->recoveries++;
    }
    ops_free(recovery);
    return done;
}

static bool cut_once(struct campaign *campaign, const struct ops *ops, uint64_t seed) {
    const struct disk_cut cut = {place(seed, ops->count + 1), seed, campaign->control};
    struct check check = {.ops = ops, .at = cut.at, .acked_seq = ops_acked_seq(ops, cut.at)};
    if (!disk_restore(ops, &cut, campaign->image, &campaign->counts)) {
        return false;
    }
    struct error error = {""};
    enum outcome outcome = check_image(campaign, &check, &error);
    campaign->tried++;
    campaign->before_first += cut.at <= ops->first_ack;
    if (!judge(campaign, outcome, &check, seed, "a cut", &error)) {
        return false;
    }
    if (campaign->control || campaign->again == 0 || seed % campaign->again != 0) {
        return true;
    }
    return cut_recovery(campaign, ops, &cut, check.last_seq);
}

static bool run(struct campaign *campaign, const struct ops *ops) {
    bool done = true;
    for (uint64_t i = 0; done && i < campaign->cuts; i++) {
        done = cut_once(campaign, ops, campaign->seed + i);
    }
    printf("%zu operations, %" PRIu64 " reports acknowledged; %" PRIu64 " cuts (%" PRIu64
           " before the first acknowledgement), %" PRIu64 " cuts of a recovery\n",
           ops->count, ops_acked_seq(ops, ops->count), campaign->tried, campaign->before_first,
           campaign->recoveries);
    printf("%" PRIu64 " files, %" PRIu64 " writes lost, %" PRIu64 " torn, %" PRIu64
           " names lost; %" PRIu64 " torn MANIFEST tails repaired\n",
           campaign->counts.files, campaign->counts.lost_writes, campaign->counts.torn_writes,
           campaign->counts.lost_names, campaign->repaired);
    printf("acknowledged data lost: %" PRIu64 ", did not open: %" PRIu64
           ", half applied or damaged: %" PRIu64 "\n",
           campaign->lost, campaign->refused, campaign->damaged);
    if (campaign->control) {
        puts(campaign->lost > 0
                 ? "control: a build that does not sync loses data, and it shows"
                 : "control: FAILED: nothing was lost without syncs, so the cuts prove nothing");
        return done && campaign->lost > 0;
    }
    return done && campaign->counts.torn_writes > 0 && campaign->counts.lost_writes > 0;
}

static bool take(struct campaign *campaign, const char **ret_work, char **argv, int argc) {
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--control") == 0) {
            campaign->control = true;
            continue;
        }
        if (value == NULL) {
            return false;
        }
        i++;
        if (strcmp(argv[i - 1], "--log") == 0) {
            campaign->log = value;
        } else if (strcmp(argv[i - 1], "--work") == 0) {
            *ret_work = value;
        } else if (strcmp(argv[i - 1], "--cuts") == 0) {
            campaign->cuts = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i - 1], "--seed") == 0) {
            campaign->seed = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i - 1], "--again") == 0) {
            campaign->again = strtoull(value, NULL, 10);
        } else {
            return false;
        }
    }
    return campaign->log != NULL && *ret_work != NULL;
}

int main(int argc, char **argv) {
    struct campaign campaign = {.cuts = 500, .seed = 1, .again = 10};
    const char *work = NULL;
    char whole[4096];
    if (!take(&campaign, &work, argv, argc)) {
        fputs(usage, stderr);
        return 2;
    }
    limits_init(&campaign.limits);
    campaign.limits.run_entries = 500;
    campaign.limits.block_entries = 128;
    campaign.limits.identities = 8192;
    if ((mkdir(work, 0700) != 0 && errno != EEXIST) || realpath(work, whole) == NULL) {
        perror(work);
        return 1;
    }
    snprintf(campaign.image, sizeof campaign.image, "%.4000s/image", whole);
    snprintf(campaign.recovery_log, sizeof campaign.recovery_log, "%.4000s/recovery.log", whole);
    struct ops *ops = ops_load(campaign.log);
    if (ops == NULL || ops->count == 0) {
        fputs("power_cuts: the log is empty\n", stderr);
        return 1;
    }
    bool done = run(&campaign, ops);
    ops_free(ops);
    return done ? 0 : 1;
}
