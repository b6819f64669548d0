#include "storage/sealed_run.h"

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/text/instant.h"
#include "storage/timeline_row.h"

#include <stdlib.h>
#include <string.h>

/* The run's groups are sorted first, then the entries of one group at a time: grids have few
 * entries each, so nearly all of the order comes from sorting far fewer things than entries.
 *
 * In this order neighbours lie far apart in the run, and every entry and record would be waited
 * for. So a window of groups is gone through in steps, each of which asks for what the next one
 * reads. */
enum { WINDOW_GROUPS = 64, WINDOW_ROWS = 256, CACHE_LINE_BYTES = 64 };

struct row_key {
    uint64_t identity_low;
    uint32_t day_ms;
    uint32_t index;
};

struct writer {
    struct store_run *to;
    const struct recent_run *run;
    struct recent_group *groups;
    struct row_key *keys; /* of the window */
    size_t keys_max;
    uint8_t *value;
    size_t value_max;
};

static int compare_groups(const void *a, const void *b) {
    const struct recent_group *x = a, *y = b;
    if (x->day != y->day) {
        return x->day < y->day ? -1 : 1;
    }
    return (x->region > y->region) - (x->region < y->region);
}

/* Ties go to the first arrival. */
static int compare_keys(const void *a, const void *b) {
    const struct row_key *x = a, *y = b;
    if (x->day_ms != y->day_ms) {
        return x->day_ms < y->day_ms ? -1 : 1;
    }
    if (x->identity_low != y->identity_low) {
        return x->identity_low < y->identity_low ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

/* The memory, grown when needed; NULL (and the old one stays) when there is none. */
static void *reserve(void *memory, size_t *max, size_t wanted, size_t item_bytes) {
    if (wanted <= *max) {
        return memory;
    }
    size_t grown = wanted + wanted / 2;
    void *moved = realloc(memory, grown * item_bytes);
    if (moved != NULL) {
        *max = grown;
    }
    return moved;
}

static enum status write_row(struct writer *writer, uint32_t index, struct error *error) {
    struct timeline_row row;
    recent_run_row(writer->run, index, &row);
    size_t bytes = TIMELINE_ROW_HEADER_BYTES + row.record.bytes;
    void *value = reserve(writer->value, &writer->value_max, bytes, 1);
    if (value == NULL) {
        return STATUS_NO_MEMORY;
    }
    writer->value = value;
    uint8_t key[TIMELINE_KEY_BYTES];
    timeline_key_encode(key, &(struct timeline_position){row.entry.occurred_ms, row.entry.region,
                                                         row.entry.identity.low});
    timeline_row_encode_header(writer->value, row.seq, &row.entry);
    memcpy(writer->value + TIMELINE_ROW_HEADER_BYTES, row.record.data, row.record.bytes);
    return store_run_put(writer->to, (struct slice){key, sizeof key},
                         (struct slice){writer->value, bytes}, error);
}

/* Writes each group's entries behind those of the group before. The chains are followed in turns:
 * each step is a cache miss, and of one chain they could only be waited for one after the other. */
static void gather(struct writer *writer, const struct recent_group *groups, size_t groups_count) {
    struct recent_chain chains[WINDOW_GROUPS];
    struct row_key *at[WINDOW_GROUPS];
    struct row_key *key = writer->keys;
    for (size_t i = 0; i < groups_count; i++) {
        recent_group_begin(&chains[i], writer->run, &groups[i]);
        at[i] = key;
        key += groups[i].entries_count;
    }
    for (size_t live = groups_count; live > 0;) {
        for (size_t i = 0; i < live;) {
            uint32_t index;
            if (recent_chain_next(&chains[i], &index)) {
                __builtin_prefetch(recent_run_entry(writer->run, index));
                (at[i++]++)->index = index;
            } else {
                chains[i] = chains[--live];
                at[i] = at[live];
            }
        }
    }
}

static void fill_keys(struct writer *writer, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct row_key *key = &writer->keys[i];
        struct timeline_row row;
        recent_run_row(writer->run, key->index, &row);
        key->identity_low = row.entry.identity.low;
        key->day_ms = (uint32_t)(row.entry.occurred_ms % DAY_MS);
        for (size_t at = 0; at < row.record.bytes; at += CACHE_LINE_BYTES) {
            __builtin_prefetch(row.record.data + at);
        }
    }
}

static enum status write_group(struct writer *writer, struct row_key *keys, size_t count,
                               struct error *error) {
    CHECK(count > 0);
    qsort(keys, count, sizeof *keys, compare_keys);
    count -= MUTANT(SEALED_RUN_SKIPS_LAST) && count > 1 ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        /* Equal keys would need a collision of a secret 64-bit hash in one millisecond of one
         * region; the journal has both then. */
        if (i > 0 && keys[i].day_ms == keys[i - 1].day_ms &&
            keys[i].identity_low == keys[i - 1].identity_low) {
            continue;
        }
        enum status status = write_row(writer, keys[i].index, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Writes a window of the groups and says how many it had. */
static enum status write_window(struct writer *writer, const struct recent_group *groups,
                                size_t groups_max, size_t *ret_groups, struct error *error) {
    size_t groups_count = 0, count = 0;
    while (groups_count < groups_max && groups_count < WINDOW_GROUPS && count < WINDOW_ROWS) {
        count += groups[groups_count++].entries_count;
    }
    void *keys = reserve(writer->keys, &writer->keys_max, count, sizeof *writer->keys);
    if (keys == NULL) {
        return STATUS_NO_MEMORY;
    }
    writer->keys = keys;
    gather(writer, groups, groups_count);
    fill_keys(writer, count);
    struct row_key *from = writer->keys;
    for (size_t i = 0; i < groups_count; from += groups[i++].entries_count) {
        enum status status = write_group(writer, from, groups[i].entries_count, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *ret_groups = groups_count;
    return STATUS_OK;
}

static enum status write_groups(struct writer *writer, struct error *error) {
    writer->groups = malloc(recent_run_groups_max(writer->run) * sizeof *writer->groups);
    if (writer->groups == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t count = recent_run_groups(writer->run, writer->groups);
    qsort(writer->groups, count, sizeof *writer->groups, compare_groups);
    for (size_t i = 0, written; i < count; i += written) {
        enum status status = write_window(writer, writer->groups + i, count - i, &written, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status sealed_run_write(struct store *store, uint64_t number, const struct recent_run *run,
                             struct error *error) {
    CHECK(recent_run_count(run) > 0);
    struct writer writer = {.run = run};
    enum status status = store_run_new(&writer.to, store, number, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = write_groups(&writer, error);
    if (status == STATUS_OK) {
        status = store_run_finish(writer.to, error);
    } else {
        store_run_abort(writer.to);
        if (status == STATUS_NO_MEMORY) {
            error_set(error, status, "no memory to seal a run", NULL, NULL);
        }
    }
    free(writer.groups);
    free(writer.keys);
    free(writer.value);
    return status;
}
