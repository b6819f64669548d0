/* Any bytes as an encoded block: never a read outside them; what is accepted is consistent. */
#include "storage/block.h"

#include "core/base/check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct block_view view;
    struct error error;
    if (block_view(&view, (struct slice){data, bytes}, &error) != STATUS_OK) {
        return 0;
    }
    (void)!block_hash_is_right(&view);
    uint8_t *payload = malloc(view.payload_bytes + 1);
    CHECK(payload != NULL);
    bool inflated = block_view_inflate(&view, payload, &error) == STATUS_OK;
    for (uint32_t i = 0; i < view.entries_count; i++) {
        struct entry entry;
        if (block_view_entry(&view, i, &entry) != STATUS_OK) {
            continue;
        }
        CHECK(entry.record_offset + entry.record_bytes <= view.payload_bytes);
        struct record record;
        if (inflated) {
            (void)!record_decode(&record,
                                 (struct slice){payload + entry.record_offset, entry.record_bytes});
        }
    }
    free(payload);
    return 0;
}
