#include "storage/run_set.h"

#include "core/base/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS_COUNT = 3, NO_RUN = -1 };

enum run_state { RUN_FREE, RUN_ACTIVE, RUN_SEALING, RUN_DROPPED };

struct slot {
    struct recent_run *run;
    enum run_state state;
    uint32_t readers;
};

struct run_set {
    pthread_mutex_t lock; /* over all below but what the appending thread alone uses */
    pthread_cond_t wake;  /* for the sealing thread */
    struct slot slots[RUNS_COUNT];
    int active, sealing;
    bool sealing_taken; /* run_set_wait has given it out */
    bool room_came, settle_asked, stop;
    uint64_t run_entries, run_bytes;
    int64_t active_since_ms; /* appending thread's */
};

enum status run_set_new(struct run_set **ret, const struct limits *limits, uint64_t hash_seed) {
    struct run_set *set = calloc(1, sizeof *set);
    if (set == NULL) {
        return STATUS_NO_MEMORY;
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&set->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&set->lock, NULL);
    set->run_entries = limits->run_entries;
    set->run_bytes = limits->run_bytes;
    set->active = 0;
    set->sealing = NO_RUN;
    for (int i = 0; i < RUNS_COUNT; i++) {
        enum status status = recent_run_new(&set->slots[i].run, limits, hash_seed);
        if (status != STATUS_OK) {
            run_set_free(set);
            return status;
        }
    }
    set->slots[0].state = RUN_ACTIVE;
    *ret = set;
    return STATUS_OK;
}

void run_set_free(struct run_set *set) {
    if (set == NULL) {
        return;
    }
    for (int i = 0; i < RUNS_COUNT; i++) {
        CHECK(set->slots[i].readers == 0);
        recent_run_free(set->slots[i].run);
    }
    pthread_cond_destroy(&set->wake);
    pthread_mutex_destroy(&set->lock);
    free(set);
}

static int free_slot(const struct run_set *set) {
    for (int i = 0; i < RUNS_COUNT; i++) {
        if (set->slots[i].state == RUN_FREE) {
            return i;
        }
    }
    return NO_RUN;
}

/* Only the appending thread changes `active`, so it reads it without the lock. */
bool run_set_fits_active(const struct run_set *set, uint64_t entries_count,
                         uint64_t payload_bytes) {
    return recent_run_fits(set->slots[set->active].run, entries_count, payload_bytes);
}

bool run_set_has_room(struct run_set *set, uint64_t entries_count, uint64_t payload_bytes) {
    if (run_set_fits_active(set, entries_count, payload_bytes)) {
        return true;
    }
    pthread_mutex_lock(&set->lock);
    bool can_rotate = set->sealing == NO_RUN && free_slot(set) != NO_RUN;
    pthread_mutex_unlock(&set->lock);
    return can_rotate && entries_count <= set->run_entries && payload_bytes <= set->run_bytes;
}

bool run_set_rotate(struct run_set *set) {
    if (recent_run_count(set->slots[set->active].run) == 0) {
        return false;
    }
    pthread_mutex_lock(&set->lock);
    int next = free_slot(set);
    bool rotates = set->sealing == NO_RUN && next != NO_RUN;
    if (rotates) {
        CHECK(recent_run_count(set->slots[next].run) == 0 && set->slots[next].readers == 0);
        set->slots[set->active].state = RUN_SEALING;
        set->sealing = set->active;
        set->sealing_taken = false;
        set->slots[next].state = RUN_ACTIVE;
        set->active = next;
        set->active_since_ms = 0;
        pthread_cond_signal(&set->wake);
    }
    pthread_mutex_unlock(&set->lock);
    return rotates;
}

bool run_set_append(struct run_set *set, const struct block *block, int64_t now_ms) {
    bool rotates =
        !recent_run_fits(set->slots[set->active].run, block->entries_count, block->payload_bytes);
    if (rotates) {
        bool rotated = run_set_rotate(set);
        CHECK(rotated);
    }
    struct recent_run *run = set->slots[set->active].run;
    if (recent_run_count(run) == 0) {
        set->active_since_ms = now_ms;
    }
    recent_run_append(run, block);
    return rotates;
}

int64_t run_set_active_since_ms(const struct run_set *set) {
    return recent_run_count(set->slots[set->active].run) == 0 ? 0 : set->active_since_ms;
}

void run_set_sizes(struct run_set *set, struct run_set_sizes *ret) {
    const struct recent_run *active = set->slots[set->active].run;
    *ret = (struct run_set_sizes){
        .active_entries = recent_run_count(active),
        .active_bytes = recent_run_payload_bytes(active),
        .memory_bytes = recent_run_memory_bytes(active),
    };
    pthread_mutex_lock(&set->lock);
    for (int i = 0; i < RUNS_COUNT; i++) {
        const struct slot *slot = &set->slots[i];
        /* A dropped run without readers is just being emptied. */
        if (slot->state == RUN_SEALING || (slot->state == RUN_DROPPED && slot->readers > 0)) {
            ret->memory_bytes += recent_run_memory_bytes(slot->run);
        }
    }
    if (set->sealing != NO_RUN) {
        ret->sealing_entries = recent_run_count(set->slots[set->sealing].run);
        ret->sealing_bytes = recent_run_payload_bytes(set->slots[set->sealing].run);
    }
    pthread_mutex_unlock(&set->lock);
}

static struct timespec deadline_after(int64_t wait_ms) {
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += wait_ms / 1000;
    deadline.tv_nsec += (wait_ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

static enum run_event take_event(struct run_set *set, const struct recent_run **ret_run) {
    if (set->stop) {
        return RUN_EVENT_STOP;
    }
    if (set->settle_asked) { /* before a run: it is soon done */
        set->settle_asked = false;
        return RUN_EVENT_SETTLE;
    }
    if (set->sealing != NO_RUN && !set->sealing_taken) {
        set->sealing_taken = true;
        *ret_run = set->slots[set->sealing].run;
        return RUN_EVENT_SEAL;
    }
    if (set->room_came) {
        set->room_came = false;
        return RUN_EVENT_ROOM;
    }
    return RUN_EVENT_NONE;
}

enum run_event run_set_wait(struct run_set *set, int64_t wait_ms,
                            const struct recent_run **ret_run) {
    CHECK(wait_ms >= 0);
    struct timespec deadline = deadline_after(wait_ms);
    pthread_mutex_lock(&set->lock);
    enum run_event event = take_event(set, ret_run);
    int waited = 0;
    while (event == RUN_EVENT_NONE && waited == 0) {
        waited = pthread_cond_timedwait(&set->wake, &set->lock, &deadline);
        event = take_event(set, ret_run);
    }
    pthread_mutex_unlock(&set->lock);
    return event;
}

/* Gives a run's memory back. The state keeps others off it meanwhile, so the lock, which the loop
 * thread also takes, is not held while the kernel frees a few hundred MiB. */
static void recycle(struct run_set *set, int index) {
    CHECK(set->slots[index].state == RUN_DROPPED && set->slots[index].readers == 0);
    pthread_mutex_unlock(&set->lock);
    recent_run_reset(set->slots[index].run);
    pthread_mutex_lock(&set->lock);
    set->slots[index].state = RUN_FREE;
    set->room_came = true;
    pthread_cond_signal(&set->wake);
}

void run_set_drop(struct run_set *set) {
    pthread_mutex_lock(&set->lock);
    int index = set->sealing;
    CHECK(index != NO_RUN && set->sealing_taken && set->slots[index].state == RUN_SEALING);
    set->sealing = NO_RUN;
    set->slots[index].state = RUN_DROPPED;
    set->room_came = true; /* the run in reserve may take its place */
    if (set->slots[index].readers == 0) {
        recycle(set, index);
    }
    pthread_mutex_unlock(&set->lock);
}

void run_set_ask_to_settle(struct run_set *set) {
    pthread_mutex_lock(&set->lock);
    if (!set->settle_asked) {
        set->settle_asked = true;
        pthread_cond_signal(&set->wake);
    }
    pthread_mutex_unlock(&set->lock);
}

void run_set_stop(struct run_set *set) {
    pthread_mutex_lock(&set->lock);
    set->stop = true;
    pthread_cond_signal(&set->wake);
    pthread_mutex_unlock(&set->lock);
}

void run_set_acquire(struct run_set *set, struct run_view *ret) {
    *ret = (struct run_view){0};
    pthread_mutex_lock(&set->lock);
    const int order[RUN_VIEW_MAX] = {set->sealing, set->active};
    for (size_t i = 0; i < RUN_VIEW_MAX; i++) {
        if (order[i] == NO_RUN) {
            continue;
        }
        struct slot *slot = &set->slots[order[i]];
        uint32_t count = recent_run_count(slot->run);
        if (count > 0) {
            slot->readers++;
            ret->runs[ret->runs_count] = slot->run;
            ret->counts[ret->runs_count++] = count;
        }
    }
    pthread_mutex_unlock(&set->lock);
}

void run_set_release(struct run_set *set, const struct run_view *view) {
    pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < view->runs_count; i++) {
        int index = 0;
        while (set->slots[index].run != view->runs[i]) {
            index++;
            CHECK(index < RUNS_COUNT);
        }
        CHECK(set->slots[index].readers > 0);
        if (--set->slots[index].readers == 0 && set->slots[index].state == RUN_DROPPED) {
            recycle(set, index);
        }
    }
    pthread_mutex_unlock(&set->lock);
}

bool run_view_find(const struct run_view *view, uint64_t seq, size_t *ret_run,
                   uint32_t *ret_index) {
    for (size_t i = 0; i < view->runs_count; i++) {
        uint64_t first_seq = recent_run_first_seq(view->runs[i]);
        if (seq >= first_seq && seq - first_seq < view->counts[i]) {
            *ret_run = i;
            *ret_index = (uint32_t)(seq - first_seq);
            return true;
        }
    }
    return false;
}
