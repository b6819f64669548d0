/* gridd-sim: runs seeds of the simulator. */
#include "core/base/check.h"
#include "server/process/log.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { TWICE_EVERY = 100, SITES_SEEDS = 200 };

static const char usage[] =
    "usage: gridd-sim [--seed N] [--seeds COUNT] [--seconds S] [--ms MS] [--verbose] [--sites]\n"
    "\n"
    "  --seed N       the first seed (default 1)\n"
    "  --seeds COUNT  how many from there on (default 1)\n"
    "  --seconds S    stop after so many seconds\n"
    "  --ms MS        length of the safety phase (default: the seed says)\n"
    "  --verbose      what happens, line by line\n"
    "  --sites        fail when a kind of fault or path never happened, and list them\n";

struct options {
    uint64_t seed, seeds, seconds, ms;
    bool verbose, sites;
};

static char replay[160];

static void on_check_failed(const char *file, int line, const char *condition) {
    sim_broken("CHECK", "%s:%d: %s", file, line, condition);
}

static bool number(const char *text, uint64_t *ret) {
    char *end = NULL;
    *ret = text != NULL ? strtoull(text, &end, 0) : 0;
    return text != NULL && end != text && *end == '\0';
}

static bool parse(struct options *options, int argc, char **argv) {
    *options = (struct options){.seed = 1, .seeds = 1};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        uint64_t *to = strcmp(name, "--seed") == 0      ? &options->seed
                       : strcmp(name, "--seeds") == 0   ? &options->seeds
                       : strcmp(name, "--seconds") == 0 ? &options->seconds
                       : strcmp(name, "--ms") == 0      ? &options->ms
                                                        : NULL;
        if (to != NULL) {
            if (!number(value, to)) {
                return false;
            }
            i++;
        } else if (strcmp(name, "--verbose") == 0) {
            options->verbose = true;
        } else if (strcmp(name, "--sites") == 0) {
            options->sites = true;
        } else {
            return false;
        }
    }
    return true;
}

static double cpu_s(void) {
    struct rusage usage_now;
    CHECK(getrusage(RUSAGE_SELF, &usage_now) == 0);
    return (double)(usage_now.ru_utime.tv_sec + usage_now.ru_stime.tv_sec) +
           (double)(usage_now.ru_utime.tv_usec + usage_now.ru_stime.tv_usec) / 1e6;
}

static uint64_t run_one(const struct options *options, uint64_t seed) {
    char more[40] = "";
    if (options->ms != 0) {
        snprintf(more, sizeof more, " --ms %" PRIu64, options->ms);
    }
    snprintf(replay, sizeof replay, "gridd-sim --seed %" PRIu64 "%s --verbose", seed, more);
    const struct sim_options run = {options->ms, options->verbose, replay};
    return sim_run(seed, &run);
}

int main(int argc, char **argv) {
    struct options options;
    if (!parse(&options, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    check_set_hook(on_check_failed);
    log_set_level((enum log_level)LOG_LEVEL_COUNT);
    double begin_s = cpu_s();
    uint64_t done = 0, twice = 0, hash = 0;
    time_t begin = time(NULL);
    for (; done < options.seeds; done++) {
        uint64_t seed = options.seed + done;
        if (options.seconds != 0 && (uint64_t)(time(NULL) - begin) >= options.seconds) {
            break;
        }
        hash = run_one(&options, seed);
        if (done % TWICE_EVERY == 0) {
            twice++;
            if (run_one(&options, seed) != hash) {
                sim_broken("determinism", "two runs of seed %" PRIu64 " differ", seed);
            }
        }
        if (options.seeds <= 10) {
            printf("seed %" PRIu64 ": %016" PRIx64 "  (%s)\n", seed, hash, replay);
        }
    }
    double took_s = cpu_s() - begin_s;
    printf("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " of them twice, %" PRIu64
           " events, %.1f s of CPU, %.0f events/s\n",
           done, options.seed, twice, sim_events_total(), took_s,
           (double)sim_events_total() / (took_s > 0 ? took_s : 1));
    if (options.sites && !sim_sites_print()) {
        fputs("gridd-sim: something never happened: this proves less than it should\n", stderr);
        return 1;
    }
    return 0;
}
