/* Any bytes as a ticket's row: never a read outside them; what is accepted is encoded the same, and
 * a row of the version before comes to one that is. */
#include "core/ticket/joint.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { ROW_VERSION = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct ticket ticket;
    static struct joint joint;
    static uint8_t again[TICKET_ROW_BYTES_MAX], once_more[TICKET_ROW_BYTES_MAX];
    bool has_joint;
    if (ticket_row_decode(&ticket, &joint, &has_joint, (struct slice){data, bytes}) != STATUS_OK) {
        return 0;
    }
    size_t length = ticket_row_encode(again, &ticket, has_joint ? &joint : NULL);
    CHECK(again[0] == ROW_VERSION);
    CHECK(data[0] != ROW_VERSION || (length == bytes && memcmp(again, data, bytes) == 0));
    CHECK(ticket_row_decode(&ticket, &joint, &has_joint, (struct slice){again, length}) ==
          STATUS_OK);
    CHECK(ticket_row_encode(once_more, &ticket, has_joint ? &joint : NULL) == length);
    CHECK(memcmp(again, once_more, length) == 0);
    return 0;
}
