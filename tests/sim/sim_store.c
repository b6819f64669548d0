#include "tests/sim/sim_store.h"

#include "core/base/check.h"
#include "storage/block.h"
#include "storage/store_ops.h"
#include "tests/sim/sim_loop.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_trace.h"

#include <stdlib.h>

enum { NS_PER_MS = 1000000 };

struct handle;

struct sim_batch {
    struct store_batch base;
    struct store_batch *inner;
    uint64_t last_seq, entries; /* of its journal blocks; 0: none */
};

struct sim_disk {
    const struct sim_swarm *swarm;
    struct store *inner;
    struct handle *open;
    struct sim_batch *under_way; /* submitted, not synced */
    bool synced_untold;          /* synced, and the process does not know yet */
    bool sealing;
    bool sealed_untold; /* rows are in the store, the meta data of the next commit says so */
    uint64_t last_seq, group_last;
    uint64_t die_after; /* writes until it is as if the process had ended; 0: it lives */
};

struct handle {
    struct store base;
    struct sim_disk *disk;
    bool dead;
};

struct sim_iter {
    struct store_iter base;
    struct store_iter *inner;
    bool failed;
    uint64_t fails_after; /* movements; 0: never */
};

struct sim_run {
    struct store_run base;
    struct store_run *inner;
};

static struct handle *of(struct store *store) {
    return (struct handle *)store;
}

static void *must(void *memory) {
    CHECK(memory != NULL);
    return memory;
}

static enum status io_error(struct error *error) {
    return error_set(error, STATUS_IO, "the simulated disk says no", NULL, NULL);
}

static bool fails(struct handle *handle, uint32_t permille, enum sim_site site) {
    if (permille == 0 || handle->dead || !sim_chance(STREAM_DISK, permille)) {
        return false;
    }
    sim_happened(site);
    return true;
}

static uint64_t write_ns(const struct sim_disk *disk) {
    const struct sim_swarm *swarm = disk->swarm;
    if (swarm->disk_stalls != 0 && sim_chance(STREAM_DISK, swarm->disk_stalls)) {
        sim_happened(SITE_DISK_STALL);
        return sim_between(STREAM_DISK, 1000, 12000) * NS_PER_MS;
    }
    uint64_t most = swarm->slow_disk ? 200 * NS_PER_MS : 5 * NS_PER_MS;
    return sim_between(STREAM_DISK, NS_PER_MS / 4, most);
}

/* A process that ends while it is opening: from this write on nothing reaches the disk. */
static bool dies_now(struct handle *handle) {
    struct sim_disk *disk = handle->disk;
    if (disk->die_after == 0 || --disk->die_after > 0) {
        return false;
    }
    handle->dead = true;
    sim_happened(SITE_CRASH_IN_RECOVERY);
    return true;
}

static void sim_close(struct store *store) {
    of(store)->disk->open = NULL;
    free(store);
}

static enum status sim_batch_new(struct store_batch **ret, struct store *store) {
    struct sim_batch *batch = must(calloc(1, sizeof *batch));
    batch->base.store = store;
    CHECK(store_batch_new(&batch->inner, of(store)->disk->inner) == STATUS_OK);
    *ret = &batch->base;
    return STATUS_OK;
}

static void sim_batch_free(struct store_batch *base) {
    store_batch_free(((struct sim_batch *)base)->inner);
    free(base);
}

static void sim_batch_reset(struct store_batch *base) {
    struct sim_batch *batch = (struct sim_batch *)base;
    store_batch_reset(batch->inner);
    batch->last_seq = batch->entries = 0;
}

static void note_block(struct sim_batch *batch, struct slice value) {
    struct block_view view;
    CHECK(block_view(&view, value, NULL) == STATUS_OK);
    batch->last_seq = view.first_seq + view.entries_count - 1;
    batch->entries += view.entries_count;
}

static void sim_batch_put(struct store_batch *base, enum family family, struct slice key,
                          const struct slice *parts, size_t parts_count) {
    struct sim_batch *batch = (struct sim_batch *)base;
    if (family == FAMILY_JOURNAL) {
        CHECK(parts_count == 1);
        note_block(batch, parts[0]);
    }
    sim_trace_bytes(key.data, key.bytes);
    for (size_t i = 0; i < parts_count; i++) {
        sim_trace_bytes(parts[i].data, parts[i].bytes);
    }
    store_batch_put_parts(batch->inner, family, key, parts, parts_count);
}

static void sim_batch_delete(struct store_batch *base, enum family family, struct slice key) {
    sim_trace_bytes(key.data, key.bytes);
    store_batch_delete(((struct sim_batch *)base)->inner, family, key);
}

static void apply(struct sim_disk *disk, struct sim_batch *batch) {
    CHECK(store_write(disk->inner, batch->inner, NULL) == STATUS_OK);
    if (batch->entries > 0) {
        disk->last_seq = batch->last_seq;
        disk->group_last = batch->entries;
    }
    disk->sealed_untold = false;
}

static enum status sim_write(struct store *store, struct store_batch *base, struct error *error) {
    struct handle *handle = of(store);
    struct sim_disk *disk = handle->disk;
    struct sim_batch *batch = (struct sim_batch *)base;
    if (handle->dead || dies_now(handle)) {
        return io_error(error);
    }
    disk->under_way = batch;
    sim_sleep(write_ns(disk));
    if (handle->dead) {
        return io_error(error);
    }
    disk->under_way = NULL;
    if (disk->swarm->write_fails != 0 && sim_chance(STREAM_DISK, disk->swarm->write_fails)) {
        bool kept = sim_chance(STREAM_DISK, 500);
        sim_happened(kept ? SITE_WRITE_FAILED_KEPT : SITE_WRITE_FAILED_LOST);
        if (kept) {
            apply(disk, batch);
        }
        return io_error(error);
    }
    apply(disk, batch);
    disk->synced_untold = true;
    sim_sleep(sim_between(STREAM_DISK, 1000, 300000));
    if (!handle->dead) {
        disk->synced_untold = false;
    }
    return STATUS_OK;
}

static enum status sim_get(struct store *store, enum family family, struct slice key,
                           struct store_value *ret, struct error *error) {
    struct handle *handle = of(store);
    if (fails(handle, handle->disk->swarm->read_fails, SITE_READ_FAILED)) {
        return io_error(error);
    }
    return store_get(handle->disk->inner, family, key, ret, error);
}

static enum status sim_multi_get(struct store *store, enum family family, const struct slice *keys,
                                 size_t keys_count, struct store_value *found,
                                 struct error *error) {
    struct handle *handle = of(store);
    if (fails(handle, handle->disk->swarm->read_fails, SITE_READ_FAILED)) {
        return io_error(error);
    }
    return store_multi_get(handle->disk->inner, family, keys, keys_count, found, error);
}

static struct store_snapshot *sim_snapshot_new(struct store *store) {
    return store_snapshot_new(of(store)->disk->inner);
}

static void sim_snapshot_free(struct store *store, struct store_snapshot *snapshot) {
    store_snapshot_free(of(store)->disk->inner, snapshot);
}

static enum status sim_iter_new(struct store_iter **ret, struct store *store, enum family family,
                                const struct store_snapshot *snapshot, bool prefix_only) {
    struct sim_iter *iter = must(calloc(1, sizeof *iter));
    iter->base.ops = store->ops;
    iter->base.prefix_only = prefix_only;
    struct handle *handle = of(store);
    if (!handle->dead && sim_chance(STREAM_DISK, handle->disk->swarm->iter_fails)) {
        iter->fails_after = sim_between(STREAM_DISK, 1, 12);
    }
    CHECK(store_iter_new(&iter->inner, handle->disk->inner, family, snapshot, prefix_only) ==
          STATUS_OK);
    *ret = &iter->base;
    return STATUS_OK;
}

static void sim_iter_free(struct store_iter *base) {
    store_iter_free(((struct sim_iter *)base)->inner);
    free(base);
}

/* A bad block ends the walk wherever it stands: only the status tells. */
static void moved(struct sim_iter *iter) {
    if (iter->fails_after > 0 && --iter->fails_after == 0) {
        iter->failed = true;
        sim_happened(SITE_ITER_FAILED);
    }
}

static void sim_iter_seek(struct store_iter *base, struct slice key) {
    struct sim_iter *iter = (struct sim_iter *)base;
    store_iter_seek(iter->inner, key);
    moved(iter);
}

static void sim_iter_seek_for_prev(struct store_iter *base, struct slice key) {
    struct sim_iter *iter = (struct sim_iter *)base;
    store_iter_seek_for_prev(iter->inner, key);
    moved(iter);
}

static void sim_iter_seek_last(struct store_iter *base) {
    struct sim_iter *iter = (struct sim_iter *)base;
    store_iter_seek_last(iter->inner);
    moved(iter);
}

static void sim_iter_next(struct store_iter *base) {
    struct sim_iter *iter = (struct sim_iter *)base;
    store_iter_next(iter->inner);
    moved(iter);
}

static void sim_iter_prev(struct store_iter *base) {
    struct sim_iter *iter = (struct sim_iter *)base;
    store_iter_prev(iter->inner);
    moved(iter);
}

static bool sim_iter_valid(const struct store_iter *base) {
    const struct sim_iter *iter = (const struct sim_iter *)base;
    return !iter->failed && store_iter_valid(iter->inner);
}

static struct slice sim_iter_key(const struct store_iter *base) {
    return store_iter_key(((const struct sim_iter *)base)->inner);
}

static struct slice sim_iter_value(const struct store_iter *base) {
    return store_iter_value(((const struct sim_iter *)base)->inner);
}

static enum status sim_iter_status(const struct store_iter *base, struct error *error) {
    const struct sim_iter *iter = (const struct sim_iter *)base;
    return iter->failed ? io_error(error) : store_iter_status(iter->inner, error);
}

static enum status sim_run_new(struct store_run **ret, struct store *store, uint64_t number,
                               struct error *error) {
    struct sim_run *run = must(calloc(1, sizeof *run));
    run->base.store = store;
    enum status status = store_run_new(&run->inner, of(store)->disk->inner, number, error);
    CHECK(status == STATUS_OK);
    of(store)->disk->sealing = true;
    *ret = &run->base;
    return STATUS_OK;
}

static enum status sim_run_put(struct store_run *base, struct slice key, struct slice value,
                               struct error *error) {
    sim_trace_bytes(key.data, key.bytes);
    return store_run_put(((struct sim_run *)base)->inner, key, value, error);
}

static void sim_run_abort(struct store_run *base) {
    store_run_abort(((struct sim_run *)base)->inner);
    free(base);
}

static enum status sim_run_finish(struct store_run *base, struct error *error) {
    struct sim_run *run = (struct sim_run *)base;
    struct handle *handle = of(base->store);
    struct sim_disk *disk = handle->disk;
    sim_sleep(sim_between(STREAM_DISK, NS_PER_MS, 400 * (uint64_t)NS_PER_MS));
    if (handle->dead || dies_now(handle) ||
        fails(handle, disk->swarm->seal_fails, SITE_SEAL_FAILED)) {
        sim_run_abort(base);
        return io_error(error);
    }
    enum status status = store_run_finish(run->inner, error);
    free(base);
    disk->sealing = false;
    disk->sealed_untold = true;
    sim_happened(SITE_SEALED);
    sim_sleep(sim_between(STREAM_DISK, 1000, NS_PER_MS));
    return status;
}

static enum status sim_checkpoint(struct store *store, const char *to, struct error *error) {
    return store_checkpoint(of(store)->disk->inner, to, error);
}

static enum status sim_scrub(struct store *store, struct error *error) {
    return store_scrub(of(store)->disk->inner, error);
}

/* Not summed up: nothing here goes by it, and the memory store would count every row. */
static void sim_stats(struct store *store, struct store_stats *ret) {
    (void)store;
    (void)ret;
}

static const struct store_ops sim_ops = {
    .close = sim_close,
    .batch_new = sim_batch_new,
    .batch_free = sim_batch_free,
    .batch_reset = sim_batch_reset,
    .batch_put = sim_batch_put,
    .batch_delete = sim_batch_delete,
    .write = sim_write,
    .get = sim_get,
    .multi_get = sim_multi_get,
    .snapshot_new = sim_snapshot_new,
    .snapshot_free = sim_snapshot_free,
    .iter_new = sim_iter_new,
    .iter_free = sim_iter_free,
    .iter_seek = sim_iter_seek,
    .iter_seek_for_prev = sim_iter_seek_for_prev,
    .iter_seek_last = sim_iter_seek_last,
    .iter_next = sim_iter_next,
    .iter_prev = sim_iter_prev,
    .iter_valid = sim_iter_valid,
    .iter_key = sim_iter_key,
    .iter_value = sim_iter_value,
    .iter_status = sim_iter_status,
    .run_new = sim_run_new,
    .run_put = sim_run_put,
    .run_finish = sim_run_finish,
    .run_abort = sim_run_abort,
    .checkpoint = sim_checkpoint,
    .scrub = sim_scrub,
    .stats = sim_stats,
};

struct sim_disk *sim_disk_new(const struct sim_swarm *swarm) {
    struct sim_disk *disk = must(calloc(1, sizeof *disk));
    const struct store_options options = {.create = true};
    disk->swarm = swarm;
    CHECK(store_open_mem(&disk->inner, &options, NULL) == STATUS_OK);
    return disk;
}

void sim_disk_free(struct sim_disk *disk) {
    CHECK(disk->open == NULL);
    store_close(disk->inner);
    free(disk);
}

struct store *sim_disk_open(struct sim_disk *disk) {
    CHECK(disk->open == NULL);
    struct handle *handle = must(calloc(1, sizeof *handle));
    handle->base.ops = &sim_ops;
    handle->disk = disk;
    disk->open = handle;
    disk->under_way = NULL;
    disk->synced_untold = disk->sealing = false;
    return &handle->base;
}

bool sim_disk_is_at(const struct sim_disk *disk, enum sim_boundary boundary) {
    switch (boundary) {
    case BOUNDARY_ANY:
        return true;
    case BOUNDARY_SUBMITTED:
        return disk->under_way != NULL;
    case BOUNDARY_SYNCED:
        return disk->synced_untold;
    case BOUNDARY_SEALING:
        return disk->sealing;
    case BOUNDARY_SEALED_UNTOLD:
        return disk->sealed_untold;
    case BOUNDARY_COUNT:
        break;
    }
    CHECK(false);
}

static void note_crash(const struct sim_disk *disk) {
    sim_happened(SITE_CRASH);
    if (disk->under_way == NULL && !disk->synced_untold && !disk->sealing) {
        sim_happened(SITE_CRASH_IDLE);
    }
    if (disk->synced_untold) {
        sim_happened(SITE_CRASH_AFTER_SYNC);
    }
    if (disk->sealing) {
        sim_happened(SITE_CRASH_IN_SEAL);
    }
    if (disk->sealed_untold) {
        sim_happened(SITE_CRASH_SEALED_UNTOLD);
    }
}

void sim_disk_crash(struct sim_disk *disk) {
    CHECK(disk->open != NULL);
    note_crash(disk);
    if (disk->open->dead) {
        return; /* it died while it was opening */
    }
    disk->open->dead = true;
    if (disk->under_way != NULL) {
        bool kept = sim_chance(STREAM_CRASH, 500);
        sim_happened(kept ? SITE_CRASH_GROUP_KEPT : SITE_CRASH_GROUP_LOST);
        if (kept) {
            apply(disk, disk->under_way);
        }
    }
    disk->under_way = NULL;
    disk->synced_untold = disk->sealing = disk->sealed_untold = false;
}

void sim_disk_die_after(struct sim_disk *disk, uint64_t writes) {
    disk->die_after = writes;
}

uint64_t sim_disk_seq(const struct sim_disk *disk) {
    return disk->last_seq;
}

uint64_t sim_disk_group_last(const struct sim_disk *disk) {
    return disk->group_last;
}

struct store *sim_disk_store(struct sim_disk *disk) {
    CHECK(disk->open == NULL);
    return disk->inner;
}
