/* How many things each key holds: connections of a principal, feeds of a principal. Exact, in
 * memory of a fixed size: whoever hands out the things says how many there are at most, and a key
 * without any takes no place.
 *
 * A key is a hash, 64 bits, made with a secret: it is its own place, and nobody can aim at one.
 * Open addressing, at most half full; O(1). */
#ifndef CORE_BASE_KEY_COUNT_H
#define CORE_BASE_KEY_COUNT_H

#include "core/base/base.h"

struct key_count_place {
    uint64_t key; /* good while count > 0 */
    uint64_t count;
};

struct key_count {
    struct key_count_place *places;
    uint64_t mask, things_max, things_count;
};

size_t key_count_bytes(uint64_t things_max);
/* `memory` is zeroed, aligned for u64, the caller's, and stays. */
void key_count_init(struct key_count *counts, void *memory, uint64_t things_max);
/* One more, unless the key holds `most` already: then false. CHECKs that there are not more than
 * things_max in all. */
MUST_USE bool key_count_add(struct key_count *counts, uint64_t key, uint64_t most);
/* One less; CHECKs that the key holds one. */
void key_count_remove(struct key_count *counts, uint64_t key);
uint64_t key_count_of(const struct key_count *counts, uint64_t key);

#endif
