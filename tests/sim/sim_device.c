/* Devices: each makes reports and sends them until they are acknowledged, some of them again after
 * that, under the same ids. They lose answers, hang up, say twice what they said, and lie. */
#include "core/base/check.h"
#include "tests/sim/sim_loop.h"
#include "tests/sim/sim_outside.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NS_PER_MS = 1000000,
    UPLOAD_LINES_MAX = 40,
    LINE_BYTES_MAX = 400,
    INVALID_LINE = -1,
};

struct upload_line {
    int report; /* or INVALID_LINE */
    uint32_t variant;
    bool answered;
    enum verdict verdict;
    uint64_t seq;
};

/* What server/api/api_reports.c keeps of an upload, and what the device knows about it. */
struct device {
    struct devices *devices;
    uint32_t number, made; /* reports it has made */
    bool scheduled;
    /* The upload under way. */
    bool busy, waiting;
    uint64_t wait_seq;
    struct intake_client client;
    struct commit_waiter waiter;
    size_t lines_count, answered_count;
    struct upload_line lines[UPLOAD_LINES_MAX];
    char text[UPLOAD_LINES_MAX][LINE_BYTES_MAX];
};

struct devices {
    struct sim_outside outside;
    struct device *all;
    bool settling;
};

static void act(void *context);

static void schedule(struct device *device, uint64_t delay_ns) {
    CHECK(!device->scheduled);
    device->scheduled = true;
    sim_later(delay_ns, act, device);
}

static struct model_report *report_of(const struct device *device, uint32_t id) {
    const struct devices *devices = device->devices;
    return &devices->outside.model->reports[device->number * devices->outside.swarm->ids + id];
}

static void make_report(struct device *device) {
    const struct sim_swarm *swarm = device->devices->outside.swarm;
    struct model_report *report = report_of(device, device->made);
    int64_t now_ms = sim_wall_ms();
    *report = (struct model_report){
        .device = device->number,
        .id = device->made,
        .category = (uint32_t)sim_below(STREAM_WORK, 5),
        .region = (uint32_t)sim_below(STREAM_WORK, MODEL_REGIONS),
        .occurred_ms = now_ms - (int64_t)sim_below(STREAM_WORK, 4000),
        .far_ahead = sim_chance(STREAM_WORK, swarm->suspects),
    };
    if (report->far_ahead) {
        report->occurred_ms = now_ms + 600000;
    }
    report->occurred_ms = report->occurred_ms < 0 ? 0 : report->occurred_ms;
    device->made++;
}

static bool is_in_upload(const struct device *device, uint32_t id) {
    uint32_t index = device->number * device->devices->outside.swarm->ids + id;
    for (size_t i = 0; i < device->lines_count; i++) {
        if (device->lines[i].report == (int)index) {
            return true;
        }
    }
    return false;
}

/* Which of its reports a line is about: a new one, one that still waits, or any again. */
static bool choose(struct device *device, uint32_t *ret_id) {
    const struct sim_swarm *swarm = device->devices->outside.swarm;
    bool settling = device->devices->settling;
    if (!settling && device->made > 0 && sim_chance(STREAM_WORK, swarm->repeats)) {
        *ret_id = (uint32_t)sim_below(STREAM_WORK, device->made);
        return true;
    }
    for (uint32_t id = 0; id < device->made; id++) {
        if (report_of(device, id)->acked_seq == 0 && !is_in_upload(device, id) &&
            (settling || sim_chance(STREAM_WORK, 700))) {
            *ret_id = id;
            return true;
        }
    }
    if (settling || device->made == swarm->ids) {
        return false;
    }
    make_report(device);
    *ret_id = device->made - 1;
    return true;
}

static void add_line(struct device *device, uint32_t id) {
    const struct sim_swarm *swarm = device->devices->outside.swarm;
    struct upload_line *line = &device->lines[device->lines_count];
    struct model_report *report = report_of(device, id);
    uint32_t variant = report->acked_seq != 0 ? report->acked_variant : 0;
    if (!device->devices->settling && sim_chance(STREAM_WORK, swarm->lies)) {
        variant = 1 + (uint32_t)sim_below(STREAM_WORK, 3);
    }
    report->sent = true;
    *line = (struct upload_line){
        .report = (int)(device->number * swarm->ids + id),
        .variant = variant,
    };
    model_line(device->text[device->lines_count], LINE_BYTES_MAX, report, variant);
    device->lines_count++;
}

static void add_invalid(struct device *device) {
    static const char *const texts[] = {"{\"id\":\"e1\"}", "[]", "{\"category\":\"leak\"",
                                        "{\"category\":\"nothing\",\"grid\":\"r1\"}"};
    device->lines[device->lines_count] = (struct upload_line){.report = INVALID_LINE};
    snprintf(device->text[device->lines_count], LINE_BYTES_MAX, "%s",
             texts[sim_below(STREAM_WORK, ARRAY_COUNT(texts))]);
    device->lines_count++;
}

static void fill_upload(struct device *device) {
    const struct sim_swarm *swarm = device->devices->outside.swarm;
    size_t lines = sim_chance(STREAM_WORK, 300) ? 1 : sim_between(STREAM_WORK, 1, UPLOAD_LINES_MAX);
    device->lines_count = device->answered_count = 0;
    device->wait_seq = 0;
    uint32_t id;
    while (device->lines_count < lines && choose(device, &id)) {
        if (is_in_upload(device, id)) {
            if (device->devices->settling || !sim_chance(STREAM_WORK, swarm->twice)) {
                break;
            }
            sim_happened(SITE_TWICE_IN_UPLOAD);
        }
        add_line(device, id);
        if (device->lines_count < lines && sim_chance(STREAM_WORK, swarm->invalids)) {
            add_invalid(device);
        }
    }
}

static void end_upload(struct device *device) {
    device->busy = device->waiting = false;
    uint64_t pause_ms = 2000 / device->devices->outside.swarm->uploads_per_s;
    schedule(device, sim_between(STREAM_WORK, 1, pause_ms) * NS_PER_MS);
}

/* The answer is on its way; now and then it never arrives. */
static void answered(struct device *device) {
    const struct sim_outside *outside = &device->devices->outside;
    if (sim_chance(STREAM_WORK, outside->swarm->forgets)) {
        sim_happened(SITE_ACK_LOST);
        end_upload(device);
        return;
    }
    INVARIANT("I11", device->answered_count == device->lines_count,
              "%zu lines were sent, %zu answered", device->lines_count, device->answered_count);
    for (size_t i = 0; i < device->lines_count; i++) {
        const struct upload_line *line = &device->lines[i];
        if (line->report != INVALID_LINE) {
            model_acked(outside->model, (size_t)line->report, line->variant, line->verdict,
                        line->seq, outside->server->starts);
        }
    }
    sim_say("device %u: %zu lines acknowledged", device->number, device->lines_count);
    end_upload(device);
}

static void on_durable(struct commit_waiter *waiter, enum status status) {
    struct device *device =
        (struct device *)(void *)((char *)waiter - offsetof(struct device, waiter));
    device->waiting = false;
    if (status == STATUS_OK) {
        answered(device);
    } else {
        end_upload(device);
    }
}

static void on_result(void *context, const struct intake_result *result) {
    struct device *device = context;
    struct upload_line *line = &device->lines[result->line - 1];
    INVARIANT("I11", result->line == device->answered_count + 1 && !line->answered,
              "line %llu is answered out of turn", (unsigned long long)result->line);
    INVARIANT("I11", (line->report == INVALID_LINE) == (result->verdict == VERDICT_INVALID),
              "line '%s' is %s", device->text[result->line - 1], verdict_name(result->verdict));
    device->answered_count++;
    line->answered = true;
    line->verdict = result->verdict;
    line->seq = result->seq;
    device->wait_seq = max_u64(device->wait_seq, result->seq);
    if (result->verdict == VERDICT_INVALID) {
        sim_happened(SITE_INVALID);
    } else if ((result->report->entry.flags & ENTRY_CLOCK_SUSPECT) != 0) {
        sim_happened(SITE_SUSPECT);
    }
    sim_event();
}

static void wait_for_commit(struct device *device) {
    struct committer *committer = device->devices->outside.server->services.committer;
    if (device->wait_seq <= committer_durable_seq(committer)) {
        answered(device);
        return;
    }
    device->waiter = (struct commit_waiter){.seq = device->wait_seq, .call = on_durable};
    device->waiting = true;
    committer_wait(committer, &device->waiter);
}

static void on_ready(void *context, enum status status) {
    struct device *device = context;
    if (status == STATUS_OK) {
        wait_for_commit(device);
    } else {
        end_upload(device); /* 503: all of it again */
    }
}

static void hang_up(struct device *device) {
    struct sim_server *server = device->devices->outside.server;
    intake_abandon(&device->client);
    if (device->waiting) {
        committer_unwait(server->services.committer, &device->waiter);
    }
    end_upload(device);
}

static void maybe_hang_up(void *context) {
    struct device *device = context;
    if (device->busy && !device->scheduled && device->devices->outside.server->up) {
        sim_happened(SITE_ABANDONED);
        hang_up(device);
    }
}

static void send_upload(struct device *device) {
    const struct sim_outside *outside = &device->devices->outside;
    struct intake_line lines[UPLOAD_LINES_MAX];
    for (size_t i = 0; i < device->lines_count; i++) {
        lines[i] = (struct intake_line){.text = slice_text(device->text[i]), .number = i + 1};
    }
    device->client =
        (struct intake_client){.context = device, .on_result = on_result, .on_ready = on_ready};
    device->busy = true;
    sim_event();
    if (intake_take(outside->server->services.intake, &device->client, lines,
                    device->lines_count) == INTAKE_DONE) {
        wait_for_commit(device);
    } else {
        sim_happened(SITE_LOOKED_UP);
    }
    if (device->busy && sim_chance(STREAM_WORK, outside->swarm->abandons)) {
        sim_later(sim_between(STREAM_NET, 1000, 8 * NS_PER_MS), maybe_hang_up, device);
    }
}

static void act(void *context) {
    struct device *device = context;
    const struct sim_server *server = device->devices->outside.server;
    device->scheduled = false;
    if (!server->up || server->services.not_ready != NULL || server->paused ||
        region_count(regions_current(server->services.regions)->table) == 0) {
        schedule(device, sim_between(STREAM_NET, 50, 300) * NS_PER_MS);
        return;
    }
    fill_upload(device);
    if (device->lines_count == 0) {
        schedule(device, sim_between(STREAM_NET, 200, 1000) * NS_PER_MS);
        return;
    }
    send_upload(device);
}

struct devices *devices_new(const struct sim_outside *outside) {
    struct devices *devices = calloc(1, sizeof *devices);
    CHECK(devices != NULL);
    devices->outside = *outside;
    devices->all = calloc(outside->swarm->devices, sizeof *devices->all);
    CHECK(devices->all != NULL);
    for (uint32_t i = 0; i < outside->swarm->devices; i++) {
        devices->all[i].devices = devices;
        devices->all[i].number = i;
        schedule(&devices->all[i], sim_between(STREAM_NET, 1, 1000) * NS_PER_MS);
    }
    return devices;
}

void devices_free(struct devices *devices) {
    free(devices->all);
    free(devices);
}

void devices_drop(struct devices *devices) {
    for (uint32_t i = 0; i < devices->outside.swarm->devices; i++) {
        if (devices->all[i].busy) {
            hang_up(&devices->all[i]);
        }
    }
}

void devices_settle(struct devices *devices) {
    devices->settling = true;
}

bool devices_are_settled(const struct devices *devices) {
    for (uint32_t i = 0; i < devices->outside.swarm->devices; i++) {
        const struct device *device = &devices->all[i];
        for (uint32_t id = 0; id < device->made; id++) {
            if (report_of(device, id)->acked_seq == 0) {
                return false;
            }
        }
    }
    return true;
}
