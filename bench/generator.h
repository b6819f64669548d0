/* Synthetic reports: the same seed and clock give the same bytes.
 *
 * Everything is made before the measurement starts, so that during it the generator only hands
 * slices to the kernel. */
#ifndef BENCH_GENERATOR_H
#define BENCH_GENERATOR_H

#include "bench/prng.h"
#include "core/base/base.h"

/* The region tree that the reports fall in. */
struct bench_tree {
    char *csv; /* for PUT /v1/regions */
    size_t csv_bytes;
    const char **grids; /* codes of the regions without children; point into codes */
    size_t grids_count;
    char *codes;
};

/* A city of `grids_count` grids: districts, streets, communities, grids; 12- to 15-digit codes. */
void bench_tree_make(struct bench_tree *ret, size_t grids_count);
/* Reads code,parent,level,name rows. False: `*ret_why` is a static sentence. */
MUST_USE bool bench_tree_read(struct bench_tree *ret, const char *path, const char **ret_why);
void bench_tree_free(struct bench_tree *tree);

struct load_options {
    uint64_t seed;
    uint64_t lines;      /* reports sent in all, repeated ones included */
    double repeated_pct; /* of the lines are an earlier line again, any earlier one */
    /* Of the lines open or join a ticket: reports of matters that lie at places of their own, about
     * three joining for one that opens, and requests. The rest is the daily round, which opens
     * none. */
    double tickets_pct;
    const char *category; /* that category_pct of the lines have, each at its own place; or NULL */
    double category_pct;
    uint64_t now_ms; /* wall clock the events' times are near to */
    const struct bench_tree *tree;
};

/* Lines of NDJSON, one after the other, each with its line feed. */
struct load {
    uint8_t *bytes;
    size_t bytes_count;
    uint64_t *offsets; /* lines + 1 of them */
    uint64_t lines;
    uint64_t repeated; /* lines that are copies */
};

/* False: the system does not give the memory. */
MUST_USE bool load_make(struct load *ret, const struct load_options *options);
void load_free(struct load *load);
/* Lines [first, first + count) as one body. */
struct slice load_body(const struct load *load, uint64_t first, uint64_t count);

/* One report of about 260 bytes with eight or nine members, `number` in its id; returns its bytes,
 * without a line feed. `to` has room for REPORT_BYTES_MAX. */
enum { REPORT_BYTES_MAX = 512 };
size_t load_report(char to[REPORT_BYTES_MAX], struct prng *prng, uint64_t number,
                   const struct load_options *options);

#endif
