#include "tests/sim/sim_trace.h"

#include "tests/sim/sim_loop.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

static const char *replay_line;
static bool is_verbose;
static uint64_t rolling, events_total;
static uint64_t sites[SITE_COUNT];

void sim_trace_begin(const char *replay, bool verbose) {
    replay_line = replay;
    is_verbose = verbose;
    rolling = 0;
}

void sim_trace_bytes(const void *bytes, size_t count) {
    rolling = XXH3_64bits_withSeed(bytes, count, rolling);
}

void sim_trace_u64(uint64_t value) {
    rolling = (rolling ^ value) * UINT64_C(0x9fb21c651e98df25);
    rolling ^= rolling >> 29;
}

uint64_t sim_trace_hash(void) {
    return rolling;
}

bool sim_is_verbose(void) {
    return is_verbose;
}

static void print_time(FILE *to) {
    fprintf(to, "[%10.4f] ", (double)sim_now_ns() / 1e9);
}

void sim_say(const char *format, ...) {
    if (!is_verbose) {
        return;
    }
    va_list arguments;
    print_time(stdout);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void sim_happened(enum sim_site site) {
    sites[site]++;
}

uint64_t sim_site_count(enum sim_site site) {
    return sites[site];
}

bool sim_sites_print(void) {
    static const struct {
        const char *name, *text;
    } texts[] = {
#define SIM_SITE_TEXT(name, text) {#name, text},
        SIM_SITES(SIM_SITE_TEXT)
#undef SIM_SITE_TEXT
    };
    bool all = true;
    for (size_t i = 0; i < SITE_COUNT; i++) {
        printf("  %10" PRIu64 "  %-22s %s\n", sites[i], texts[i].name, texts[i].text);
        all = all && sites[i] > 0;
    }
    return all;
}

void sim_event(void) {
    events_total++;
}

uint64_t sim_events_total(void) {
    return events_total;
}

void sim_broken(const char *invariant, const char *format, ...) {
    va_list arguments;
    fflush(stdout);
    print_time(stderr);
    fprintf(stderr, "BROKEN %s: ", invariant);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nreplay: %s\n", replay_line);
    exit(1);
}
