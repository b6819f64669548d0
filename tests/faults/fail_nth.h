/* What the two preloaded libraries of tests/faults have in common: the n-th call of a kind fails,
 * once, and a file that the test maps tells how many there were. */
#ifndef TESTS_FAULTS_FAIL_NTH_H
#define TESTS_FAULTS_FAIL_NTH_H

#include <stdbool.h>
#include <stdint.h>

enum { FAIL_KINDS = 4, FAIL_NAME_BYTES = 256 };

/* The file $FAIL_NOTE: made by the test, of this size, zeros. */
struct fail_note {
    uint64_t counts[FAIL_KINDS]; /* calls of each kind so far */
    uint64_t fired;              /* 1: the n-th was reached, and failed */
    char name[FAIL_NAME_BYTES];  /* what it was about */
};

struct fail_plan {
    struct fail_note *note; /* NULL: nothing is counted and nothing fails */
    unsigned kind;
    uint64_t nth; /* from 1; 0: only count */
    int error;
};

/* From $FAIL_AT, "KIND:NTH:ERRNO" with KIND one letter of `letters`. Ends the process when it is
 * there and makes no sense. Allocates nothing. */
void fail_plan_read(struct fail_plan *ret, const char *letters);

/* Counts a call of `kind`; whether it is the one to fail. Any thread. */
bool fail_plan_reached(const struct fail_plan *plan, unsigned kind, const char *name);

#endif
