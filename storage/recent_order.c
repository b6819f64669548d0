#include "storage/recent_order.h"

#include "core/base/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Memory of one piece. */
struct indexes {
    struct indexes *next; /* retired ones */
    uint32_t count;
    uint32_t items[];
};

/* What is in order of one (day, region). */
struct ordered {
    struct ordered *next;
    uint32_t day, region;
    uint32_t covered;
    size_t count;
    struct indexes *pieces[RECENT_PIECES_MAX];
};

struct recent_order {
    pthread_mutex_t lock;
    struct ordered *first; /* few: only chains longer than RECENT_TAIL_MAX */
    struct indexes *retired;
};

enum status recent_order_new(struct recent_order **ret) {
    struct recent_order *order = calloc(1, sizeof *order);
    if (order == NULL) {
        return STATUS_NO_MEMORY;
    }
    int failure = pthread_mutex_init(&order->lock, NULL);
    CHECK(failure == 0);
    *ret = order;
    return STATUS_OK;
}

void recent_order_reset(struct recent_order *order) {
    for (struct ordered *next, *at = order->first; at != NULL; at = next) {
        next = at->next;
        for (size_t i = 0; i < at->count; i++) {
            free(at->pieces[i]);
        }
        free(at);
    }
    for (struct indexes *next, *at = order->retired; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    order->first = NULL;
    order->retired = NULL;
}

void recent_order_free(struct recent_order *order) {
    if (order != NULL) {
        recent_order_reset(order);
        pthread_mutex_destroy(&order->lock);
        free(order);
    }
}

/* An entry's place in the order, beside its index: sorting indexes alone would go to memory for
 * each comparison. */
struct place {
    int64_t occurred_ms;
    uint64_t identity_low;
    uint32_t index;
};

static struct place place_of(const struct recent_run *run, uint32_t index) {
    const struct entry *entry = recent_run_entry(run, index);
    return (struct place){entry->occurred_ms, entry->identity.low, index};
}

static int compare_places(const void *one, const void *other) {
    const struct place *a = one, *b = other;
    if (a->occurred_ms != b->occurred_ms) {
        return a->occurred_ms < b->occurred_ms ? -1 : 1;
    }
    return (a->identity_low > b->identity_low) - (a->identity_low < b->identity_low);
}

static struct indexes *indexes_new(uint32_t count) {
    struct indexes *indexes = malloc(sizeof *indexes + (size_t)count * sizeof indexes->items[0]);
    if (indexes != NULL) {
        indexes->next = NULL;
        indexes->count = count;
    }
    return indexes;
}

static struct indexes *sorted(const struct recent_run *run, const uint32_t *from, uint32_t count) {
    struct place *places = malloc((size_t)count * sizeof *places);
    struct indexes *indexes = places == NULL ? NULL : indexes_new(count);
    if (indexes != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            places[i] = place_of(run, from[i]);
        }
        qsort(places, count, sizeof *places, compare_places);
        for (uint32_t i = 0; i < count; i++) {
            indexes->items[i] = places[i].index;
        }
    }
    free(places);
    return indexes;
}

static struct indexes *merged(const struct recent_run *run, const struct indexes *a,
                              const struct indexes *b) {
    struct indexes *both = indexes_new(a->count + b->count);
    if (both == NULL) {
        return NULL;
    }
    uint32_t i = 0, j = 0;
    struct place left = place_of(run, a->items[0]), right = place_of(run, b->items[0]);
    for (uint32_t to = 0; to < both->count; to++) {
        if (j == b->count || (i < a->count && compare_places(&left, &right) <= 0)) {
            both->items[to] = left.index;
            if (++i < a->count) {
                left = place_of(run, a->items[i]);
            }
        } else {
            both->items[to] = right.index;
            if (++j < b->count) {
                right = place_of(run, b->items[j]);
            }
        }
    }
    return both;
}

static void retire(struct recent_order *order, struct indexes *indexes) {
    indexes->next = order->retired;
    order->retired = indexes;
}

/* Takes the piece over. Keeps each piece more than twice as long as the next, so that their number
 * is a logarithm. */
static void add_piece(struct recent_order *order, struct ordered *ordered,
                      const struct recent_run *run, struct indexes *piece) {
    while (ordered->count > 0 && ordered->pieces[ordered->count - 1]->count <= 2 * piece->count) {
        struct indexes *last = ordered->pieces[ordered->count - 1];
        struct indexes *both = merged(run, last, piece);
        if (both == NULL) {
            break;
        }
        retire(order, last);
        free(piece); /* nobody has seen it */
        piece = both;
        ordered->count--;
    }
    ordered->pieces[ordered->count++] = piece;
}

static uint32_t in_pieces(const struct ordered *ordered) {
    uint32_t sum = 0;
    for (size_t i = 0; i < ordered->count; i++) {
        sum += ordered->pieces[i]->count;
    }
    return sum;
}

/* Puts the oldest of what is not in order into a piece, when it is much. */
static void extend(struct recent_order *order, struct ordered *ordered, struct recent_chain chain) {
    uint32_t known = in_pieces(ordered), count = 0;
    if (chain.entries_count < known + RECENT_TAIL_MAX || ordered->count == RECENT_PIECES_MAX) {
        return;
    }
    uint32_t room = chain.entries_count - known + 1; /* the count may be one behind the chain */
    uint32_t *tail = malloc((size_t)room * sizeof *tail);
    if (tail == NULL) {
        return;
    }
    uint32_t index;
    while (recent_chain_next(&chain, &index) && index >= ordered->covered) {
        CHECK(count < room);
        tail[count++] = index;
    }
    uint32_t taken = (uint32_t)min_u64(count, RECENT_BUILD_MAX);
    const uint32_t *from = tail + (count - taken);
    struct indexes *piece = taken < RECENT_TAIL_MAX ? NULL : sorted(chain.run, from, taken);
    if (piece != NULL) {
        ordered->covered = from[0] + 1;
        add_piece(order, ordered, chain.run, piece);
    }
    free(tail);
}

static struct ordered *find_or_add(struct recent_order *order, uint32_t day, uint32_t region) {
    for (struct ordered *at = order->first; at != NULL; at = at->next) {
        if (at->day == day && at->region == region) {
            return at;
        }
    }
    struct ordered *added = calloc(1, sizeof *added);
    if (added != NULL) {
        added->day = day;
        added->region = region;
        added->next = order->first;
        order->first = added;
    }
    return added;
}

void recent_order_pieces(struct recent_order *order, const struct recent_chain *chain, uint32_t day,
                         uint32_t region, struct recent_pieces *ret) {
    ret->count = 0;
    ret->covered = 0;
    if (chain->entries_count < RECENT_TAIL_MAX) {
        return;
    }
    pthread_mutex_lock(&order->lock);
    struct ordered *ordered = find_or_add(order, day, region);
    if (ordered != NULL) {
        extend(order, ordered, *chain);
        ret->count = ordered->count;
        ret->covered = ordered->covered;
        for (size_t i = 0; i < ordered->count; i++) {
            ret->pieces[i] =
                (struct recent_piece){ordered->pieces[i]->items, ordered->pieces[i]->count};
        }
    }
    pthread_mutex_unlock(&order->lock);
}
