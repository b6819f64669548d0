/* What a feed reader asks for: where to start and which events. Pure; every call O(bytes of the
 * text) but feed_filter_takes, which is O(depth of the region tree). */
#ifndef SERVER_FEED_FEED_REQUEST_H
#define SERVER_FEED_FEED_REQUEST_H

#include "core/region/region.h"

enum {
    FEED_EPOCH_BYTES_MAX = 32,
    FEED_ID_BYTES_MAX = FEED_EPOCH_BYTES_MAX + 1 + 20, /* EPOCH-SEQ */
};

/* An id as a client gives it back. */
struct feed_position {
    char epoch[FEED_EPOCH_BYTES_MAX + 1];
    uint64_t seq;
};

/* Exactly EPOCH-SEQ: the epoch is 1 to 32 letters and digits (to a client it means nothing, so one
 * that we never made is another epoch and not an error), the sequence number is decimal without
 * sign or leading zero and fits 64 bits. */
MUST_USE bool feed_position_parse(struct feed_position *ret, struct slice text);
/* Writes EPOCH-SEQ and a NUL; returns the bytes without the NUL. `epoch` is at most
 * FEED_EPOCH_BYTES_MAX long. */
size_t feed_id_format(char to[FEED_ID_BYTES_MAX + 1], const char *epoch, uint64_t seq);

/* Which events a reader wants. */
struct feed_filter {
    uint32_t region;     /* this region and all below it; REGION_NONE: all */
    uint32_t scope;      /* the same of who asks: both must hold an event, as the tree stands */
    uint64_t kinds;      /* bits 1 << enum entry_kind */
    uint32_t severities; /* bit 1 << enum severity */
};

/* Takes everything that is shown at all (ENTRY_KINDS_SHOWN). */
void feed_filter_init(struct feed_filter *filter);
bool feed_filter_is_open(const struct feed_filter *filter);
bool feed_filter_takes(const struct feed_filter *filter, const struct region_table *regions,
                       uint8_t kind, uint8_t severity, uint32_t region);
/* Comma-separated words of entry_kinds_named ("report", "ticket.overdue", "ticket.*"); false when
 * one is unknown or empty. */
MUST_USE bool feed_kinds_parse(uint64_t *ret_kinds, struct slice text);
/* Comma-separated severities; false when one is unknown or empty. */
MUST_USE bool feed_severities_parse(uint32_t *ret_severities, struct slice text);

#endif
