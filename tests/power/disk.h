/* What a disk may hold after the power went: a directory rebuilt from a log of operations
 * (op_log.h).
 *
 * The model (reliability.md, F2). Everything before the beginning of a sync that ended is there. Of
 * the rest of a file, one of: nothing, all, a prefix, a random part, each write of the last two
 * torn at a byte, its rest missing, zero or garbage. Names (made, renamed, linked, removed) are
 * there up to the last directory sync that ended, and after it a prefix of them in order, as a
 * journaling file system keeps them. Not modelled: reads that fail, sectors that change by
 * themselves, file systems that reorder names. */
#ifndef TESTS_POWER_DISK_H
#define TESTS_POWER_DISK_H

#include "tests/power/ops.h"

struct disk_cut {
    size_t at;          /* operations before this one were issued; <= ops->count */
    uint64_t seed;      /* everything that is drawn depends on it and `at` alone */
    bool without_syncs; /* as a build that never syncs its write-ahead log would have left it */
};

struct disk_counts {
    uint64_t files, torn_writes, lost_writes, lost_names;
};

/* Makes `directory` (whatever is there goes away) hold what is left; adds to `counts`. False and a
 * sentence on stderr: it cannot be written. */
MUST_USE bool disk_restore(const struct ops *ops, const struct disk_cut *cut, const char *directory,
                           struct disk_counts *counts);

#endif
