/* Any bytes as operations on a whole core: reports that are new, repeated or contradicted, every
 * command, merges, un-merges, directives, time, other rules, restarts. Eight bytes an operation.
 *
 * After each block every row decodes and encodes the same; at restarts and at the end all rows
 * agree with each other, with the deadlines and with the reports. From a restart on two runs go in
 * step, the old one and the one that was restored from its rows: what they tell and keep is the
 * same. A failing input tells its story with GRIDD_FUZZ_TELL=1 in the environment. */
#include "core/base/check.h"
#include "tests/fuzz/engine_rules.h"
#include "tests/fuzz/engine_steps.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct fuzz {
    struct engine_run runs[2];
    bool has_twin;
    unsigned view;
};

static void compare(struct fuzz *fuzz) {
    engine_run_flush(&fuzz->runs[0]);
    if (fuzz->has_twin) {
        engine_run_flush(&fuzz->runs[1]);
        engine_run_compare(&fuzz->runs[0], &fuzz->runs[1]);
    }
    if (!fuzz->runs[0].is_full) {
        engine_check_rows(&fuzz->runs[0]);
    }
}

/* What is due has fired: a restart may forget incidents whose time is over. */
static void restart(struct fuzz *fuzz) {
    struct engine_run *run = &fuzz->runs[0];
    bool is_idle = engine_run_pass(run, 0);
    if (fuzz->has_twin) {
        (void)engine_run_pass(&fuzz->runs[1], 0);
    }
    compare(fuzz);
    if (is_idle && !run->is_full) {
        engine_run_restore(&fuzz->runs[1], run, engine_view(fuzz->view));
        fuzz->has_twin = true;
    }
}

/* The order in which open clocks move to other rules is that of places in memory, which a restart
 * changes: the twin leaves. */
static void adopt(struct fuzz *fuzz) {
    struct engine_run *run = &fuzz->runs[0];
    uint32_t place = 0;
    bool more = true;
    compare(fuzz);
    fuzz->has_twin = false;
    fuzz->view = (fuzz->view + 1) % ENGINE_VIEWS;
    world_adopt(&run->world, engine_view(fuzz->view));
    while (more) {
        more = world_recompute(&run->world, &place, 16, engine_run_begin(run, run->next_seq));
        engine_run_end(run);
    }
}

static void on_check(const char *file, int line, const char *condition) {
    (void)fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct fuzz fuzz;
    if (fuzz.runs[0].rows == NULL) {
        check_set_hook(on_check);
        engine_run_new(&fuzz.runs[0]);
        engine_run_new(&fuzz.runs[1]);
    }
    engine_run_reset(&fuzz.runs[0], engine_view(0));
    fuzz.has_twin = false;
    fuzz.view = 0;
    size_t count = bytes / OPERATION_BYTES;
    for (size_t i = 0; i < count && i < OPERATIONS_MAX && !fuzz.runs[0].is_full; i++) {
        const uint8_t *op = data + i * OPERATION_BYTES;
        if (op[0] >= RESTARTS) {
            adopt(&fuzz);
        } else if (op[0] >= BY_HAND) {
            restart(&fuzz);
        } else {
            engine_step_run(&fuzz.runs[0], op);
            if (fuzz.has_twin) {
                engine_step_run(&fuzz.runs[1], op);
                CHECK(fuzz.runs[0].is_full || fuzz.runs[0].told == fuzz.runs[1].told);
            }
        }
    }
    compare(&fuzz);
    return 0;
}
