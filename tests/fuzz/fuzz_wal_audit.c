/* Any bytes as two write-ahead logs, cut where the first two bytes say. Whatever they hold, the
 * audit ends, and a log that passed passes again with nothing behind it. */
#include "storage/wal_audit.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 2) {
        return 0;
    }
    size_t cut = load_u16_le(data) % (bytes - 1);
    const struct slice first = {data + 2, cut}, second = {data + 2 + cut, bytes - 2 - cut};
    struct wal_audit_state state = {0};
    bool first_is_fine = wal_audit_log(&state, first, 1);
    if (first_is_fine) {
        CHECK(!state.bad || state.bad_offset <= first.bytes);
        (void)!wal_audit_log(&state, second, 2);
    }
    struct wal_audit_state again = {0};
    CHECK(wal_audit_log(&again, first, 1) == first_is_fine);
    return 0;
}
