/* A database under test beside a model of it: plain memory, brute force. */
#ifndef TESTS_UNIT_SUPPORT_DB_H
#define TESTS_UNIT_SUPPORT_DB_H

#include "tests/unit/support.h"

#include "storage/db.h"

struct model_row {
    uint64_t seq;
    struct entry entry;
    char json[40];
};

struct db_fixture {
    enum db_kind kind;
    struct limits limits;
    char path[4096]; /* of the temporary directory; the data is in path/data */
    struct db *db;
    struct block *block;
    struct model_row *rows;
    size_t rows_count, rows_max;
    uint64_t random;
    int64_t now_ms;
    uint32_t days, regions; /* spread of random entries */
    bool mixed_kinds;       /* random entries are not reports only; they do not verify */
    bool accept_loss;
    uint64_t accept_loss_after;
};

enum { FIXTURE_FIRST_DAY = 20000 };

/* Small runs (200 entries), small blocks; opens it. */
void fixture_init(struct db_fixture *fixture, enum db_kind kind);
void fixture_deinit(struct db_fixture *fixture);
MUST_USE enum status fixture_try_open(struct db_fixture *fixture, struct error *error);
void fixture_open(struct db_fixture *fixture);
void fixture_close(struct db_fixture *fixture);
/* Opens a copy of the data directory as it is now on disk, as after a crash, instead of it. */
void fixture_crash(struct db_fixture *fixture);

uint64_t fixture_random(struct db_fixture *fixture, uint64_t below);
/* Commits and publishes one block of `count` random entries; waits for room. */
void fixture_append(struct db_fixture *fixture, uint32_t count);
void fixture_append_many(struct db_fixture *fixture, size_t entries_count);
/* Waits until the sealer has nothing to do. */
void fixture_settle(struct db_fixture *fixture);

/* Compares one walk with the model: pages of `page` rows, each resumed after the last. */
void fixture_check_query(struct db_fixture *fixture, struct timeline_query query, size_t page);
/* A random query over random regions, checked. */
void fixture_check_random_query(struct db_fixture *fixture);
/* Every row by the journal, from a few places. */
void fixture_check_journal(struct db_fixture *fixture);

#endif
