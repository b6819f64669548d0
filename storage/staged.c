#include "storage/staged.h"

#include "core/base/check.h"
#include "storage/staged_segment.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct staged {
    pthread_mutex_t lock; /* over the list; the segments in it do not change */
    struct staged_view list;
    _Atomic uint64_t bytes;
};

enum status staged_new(struct staged **ret) {
    struct staged *staged = calloc(1, sizeof *staged);
    if (staged == NULL) {
        return STATUS_NO_MEMORY;
    }
    pthread_mutex_init(&staged->lock, NULL);
    *ret = staged;
    return STATUS_OK;
}

void staged_free(struct staged *staged) {
    if (staged != NULL) {
        for (size_t i = 0; i < staged->list.count; i++) {
            staged_segment_unref(staged->list.segments[i]);
        }
        pthread_mutex_destroy(&staged->lock);
        free(staged);
    }
}

uint64_t staged_bytes(const struct staged *staged) {
    return atomic_load(&staged->bytes);
}

/* How many of the newest segments are to be merged: those of one tier, when they are enough, or all
 * that may be when there is no room left. 0: none. The caller has the lock. */
static size_t mergeable(const struct staged *staged) {
    const struct staged_view *list = &staged->list;
    size_t count = 0, loose = 0;
    while (loose < list->count && !list->segments[list->count - 1 - loose]->settling) {
        loose++;
    }
    while (count < loose &&
           list->segments[list->count - 1 - count]->tier == list->segments[list->count - 1]->tier) {
        count++;
    }
    if (list->count == STAGED_SEGMENTS_MAX) {
        return loose > 1 ? loose : 0;
    }
    return count >= STAGED_MERGE ? count : 0;
}

/* Puts one segment in the place of the `count` newest. */
static void replace(struct staged *staged, struct staged_segment *const *from, size_t count,
                    struct staged_segment *merged) {
    struct staged_view *list = &staged->list;
    pthread_mutex_lock(&staged->lock);
    /* Those that have begun to settle are what will be in the files. */
    bool is_late = from[0]->settling;
    if (!is_late) {
        size_t first = list->count - count;
        CHECK(list->segments[first] == from[0]);
        list->segments[first] = merged;
        list->count = first + 1;
        atomic_fetch_add(&staged->bytes, merged->bytes);
    }
    pthread_mutex_unlock(&staged->lock);
    for (size_t i = 0; i < count && !is_late; i++) {
        atomic_fetch_sub(&staged->bytes, from[i]->bytes);
        staged_segment_unref(from[i]);
    }
    if (is_late) {
        staged_segment_unref(merged);
    }
}

/* The segments being merged stay in the list until the new one takes their place. */
static enum status merge_newest(struct staged *staged, bool *ret_merged) {
    struct staged_segment *from[STAGED_SEGMENTS_MAX], *merged = NULL;
    pthread_mutex_lock(&staged->lock);
    size_t count = mergeable(staged);
    for (size_t i = 0; i < count; i++) {
        from[i] = staged->list.segments[staged->list.count - count + i];
        atomic_fetch_add(&from[i]->refs, 1);
    }
    pthread_mutex_unlock(&staged->lock);
    *ret_merged = count > 0;
    if (count == 0) {
        return STATUS_OK;
    }
    enum status status = staged_segment_merge(&merged, from, count);
    if (status == STATUS_OK) {
        replace(staged, from, count, merged);
    }
    for (size_t i = 0; i < count; i++) {
        staged_segment_unref(from[i]);
    }
    return status;
}

enum status staged_add(struct staged *staged, struct staged_segment *segment) {
    bool merged = true;
    enum status status = STATUS_OK;
    pthread_mutex_lock(&staged->lock);
    struct staged_view *list = &staged->list;
    CHECK(list->count < STAGED_SEGMENTS_MAX);
    CHECK(list->count == 0 || list->segments[list->count - 1]->number < segment->number);
    list->segments[list->count++] = segment;
    atomic_fetch_add(&staged->bytes, segment->bytes);
    pthread_mutex_unlock(&staged->lock);
    while (merged && status == STATUS_OK) {
        status = merge_newest(staged, &merged);
    }
    return status;
}

void staged_acquire(struct staged *staged, struct staged_view *ret, void (*at_once)(void *context),
                    void *context) {
    pthread_mutex_lock(&staged->lock);
    ret->count = staged->list.count;
    for (size_t i = 0; i < ret->count; i++) {
        ret->segments[i] = staged->list.segments[i];
        atomic_fetch_add(&ret->segments[i]->refs, 1);
    }
    if (at_once != NULL) {
        at_once(context);
    }
    pthread_mutex_unlock(&staged->lock);
}

void staged_release(struct staged *staged, struct staged_view *view) {
    (void)staged;
    for (size_t i = 0; i < view->count; i++) {
        staged_segment_unref(view->segments[i]);
    }
    view->count = 0;
}

bool staged_settle(struct staged *staged, struct staged_view *ret, uint64_t *ret_number) {
    pthread_mutex_lock(&staged->lock);
    ret->count = staged->list.count;
    for (size_t i = 0; i < ret->count; i++) {
        ret->segments[i] = staged->list.segments[i];
        CHECK(!ret->segments[i]->settling);
        ret->segments[i]->settling = true;
        atomic_fetch_add(&ret->segments[i]->refs, 1);
    }
    pthread_mutex_unlock(&staged->lock);
    if (ret->count > 0) {
        *ret_number = ret->segments[ret->count - 1]->number;
    }
    return ret->count > 0;
}

void staged_settled(struct staged *staged, struct staged_view *view) {
    struct staged_view *list = &staged->list;
    pthread_mutex_lock(&staged->lock);
    CHECK(view->count <= list->count);
    for (size_t i = 0; i < view->count; i++) {
        CHECK(list->segments[i] == view->segments[i]);
        atomic_fetch_sub(&staged->bytes, view->segments[i]->bytes);
        staged_segment_unref(view->segments[i]);
    }
    list->count -= view->count;
    memmove(list->segments, list->segments + view->count, list->count * sizeof *list->segments);
    pthread_mutex_unlock(&staged->lock);
    staged_release(staged, view);
}
