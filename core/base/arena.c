#include "core/base/arena.h"

#include "core/base/check.h"

void arena_init(struct arena *arena, void *memory, size_t bytes) {
    CHECK(memory != NULL || bytes == 0);
    *arena = (struct arena){memory, bytes, 0};
}

void *arena_alloc(struct arena *arena, size_t bytes, size_t align) {
    CHECK(align != 0 && (align & (align - 1)) == 0);
    uintptr_t at = (uintptr_t)arena->memory + arena->used;
    size_t padding = (size_t)(-at & (align - 1));
    size_t room = arena->bytes - arena->used;
    if (padding > room || bytes > room - padding) {
        return NULL;
    }
    arena->used += padding + bytes;
    CHECK(arena->used <= arena->bytes);
    return arena->memory + arena->used - bytes;
}

void arena_reset(struct arena *arena) {
    arena->used = 0;
}
