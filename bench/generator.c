#include "bench/generator.h"

#include "core/check.h"
#include "core/instant.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Share of each category in a thousand: rounds and collecting are most of a fleet's day. */
static const struct {
    const char *code, *severity;
    unsigned share;
} categories[] = {
    {"patrol", "minor", 380},           {"collect", "minor", 170},
    {"publicity", "minor", 60},         {"exposed_garbage", "moderate", 80},
    {"road_dirty", "moderate", 50},     {"dispute", "moderate", 40},
    {"service_request", "minor", 60},   {"appeal_general", "moderate", 40},
    {"streetlight", "minor", 25},       {"road_damage", "moderate", 25},
    {"illegal_building", "minor", 15},  {"utility_outage", "severe", 15},
    {"open_burning", "severe", 10},     {"ponding", "severe", 10},
    {"key_person_risk", "severe", 5},   {"manhole_missing", "extreme", 5},
    {"gas_leak", "extreme", 4},         {"forest_fire", "extreme", 4},
    {"person_in_danger", "extreme", 2},
};

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

static size_t pick_category(struct prng *prng) {
    uint64_t at = prng_below(prng, 1000);
    size_t i = 0;
    while (i + 1 < ARRAY_COUNT(categories) && at >= categories[i].share) {
        at -= categories[i].share;
        i++;
    }
    return i;
}

/* Nine of ten within the last ten minutes, the rest within the last day: devices that were out of
 * reach. */
static int64_t pick_time_ms(struct prng *prng, uint64_t now_ms) {
    uint64_t back_ms = prng_below(prng, 10) > 0 ? 600000 : DAY_MS;
    return (int64_t)(now_ms - prng_below(prng, back_ms));
}

size_t load_report(char to[REPORT_BYTES_MAX], struct prng *prng, uint64_t number,
                   const struct load_options *options) {
    uint64_t worker = prng_below(prng, 20000);
    size_t category = pick_category(prng);
    char *at = put_text(to, "{\"id\":\"");
    at = put_hex(at, options->seed * UINT64_C(0x9e3779b97f4a7c15) ^ options->now_ms);
    at = put_text(at, "-");
    at = put_digits(at, number, 10);
    at = put_text(at, "\",\"source\":\"fleet-");
    at = put_digits(at, worker % 16, 2);
    at = put_text(at, "\",\"category\":\"");
    at = put_text(at, categories[category].code);
    at = put_text(at, "\",\"occurred_at\":\"");
    instant_format(at, pick_time_ms(prng, options->now_ms));
    at = put_text(at + INSTANT_TEXT_BYTES, "\",\"grid\":\"");
    at = put_text(at, options->tree->grids[prng_below(prng, options->tree->grids_count)]);
    at = put_text(at, "\",\"severity\":\"");
    at = put_text(at, categories[category].severity);
    at = put_text(at, "\",\"channel\":\"handheld\",\"reporter\":\"w");
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
