/* Creates that named a key (Idempotency-Key, or command_id): what each made and what was answered,
 * so that sending it again makes nothing new and gets the same answer, also after a restart.
 *
 * One row a create (core/ticket/create_row.h), family `creates`, written with the entries of what
 * it made.
 *
 * In memory stands an index of the last `keys_max` of them, 32 bytes each; older ones are forgotten
 * and their rows go. Loop thread only, but creates_answer. */
#ifndef SERVER_DOMAIN_CREATES_H
#define SERVER_DOMAIN_CREATES_H

#include "server/buffer.h"
#include "server/domain/row_set.h"
#include "storage/db.h"

struct creates; /* opaque */

/* Reads what is stored. */
MUST_USE enum status creates_new(struct creates **ret, struct db *db, uint64_t keys_max,
                                 struct error *error);
/* NULL is allowed. */
void creates_free(struct creates *creates);

enum create_found { CREATE_NEW, CREATE_REPLAYED, CREATE_CONFLICT };
/* `id`: hash of the key and of what is created; `content`: of the body. REPLAYED sets the number of
 * what the first one made; CONFLICT: the key was used for another body. O(1). */
enum create_found creates_find(const struct creates *creates, uint64_t id, uint64_t content,
                               uint64_t *ret_number);
/* Made in this turn, and its entries stand in the open block: its row goes with them. `number`
 * rises; CHECKs that the id is new. */
void creates_put(struct creates *creates, uint64_t id, uint64_t content, uint64_t number,
                 struct slice answer);
/* The rows since the last flush. */
void creates_flush(struct creates *creates, struct row_set *rows);
/* The answer of a create that is on disk; any thread. NOT_FOUND: it was forgotten meanwhile. */
MUST_USE enum status creates_answer(struct db *db, uint64_t number, struct buffer *ret,
                                    struct error *error);

#endif
