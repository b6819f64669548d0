#include "server/replay/compare.h"

#include "core/base/check.h"

#include <stdlib.h>

/* Reports. */

/* A report's incident under both; 0: none, it is alone there. */
struct placed {
    uint64_t here, there;
    uint32_t line;
};

static int compare_u64(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int by_incidents(const void *a, const void *b) {
    const struct placed *left = a, *right = b;
    int order = compare_u64(left->here, right->here);
    order = order != 0 ? order : compare_u64(left->there, right->there);
    return order != 0 ? order : compare_u64(left->line, right->line);
}

/* Both books' reports by line. */
static struct placed *place(const struct book *a, const struct book *b, size_t *ret_count) {
    size_t a_count = book_reports_count(a), b_count = book_reports_count(b), count = 0;
    struct placed *placed = malloc((a_count + b_count + 1) * sizeof *placed);
    CHECK(placed != NULL);
    for (size_t i = 0, k = 0; i < a_count || k < b_count; count++) {
        const struct book_report *left = i < a_count ? &book_reports(a)[i] : NULL;
        const struct book_report *right = k < b_count ? &book_reports(b)[k] : NULL;
        uint32_t left_line = left != NULL ? left->line : UINT32_MAX;
        uint32_t right_line = right != NULL ? right->line : UINT32_MAX;
        uint32_t line = left_line < right_line ? left_line : right_line;
        placed[count] = (struct placed){.line = line};
        if (left != NULL && left->line == line) {
            placed[count].here = book_incident_of(a, left);
            i++;
        }
        if (right != NULL && right->line == line) {
            placed[count].there = book_incident_of(b, right);
            k++;
        }
    }
    *ret_count = count;
    return placed;
}

static uint64_t pairs_of(uint64_t count) {
    return count * (count - 1) / 2;
}

static void write_pair(struct json_out *json, const struct placed *a, const struct placed *b) {
    json_out_object_begin(json);
    json_out_key(json, "lines");
    json_out_array_begin(json);
    json_out_u64(json, min_u64(a->line, b->line));
    json_out_u64(json, max_u64(a->line, b->line));
    json_out_array_end(json);
    json_out_name(json, "incident", 'i', a->here);
    json_out_object_end(json);
}

/* Pairs that are together here and apart there. `placed` is in the order of by_incidents: one
 * incident's reports are together, and of these the ones that are together there too. */
static void write_joined_here(struct json_out *json, const struct placed *placed, size_t count) {
    uint64_t pairs = 0, divided = 0, listed = 0;
    json_out_key(json, "some");
    json_out_array_begin(json);
    for (size_t begin = 0, end; begin < count; begin = end) {
        uint64_t together = 0;
        for (end = begin; end < count && placed[end].here == placed[begin].here;) {
            size_t part = end;
            do {
                end++;
            } while (end < count && placed[end].here == placed[part].here &&
                     placed[end].there == placed[part].there && placed[part].there != 0);
            together += pairs_of(end - part);
            if (part > begin && placed[begin].here != 0 && listed < REPLAY_DIFFERENCES_MAX) {
                write_pair(json, &placed[begin], &placed[part]);
                listed++;
            }
        }
        if (placed[begin].here != 0) {
            uint64_t apart = pairs_of(end - begin) - together;
            pairs += apart;
            divided += apart > 0 ? 1 : 0;
        }
    }
    json_out_array_end(json);
    json_out_key(json, "pairs");
    json_out_u64(json, pairs);
    json_out_key(json, "incidents_divided");
    json_out_u64(json, divided);
}

static void write_merges(struct json_out *json, const struct book *a, const struct book *b) {
    static const char *const names[] = {"only_joined_under_policy",
                                        "only_joined_under_compare_policy"};
    json_out_key(json, "merges");
    json_out_object_begin(json);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        size_t count;
        struct placed *placed = place(i == 0 ? a : b, i == 0 ? b : a, &count);
        qsort(placed, count, sizeof *placed, by_incidents);
        json_out_key(json, names[i]);
        json_out_object_begin(json);
        write_joined_here(json, placed, count);
        json_out_object_end(json);
        free(placed);
    }
    json_out_object_end(json);
}

/* Tickets. */

static int by_line(const void *a, const void *b) {
    const struct book_ticket *left = a, *right = b;
    int order = compare_u64(left->line, right->line);
    order = order != 0 ? order : compare_u64(left->category_tag, right->category_tag);
    return order != 0 ? order : compare_u64(left->number, right->number);
}

static struct book_ticket *sorted_tickets(const struct book *book) {
    size_t count = book_tickets_count(book);
    struct book_ticket *tickets = malloc((count + 1) * sizeof *tickets);
    CHECK(tickets != NULL);
    for (size_t i = 0; i < count; i++) {
        tickets[i] = book_tickets(book)[i];
    }
    qsort(tickets, count, sizeof *tickets, by_line);
    return tickets;
}

static bool same_matter(const struct book_ticket *a, const struct book_ticket *b) {
    return a->line == b->line && a->category_tag == b->category_tag;
}

/* Stages whose limit passed, now or before. */
static uint32_t late_stages(const struct book_ticket *ticket) {
    return (uint32_t)ticket->stages_late | ticket->overdue;
}

static void write_late(struct json_out *json, const struct book_ticket *ticket) {
    json_out_object_begin(json);
    json_out_key(json, "line");
    json_out_u64(json, ticket->line);
    json_out_name(json, "ticket", 't', ticket->number);
    json_out_key(json, "stages");
    json_out_array_begin(json);
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
        if ((late_stages(ticket) >> stage & 1) != 0) {
            json_out_text(json, stage_name((enum stage)stage));
        }
    }
    json_out_array_end(json);
    json_out_object_end(json);
}

struct tickets {
    const struct book_ticket *of;
    size_t count;
};

/* Of the tickets here: late here and not there, and not there at all. */
static void write_only_here(struct json_out *json, struct tickets here, struct tickets there) {
    uint64_t late = 0, overall = 0, absent = 0;
    json_out_key(json, "some");
    json_out_array_begin(json);
    for (size_t i = 0, k = 0; i < here.count; i++) {
        const struct book_ticket *ticket = &here.of[i];
        while (k < there.count && by_line(&there.of[k], ticket) < 0 &&
               !same_matter(&there.of[k], ticket)) {
            k++;
        }
        if (k == there.count || !same_matter(&there.of[k], ticket)) {
            absent++;
            continue;
        }
        const struct book_ticket *other = &there.of[k++];
        bool overall_here = (late_stages(ticket) >> STAGE_OVERALL & 1) != 0;
        bool overall_there = (late_stages(other) >> STAGE_OVERALL & 1) != 0;
        overall += overall_here && !overall_there ? 1 : 0;
        if (late_stages(ticket) != 0 && late_stages(other) == 0) {
            if (late < REPLAY_DIFFERENCES_MAX) {
                write_late(json, ticket);
            }
            late++;
        }
    }
    json_out_array_end(json);
    json_out_key(json, "late");
    json_out_u64(json, late);
    json_out_key(json, "late_overall");
    json_out_u64(json, overall);
    json_out_key(json, "not_there_otherwise");
    json_out_u64(json, absent);
}

static void write_tickets(struct json_out *json, const struct book *a, const struct book *b) {
    struct book_ticket *left = sorted_tickets(a), *right = sorted_tickets(b);
    struct tickets under_policy = {left, book_tickets_count(a)};
    struct tickets under_other = {right, book_tickets_count(b)};
    json_out_key(json, "tickets");
    json_out_object_begin(json);
    json_out_key(json, "only_under_policy");
    json_out_object_begin(json);
    write_only_here(json, under_policy, under_other);
    json_out_object_end(json);
    json_out_key(json, "only_under_compare_policy");
    json_out_object_begin(json);
    write_only_here(json, under_other, under_policy);
    json_out_object_end(json);
    json_out_object_end(json);
    free(left);
    free(right);
}

void replay_compare_write(struct json_out *json, const struct book *a, const struct book *b) {
    json_out_object_begin(json);
    write_merges(json, a, b);
    write_tickets(json, a, b);
    json_out_object_end(json);
}
