#include "server/domain/ticket_json.h"

enum { HOUR_S = 3600 };

/* An amount in the clock's own unit (hours or days), and in seconds where it is hours. */
static void write_amount(struct json_out *out, const char *key, const char *key_s,
                         const struct ticket_clock_view *clock, int64_t units) {
    bool is_days = clock->metering == METERING_WORK_DAY;
    double amount = (double)units / (double)clock->scale;
    json_out_key(out, key);
    json_out_double(out, is_days ? amount : amount / HOUR_S);
    if (!is_days) {
        json_out_key(out, key_s);
        json_out_double(out, amount);
    }
}

static void write_pieces(struct json_out *out, const struct ticket_view *view,
                         const struct ticket_clock_view *clock) {
    struct ticket_clock_walk walk;
    struct ticket_clock_piece piece;
    size_t count = 0;
    bool more;
    json_out_key(out, "intervals");
    json_out_array_begin(out);
    ticket_clock_walk_init(&walk, &view->context, &view->ticket, clock, view->context.now_ms);
    while ((more = ticket_clock_walk_next(&walk, &piece)) && count++ < CLOCK_PIECES_MAX) {
        json_out_object_begin(out);
        json_out_key_text(out, "kind", piece.kind);
        json_out_instant_or_null(out, "from", piece.from_ms);
        json_out_instant_or_null(out, "to", piece.to_ms);
        write_amount(out, "counted", "counted_s", clock, piece.units);
        json_out_object_end(out);
    }
    json_out_array_end(out);
    json_out_key_bool(out, "intervals_truncated", more);
}

static void write_clock(struct json_out *out, const struct ticket_view *view,
                        const struct ticket_clock_view *clock) {
    bool is_days = clock->metering == METERING_WORK_DAY;
    int64_t limit_units = clock->limit * clock->scale;
    int64_t left_units = limit_units - clock->consumed_units;
    uint32_t unit_tag = clock->unit_tag != 0 ? clock->unit_tag : view->ticket.unit_tag;
    json_out_object_begin(out);
    json_out_key_text(out, "stage", stage_name(clock->stage));
    ticket_json_unit(out, "handler", view->context.policy, unit_tag);
    json_out_key_bool(out, "co_handler", clock->unit_tag != 0);
    json_out_key_text(out, "unit", metering_name(clock->metering));
    json_out_key_text(out, "day_rule", is_days ? day_rule_name(clock->day_rule) : NULL);
    write_amount(out, "limit", "limit_s", clock, limit_units);
    write_amount(out, "consumed", "consumed_s", clock, clock->consumed_units);
    write_amount(out, "remaining", "remaining_s", clock, left_units > 0 ? left_units : 0);
    json_out_instant_or_null(out, "started_at", clock->started_ms);
    json_out_instant_or_null(out, "due_at", clock->due_ms);
    json_out_key_text(out, "light", light_name(clock->light));
    json_out_key_bool(out, "paused", !clock->is_running);
    write_pieces(out, view, clock);
    json_out_object_end(out);
}

void ticket_json_clocks(struct json_out *out, const struct ticket_view *view) {
    struct ticket_clock_view clock;
    json_out_key(out, "clocks");
    json_out_array_begin(out);
    for (size_t i = 0; ticket_clock_explain(&view->context, &view->ticket, i, &clock); i++) {
        write_clock(out, view, &clock);
    }
    json_out_array_end(out);
}
