/* Eight bytes as one step of an engine_run: a report, a command, time, incidents, a directive or a
 * ticket by hand. What is chosen is chosen by rank of numbers, never by place in memory, so that a
 * run and the one that was restored from it choose the same. */
#ifndef TESTS_FUZZ_ENGINE_STEPS_H
#define TESTS_FUZZ_ENGINE_STEPS_H

#include "tests/fuzz/engine_run.h"

enum { OPERATION_BYTES = 8, OPERATIONS_MAX = 32 };

/* Operations, by the first byte up to these: how likely each is. What is beyond is no step. */
enum { REPORTS = 80, COMMANDS = 184, PASSES = 216, INCIDENTS = 232, BY_HAND = 246, RESTARTS = 252 };

/* `op` is OPERATION_BYTES long. */
void engine_step_run(struct engine_run *run, const uint8_t *op);

#endif
