#include "core/base/bytes.h"
#include "core/ticket/directive.h"

enum { ROW_VERSION = 1 };

void directive_key_encode(uint8_t to[DIRECTIVE_KEY_BYTES], uint64_t number) {
    CHECK(number != 0);
    store_u64_be(to, number);
}

/* 0 u8 version = 1 | 1 u8 priority | 2 u8 severity | 3 u8 0 | 4 u32 addressees_count | 8 u64 number
 * | 16 u64 last_event_seq | 24 u64 issuer | 32 i64 issued_ms | 40 i64 done_ms | 48 u32 category_tag
 * | 52 u32 region | 56 u32 receipted | 60 u32 receipted_late | 64 u32 done | 68 u32 done_late | 72
 * u32 returned | 76 u32 voided | 80 u64 0 */
void directive_row_encode(uint8_t to[DIRECTIVE_ROW_BYTES], const struct directive *directive) {
    const uint64_t wide[] = {directive->number, directive->last_event_seq, directive->issuer,
                             (uint64_t)directive->issued_ms, (uint64_t)directive->done_ms};
    const uint32_t narrow[] = {directive->category_tag,    directive->region,
                               directive->share.receipted, directive->share.receipted_late,
                               directive->share.done,      directive->share.done_late,
                               directive->share.returned,  directive->share.voided};
    to[0] = ROW_VERSION;
    to[1] = directive->priority;
    to[2] = directive->severity;
    to[3] = 0;
    store_u32_le(to + 4, directive->addressees_count);
    for (size_t i = 0; i < ARRAY_COUNT(wide); i++) {
        store_u64_le(to + 8 + 8 * i, wide[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(narrow); i++) {
        store_u32_le(to + 48 + 4 * i, narrow[i]);
    }
    store_u64_le(to + 80, 0);
}

static bool share_is_sound(const struct directive_share *share, uint32_t count) {
    return share->receipted <= count && share->receipted_late <= share->receipted &&
           share->done + share->voided <= count && share->done_late <= share->done &&
           share->returned <= count && share->done <= count;
}

enum status directive_row_decode(struct directive *ret, struct slice from) {
    const uint8_t *at = from.data;
    if (from.bytes != DIRECTIVE_ROW_BYTES) {
        return STATUS_CORRUPT;
    }
    if (at[0] != ROW_VERSION) {
        return STATUS_VERSION;
    }
    struct directive directive = {.number = load_u64_le(at + 8),
                                  .last_event_seq = load_u64_le(at + 16),
                                  .issuer = load_u64_le(at + 24),
                                  .issued_ms = (int64_t)load_u64_le(at + 32),
                                  .done_ms = (int64_t)load_u64_le(at + 40),
                                  .category_tag = load_u32_le(at + 48),
                                  .region = load_u32_le(at + 52),
                                  .addressees_count = load_u32_le(at + 4),
                                  .priority = at[1],
                                  .severity = at[2],
                                  .share = {.receipted = load_u32_le(at + 56),
                                            .receipted_late = load_u32_le(at + 60),
                                            .done = load_u32_le(at + 64),
                                            .done_late = load_u32_le(at + 68),
                                            .returned = load_u32_le(at + 72),
                                            .voided = load_u32_le(at + 76)}};
    if (directive.number == 0 || directive.priority < 1 || directive.priority > 4 || at[3] != 0 ||
        load_u64_le(at + 80) != 0 ||
        !share_is_sound(&directive.share, directive.addressees_count)) {
        return STATUS_CORRUPT;
    }
    *ret = directive;
    return STATUS_OK;
}

void addressee_key_encode(uint8_t to[ADDRESSEE_KEY_BYTES], uint64_t directive, uint32_t index) {
    CHECK(directive != 0);
    store_u64_be(to, directive);
    store_u32_be(to + 8, index);
}

/* 0 u8 version = 1 | 1 u8 state | 2 u8 bits (1 receipted, 2 late, 4 done, 8 late, 16 returned,
 * 32 voided) | 3 u8 0 | 4 u32 region | 8 u32 unit_tag | 12 u32 0 | 16 u64 ticket | 24 u64 0 */
void addressee_row_encode(uint8_t to[ADDRESSEE_ROW_BYTES], const struct ticket *ticket) {
    struct directive_share share = directive_share_of(ticket);
    to[0] = ROW_VERSION;
    to[1] = ticket->state;
    to[2] = (uint8_t)(share.receipted | share.receipted_late << 1 | share.done << 2 |
                      share.done_late << 3 | share.returned << 4 | share.voided << 5);
    to[3] = 0;
    store_u32_le(to + 4, ticket->region);
    store_u32_le(to + 8, ticket->unit_tag);
    store_u32_le(to + 12, 0);
    store_u64_le(to + 16, ticket->number);
    store_u64_le(to + 24, 0);
}

enum status addressee_row_decode(struct addressee *ret, struct slice key, struct slice value) {
    const uint8_t *at = value.data;
    if (key.bytes != ADDRESSEE_KEY_BYTES || value.bytes != ADDRESSEE_ROW_BYTES) {
        return STATUS_CORRUPT;
    }
    if (at[0] != ROW_VERSION) {
        return STATUS_VERSION;
    }
    struct addressee addressee = {.directive = load_u64_be(key.data),
                                  .index = load_u32_be(key.data + 8),
                                  .ticket = load_u64_le(at + 16),
                                  .region = load_u32_le(at + 4),
                                  .unit_tag = load_u32_le(at + 8),
                                  .state = at[1],
                                  .share = {.receipted = at[2] & 1u,
                                            .receipted_late = at[2] >> 1 & 1u,
                                            .done = at[2] >> 2 & 1u,
                                            .done_late = at[2] >> 3 & 1u,
                                            .returned = at[2] >> 4 & 1u,
                                            .voided = at[2] >> 5 & 1u}};
    if (addressee.directive == 0 || addressee.ticket == 0 || addressee.state >= TICKET_STATES ||
        at[2] > 63 || at[3] != 0 || load_u32_le(at + 12) != 0 || load_u64_le(at + 24) != 0 ||
        !share_is_sound(&addressee.share, 1)) {
        return STATUS_CORRUPT;
    }
    *ret = addressee;
    return STATUS_OK;
}
