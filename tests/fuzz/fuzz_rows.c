/* Any bytes as a stored row of any family but the ticket's: refused, or taken and written the same
 * again. The first byte chooses the family, the second how much of the rest is the key. */
#include "core/base/check.h"
#include "core/world.h"
#include "server/auth/token_row.h"
#include "storage/timeline_row.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void expect(struct slice value, const uint8_t *again, size_t bytes) {
    CHECK(slice_equal((struct slice){again, bytes}, value));
}

/* Of incidents and members bytes that mean nothing are not looked at: what is written again is
 * what counts. */
static void try_incident(struct slice key, struct slice value) {
    static union incident_detail detail;
    struct incident incident;
    uint8_t again[INCIDENT_ROW_BYTES_MAX], once_more[INCIDENT_ROW_BYTES_MAX];
    if (!incident_row_decode(&incident, &detail, key, value)) {
        return;
    }
    size_t length = incident_row_encode(again, &incident);
    CHECK(value.data[0] != INCIDENT_ROW_VERSION || length == value.bytes);
    CHECK(incident_row_decode(&incident, &detail, key, (struct slice){again, length}));
    expect((struct slice){again, length}, once_more, incident_row_encode(once_more, &incident));
}

static void try_member(struct slice key, struct slice value) {
    struct member member;
    uint8_t again[MEMBER_ROW_BYTES_MAX], once_more[MEMBER_ROW_BYTES_MAX];
    if (!member_row_decode(&member, key, value)) {
        return;
    }
    size_t length = member_row_encode(again, &member);
    CHECK(value.data[0] != MEMBER_ROW_VERSION || length == value.bytes);
    CHECK(member_row_decode(&member, key, (struct slice){again, length}));
    expect((struct slice){again, length}, once_more, member_row_encode(once_more, &member));
}

static void try_directive(struct slice key, struct slice value) {
    struct directive directive;
    struct addressee addressee;
    uint8_t again[DIRECTIVE_ROW_BYTES], again_key[ADDRESSEE_KEY_BYTES];
    if (directive_row_decode(&directive, value) == STATUS_OK) {
        directive_row_encode(again, &directive);
        expect(value, again, sizeof again);
    }
    if (addressee_row_decode(&addressee, key, value) == STATUS_OK) {
        addressee_key_encode(again_key, addressee.directive, addressee.index);
        expect(key, again_key, sizeof again_key);
    }
}

static void try_deadline(struct slice key, struct slice value) {
    struct deadline deadline;
    uint64_t seq;
    uint8_t again[DEADLINE_KEY_BYTES], again_value[DEADLINE_VALUE_BYTES];
    if (deadline_key_decode(&deadline, key)) {
        deadline_key_encode(again, &deadline);
        expect(key, again, sizeof again);
    }
    if (deadline_value_decode(&seq, value)) {
        deadline_value_encode(again_value, seq);
        expect(value, again_value, sizeof again_value);
    }
    if (world_move_decode(&seq, value)) {
        CHECK(seq != 0);
    }
}

static void try_timeline(struct slice key, struct slice value) {
    struct timeline_row row;
    struct error error = {""};
    uint8_t again[TIMELINE_ROW_HEADER_BYTES];
    if (timeline_row_decode(&row, key, value, &error) != STATUS_OK) {
        CHECK(error.message[0] != '\0');
        return;
    }
    timeline_row_encode_header(again, row.seq, &row.entry);
    expect((struct slice){value.data, sizeof again}, again, sizeof again);
    CHECK(row.record.data == value.data + sizeof again);
    CHECK(row.record.bytes == value.bytes - sizeof again);
}

static void try_token(struct slice key, struct slice value) {
    struct token_row row;
    uint8_t again[TOKEN_ROW_BYTES_MAX];
    if (token_row_decode(&row, key, value)) {
        expect(value, again, token_row_encode(again, &row));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static void (*const families[])(struct slice key, struct slice value) = {
        try_incident, try_member, try_directive, try_deadline, try_timeline, try_token};
    if (bytes < 2) {
        return 0;
    }
    size_t key_bytes = min_u64(data[1] % 40, bytes - 2);
    families[data[0] % ARRAY_COUNT(families)](
        (struct slice){data + 2, key_bytes},
        (struct slice){data + 2 + key_bytes, bytes - 2 - key_bytes});
    return 0;
}
