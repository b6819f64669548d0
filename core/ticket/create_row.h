/* The row of a create that named a key (Idempotency-Key, or command_id): what it made and what was
 * answered, so that sending it again makes nothing new.
 *
 * key: u64 BE number of the ticket or directive | value: u8 version = 1 | u64 LE id, a hash of the
 * key and of what is created | u64 LE content, a hash of the body | the answer. */
#ifndef CORE_TICKET_CREATE_ROW_H
#define CORE_TICKET_CREATE_ROW_H

#include "core/base/base.h"

enum { CREATE_KEY_BYTES = 8, CREATE_HEAD_BYTES = 17 };

struct create_row {
    uint64_t number, id, content;
    struct slice answer; /* borrowed from the value */
};

void create_key_encode(uint8_t to[CREATE_KEY_BYTES], uint64_t number);
/* The value up to the answer, which follows. */
void create_head_encode(uint8_t to[CREATE_HEAD_BYTES], uint64_t id, uint64_t content);
/* False for what no create can be. */
MUST_USE bool create_row_decode(struct create_row *ret, struct slice key, struct slice value);

#endif
