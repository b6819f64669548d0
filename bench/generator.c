#include "bench/generator.h"

#include "core/base/check.h"
#include "core/text/instant.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct kind {
    const char *code, *severity;
    unsigned share; /* in a thousand */
};

/* The daily round: what is collected and made known opens no ticket. */
static const struct kind rounds[] = {
    {"patrol", "minor", 620},
    {"collect", "minor", 280},
    {"publicity", "minor", 100},
};

/* What several people report of one matter at one place; most can wait for days, few for minutes.
 */
static const struct kind matters[] = {
    {"exposed_garbage", NULL, 370}, {"road_dirty", NULL, 190},  {"road_damage", NULL, 120},
    {"streetlight", NULL, 90},      {"animal_pest", NULL, 40},  {"illegal_building", NULL, 40},
    {"ponding", NULL, 50},          {"open_burning", NULL, 40}, {"utility_outage", NULL, 40},
    {"manhole_missing", NULL, 10},  {"gas_leak", NULL, 4},      {"forest_fire", NULL, 4},
    {"person_in_danger", NULL, 2},
};

/* What one person asks for: each a matter of its own. */
static const struct kind requests[] = {
    {"service_request", NULL, 500}, {"dispute", NULL, 200}, {"appeal_general", NULL, 300}};

/* Of ten lines that open or join tickets one is a request. Six reports fall on a place, so that of
 * all these lines three join for one that opens. */
enum { REQUESTS_IN_TEN = 1, REPORTS_OF_PLACE = 6, CELL_M = 300, SPREAD_M = 40 };
#define DEGREES_PER_M (1.0 / 111194.9)

static const char *const texts[] = {
    "小区东门垃圾桶满溢，已通知保洁", "主干道路面有坑，车辆需绕行", "日常巡查，未发现异常",
    "楼道堆放杂物，已劝导清理",       "路灯不亮，影响夜间出行",     "邻里噪音纠纷，已现场调解",
    "入户走访独居老人，情况良好",     "雨后低洼路段积水约十厘米",
};

static char *put_text(char *to, const char *text) {
    return mempcpy(to, text, strlen(text));
}

/* `width` decimal digits, leading zeros kept. */
static char *put_digits(char *to, uint64_t value, int width) {
    for (int i = width - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + width;
}

static char *put_hex(char *to, uint64_t value) {
    for (int i = 15; i >= 0; i--) {
        to[i] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
    return to + 16;
}

static const struct kind *pick(struct prng *prng, const struct kind *kinds, size_t kinds_count) {
    uint64_t at = prng_below(prng, 1000);
    size_t i = 0;
    while (i + 1 < kinds_count && at >= kinds[i].share) {
        at -= kinds[i].share;
        i++;
    }
    return &kinds[i];
}

/* Nine of ten within the last ten minutes, the rest within the last day: devices that were out of
 * reach. */
static int64_t pick_time_ms(struct prng *prng, uint64_t now_ms) {
    uint64_t back_ms = prng_below(prng, 10) > 0 ? 600000 : DAY_MS;
    return (int64_t)(now_ms - prng_below(prng, back_ms));
}

/* What a line is about, and where. */
struct subject {
    const struct kind *kind;
    struct kind own; /* where kind points for the options' category */
    size_t grid;
    bool has_place;
    double lat, lon;
};

/* A place within its grid; grids lie on a square lattice. */
static void place_in_grid(struct subject *subject, struct prng *prng, size_t grids_count) {
    size_t side = 1;
    while (side * side < grids_count) {
        side++;
    }
    size_t row = subject->grid / side;
    double north_m = (double)row * CELL_M + (double)prng_below(prng, CELL_M);
    double east_m = (double)(subject->grid % side) * CELL_M + (double)prng_below(prng, CELL_M);
    subject->lat = 30 + north_m * DEGREES_PER_M;
    subject->lon = 114 + east_m * DEGREES_PER_M;
    subject->has_place = true;
}

/* A report of one of the matters. Its number gives all of it but what this reporter adds. */
static void pick_matter(struct subject *subject, struct prng *prng,
                        const struct load_options *options) {
    double lines = (double)options->lines * options->tickets_pct / 100 *
                   (1 - options->repeated_pct / 100) * (10 - REQUESTS_IN_TEN) / 10;
    uint64_t places = (uint64_t)(lines / REPORTS_OF_PLACE) + 1;
    struct prng place;
    prng_init(&place, (options->seed << 32) + prng_below(prng, places) + 1);
    subject->kind = pick(&place, matters, ARRAY_COUNT(matters));
    subject->grid = (size_t)prng_below(&place, options->tree->grids_count);
    place_in_grid(subject, &place, options->tree->grids_count);
    subject->lat += ((double)prng_below(prng, SPREAD_M) - SPREAD_M / 2.0) * DEGREES_PER_M;
    subject->lon += ((double)prng_below(prng, SPREAD_M) - SPREAD_M / 2.0) * DEGREES_PER_M;
}

static void pick_subject(struct subject *subject, struct prng *prng,
                         const struct load_options *options) {
    double at = (double)prng_below(prng, 1000000) / 10000;
    subject->has_place = false;
    subject->grid = (size_t)prng_below(prng, options->tree->grids_count);
    if (options->category != NULL && at < options->category_pct) {
        subject->own = (struct kind){options->category, NULL, 0};
        subject->kind = &subject->own;
        place_in_grid(subject, prng, options->tree->grids_count);
    } else if (at >= 100 - options->tickets_pct) {
        if (prng_below(prng, 10) < REQUESTS_IN_TEN) {
            subject->kind = pick(prng, requests, ARRAY_COUNT(requests));
            place_in_grid(subject, prng, options->tree->grids_count);
        } else {
            pick_matter(subject, prng, options);
        }
    } else {
        subject->kind = pick(prng, rounds, ARRAY_COUNT(rounds));
    }
}

static char *put_degrees(char *to, double degrees) {
    uint64_t micro = (uint64_t)(degrees * 1e6 + 0.5);
    to = put_digits(to, micro / 1000000, micro >= 100000000 ? 3 : 2);
    *to++ = '.';
    return put_digits(to, micro % 1000000, 6);
}

/* As long with a place as without, within a few bytes. */
static char *put_subject(char *at, const struct subject *subject) {
    if (subject->has_place) {
        at = put_text(at, "\",\"location\":{\"lat\":");
        at = put_degrees(at, subject->lat);
        at = put_text(at, ",\"lon\":");
        at = put_degrees(at, subject->lon);
        return put_text(at, "},\"reporter\":\"w");
    }
    at = put_text(at, "\",\"severity\":\"");
    at = put_text(at, subject->kind->severity);
    return put_text(at, "\",\"channel\":\"handheld\",\"reporter\":\"w");
}

size_t load_report(char to[REPORT_BYTES_MAX], struct prng *prng, uint64_t number,
                   const struct load_options *options) {
    uint64_t worker = prng_below(prng, 20000);
    struct subject subject;
    pick_subject(&subject, prng, options);
    char *at = put_text(to, "{\"id\":\"");
    at = put_hex(at, options->seed * UINT64_C(0x9e3779b97f4a7c15) ^ options->now_ms);
    at = put_text(at, "-");
    at = put_digits(at, number, 10);
    at = put_text(at, "\",\"source\":\"fleet-");
    at = put_digits(at, worker % 16, 2);
    at = put_text(at, "\",\"category\":\"");
    at = put_text(at, subject.kind->code);
    at = put_text(at, "\",\"occurred_at\":\"");
    instant_format(at, pick_time_ms(prng, options->now_ms));
    at = put_text(at + INSTANT_TEXT_BYTES, "\",\"grid\":\"");
    at = put_text(at, options->tree->grids[subject.grid]);
    at = put_subject(at, &subject);
    at = put_digits(at, worker, 6);
    at = put_text(at, "\",\"text\":\"");
    at = put_text(at, texts[prng_below(prng, ARRAY_COUNT(texts))]);
    at = put_text(at, "\"}");
    CHECK(at - to <= REPORT_BYTES_MAX);
    return (size_t)(at - to);
}

bool load_make(struct load *ret, const struct load_options *options) {
    struct load load = {.lines = options->lines};
    size_t room = (size_t)(options->lines + 1) * REPORT_BYTES_MAX;
    load.offsets = malloc((size_t)(options->lines + 1) * sizeof *load.offsets);
    /* Only what is written to takes memory. */
    load.bytes = mmap(NULL, room, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (load.offsets == NULL || load.bytes == MAP_FAILED) {
        free(load.offsets);
        return false;
    }
    struct prng prng;
    prng_init(&prng, options->seed);
    uint64_t repeated_share = (uint64_t)(options->repeated_pct / 100 * 0x1p32);
    for (uint64_t line = 0; line < options->lines; line++) {
        uint8_t *to = load.bytes + load.bytes_count;
        load.offsets[line] = load.bytes_count;
        if (line > 0 && prng_next(&prng) >> 32 < repeated_share) {
            uint64_t earlier = prng_below(&prng, line);
            size_t bytes = (size_t)(load.offsets[earlier + 1] - load.offsets[earlier]);
            memcpy(to, load.bytes + load.offsets[earlier], bytes);
            load.bytes_count += bytes;
            load.repeated++;
        } else {
            size_t bytes = load_report((char *)to, &prng, line, options);
            to[bytes] = '\n';
            load.bytes_count += bytes + 1;
        }
        load.offsets[line + 1] = load.bytes_count;
    }
    *ret = load;
    return true;
}

void load_free(struct load *load) {
    if (load->bytes != NULL) {
        munmap(load->bytes, (size_t)(load->lines + 1) * REPORT_BYTES_MAX);
    }
    free(load->offsets);
    *load = (struct load){0};
}

struct slice load_body(const struct load *load, uint64_t first, uint64_t count) {
    CHECK(first + count <= load->lines);
    uint64_t begin = load->offsets[first];
    return (struct slice){load->bytes + begin, (size_t)(load->offsets[first + count] - begin)};
}
