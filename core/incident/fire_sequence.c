#include "core/incident/fire_sequence.h"

#include <string.h>

enum { CONFIRM_MS_MAX = FIRE_CONFIRM_S_MAX * 1000 };
_Static_assert(FIRE_CONFIRM_S_MAX < SEQUENCE_NO_FRAME / 1000,
               "a frame that counts fits in 32 bits");

static uint64_t area_of(const uint16_t box[4]) {
    CHECK(box[0] <= box[2] && box[1] <= box[3]);
    return (uint64_t)(box[2] - box[0]) * (uint64_t)(box[3] - box[1]);
}

static uint16_t lower(uint16_t a, uint16_t b) {
    return a < b ? a : b;
}

static uint16_t higher(uint16_t a, uint16_t b) {
    return a > b ? a : b;
}

unsigned boxes_overlap_permille(const uint16_t a[4], const uint16_t b[4]) {
    const uint16_t both[4] = {higher(a[0], b[0]), higher(a[1], b[1]), lower(a[2], b[2]),
                              lower(a[3], b[3])};
    if (both[0] >= both[2] || both[1] >= both[3]) {
        return 0;
    }
    uint64_t shared = area_of(both);
    return (unsigned)(shared * 1000 / (area_of(a) + area_of(b) - shared));
}

static int64_t apart_ms(int64_t a_ms, int64_t b_ms) {
    return a_ms < b_ms ? b_ms - a_ms : a_ms - b_ms;
}

const struct sequence *fire_sequence_of(const struct fire *fire, const struct sighting *sighting,
                                        const struct fire_rules *rules) {
    const struct observation *observation = &sighting->observation;
    const struct sequence *found = NULL;
    unsigned most = 0;
    for (unsigned i = 0; observation->view != 0 && i < fire->sequences_count; i++) {
        const struct sequence *sequence = &fire->sequences[i];
        if (sequence->view != observation->view ||
            apart_ms(sequence->last_ms, sighting->occurred_ms) >
                (int64_t)rules->sequence_gap_s * 1000) {
            continue;
        }
        unsigned overlap = boxes_overlap_permille(sequence->box, observation->box);
        if (overlap >= rules->overlap_percent * 10 && overlap > most) {
            found = sequence;
            most = overlap;
        }
    }
    return found;
}

/* Newest first. An older frame than those kept cannot make a difference any more. */
static bool put_frame(struct sequence *sequence, int64_t at_ms) {
    int64_t kept_ms[FIRE_FRAMES_MAX + 1] = {sequence->last_ms};
    size_t count = 1;
    for (size_t i = 0; i < FIRE_FRAMES_MAX - 1 && sequence->before_ms[i] != SEQUENCE_NO_FRAME;
         i++) {
        kept_ms[count++] = sequence->last_ms - (int64_t)sequence->before_ms[i];
    }
    size_t at = 0;
    while (at < count && kept_ms[at] > at_ms) {
        at++;
    }
    if (at < count && kept_ms[at] == at_ms) {
        return false;
    }
    memmove(&kept_ms[at + 1], &kept_ms[at], (count - at) * sizeof kept_ms[0]);
    kept_ms[at] = at_ms;
    count++;
    sequence->last_ms = kept_ms[0];
    for (size_t i = 0; i < FIRE_FRAMES_MAX - 1; i++) {
        int64_t before_ms = i + 1 < count ? kept_ms[0] - kept_ms[i + 1] : INT64_MAX;
        sequence->before_ms[i] =
            before_ms <= CONFIRM_MS_MAX ? (uint32_t)before_ms : SEQUENCE_NO_FRAME;
    }
    return true;
}

static bool is_confirmed(const struct sequence *sequence, const struct fire_rules *rules) {
    CHECK(rules->confirm_frames >= 1 && rules->confirm_frames <= FIRE_FRAMES_MAX);
    for (size_t first = 0; first + rules->confirm_frames <= FIRE_FRAMES_MAX; first++) {
        size_t last = first + rules->confirm_frames - 1;
        uint32_t first_ms = first == 0 ? 0 : sequence->before_ms[first - 1];
        uint32_t last_ms = last == 0 ? 0 : sequence->before_ms[last - 1];
        if (last_ms != SEQUENCE_NO_FRAME && last_ms - first_ms <= rules->confirm_within_s * 1000U) {
            return true;
        }
    }
    return false;
}

/* Whoever is still going on stays: with more cameras than places, those that are there get their
 * frames together. */
static struct sequence *take_place(struct fire *fire, int64_t at_ms,
                                   const struct fire_rules *rules) {
    if (fire->sequences_count < FIRE_SEQUENCES_MAX) {
        return &fire->sequences[fire->sequences_count++];
    }
    struct sequence *oldest = &fire->sequences[0];
    for (unsigned i = 1; i < FIRE_SEQUENCES_MAX; i++) {
        if (fire->sequences[i].last_ms < oldest->last_ms) {
            oldest = &fire->sequences[i];
        }
    }
    return at_ms - oldest->last_ms > (int64_t)rules->sequence_gap_s * 1000 ? oldest : NULL;
}

static void begin_sequence(struct sequence *sequence, const struct sighting *sighting) {
    *sequence = (struct sequence){
        .view = sighting->observation.view, .last_ms = sighting->occurred_ms, .frames_count = 1};
    memcpy(sequence->box, sighting->observation.box, sizeof sequence->box);
    for (size_t i = 0; i < FIRE_FRAMES_MAX - 1; i++) {
        sequence->before_ms[i] = SEQUENCE_NO_FRAME;
    }
}

bool fire_add_frame(struct fire *fire, const struct sighting *sighting,
                    const struct fire_rules *rules) {
    if (sighting->observation.view == 0) {
        return false;
    }
    const struct sequence *found = fire_sequence_of(fire, sighting, rules);
    struct sequence *sequence = NULL;
    if (found == NULL) {
        sequence = take_place(fire, sighting->occurred_ms, rules);
        if (sequence == NULL) {
            return false;
        }
        begin_sequence(sequence, sighting);
        return is_confirmed(sequence, rules);
    }
    sequence = &fire->sequences[found - fire->sequences];
    int64_t newest_ms = sequence->last_ms;
    if (put_frame(sequence, sighting->occurred_ms)) {
        sequence->frames_count++;
        if (sighting->occurred_ms > newest_ms) {
            memcpy(sequence->box, sighting->observation.box, sizeof sequence->box);
        }
    }
    return is_confirmed(sequence, rules);
}

void fire_absorb_sequences(struct fire *survivor, const struct fire *merged) {
    for (unsigned i = 0; i < merged->sequences_count; i++) {
        if (survivor->sequences_count < FIRE_SEQUENCES_MAX) {
            survivor->sequences[survivor->sequences_count++] = merged->sequences[i];
        }
    }
}
