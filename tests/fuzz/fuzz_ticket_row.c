/* Any bytes as a ticket's row: never a read outside them; what is accepted is encoded the same. */
#include "core/ticket/joint.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct ticket ticket;
    static struct joint joint;
    static uint8_t again[TICKET_ROW_BYTES_MAX];
    bool has_joint;
    if (ticket_row_decode(&ticket, &joint, &has_joint, (struct slice){data, bytes}) != STATUS_OK) {
        return 0;
    }
    size_t length = ticket_row_encode(again, &ticket, has_joint ? &joint : NULL);
    CHECK(length == bytes && memcmp(again, data, bytes) == 0);
    return 0;
}
