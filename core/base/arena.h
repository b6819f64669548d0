/* A bump allocator over memory the caller gives: one turn's scratch, reset at its end.
 * All calls O(1). */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include "core/base/base.h"

struct arena {
    uint8_t *memory;
    size_t bytes;
    size_t used;
};

/* `memory` stays the caller's and must outlive the arena. */
void arena_init(struct arena *arena, void *memory, size_t bytes);
/* NULL when the room is used up; `align` is a power of two. The memory is not cleared. */
void *arena_alloc(struct arena *arena, size_t bytes, size_t align);
/* Forgets everything that was allocated; keeps the memory. */
void arena_reset(struct arena *arena);

#endif
