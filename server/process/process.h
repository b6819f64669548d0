/* What the process knows of itself: memory, CPU, the versions of what it is built from. */
#ifndef SERVER_PROCESS_PROCESS_H
#define SERVER_PROCESS_PROCESS_H

#include "core/base/base.h"

struct process_memory {
    uint64_t resident_bytes;
    const char *allocator;         /* "jemalloc" or "libc" */
    const char *allocator_version; /* static; "" when it has none */
    /* Of jemalloc; 0 otherwise. */
    uint64_t allocated_bytes, active_bytes, allocator_resident_bytes, mapped_bytes, retained_bytes;
};
/* Costs some microseconds: /proc/self/statm and a refresh of jemalloc's statistics. */
void process_memory(struct process_memory *ret);
double process_cpu_seconds(void);

/* Nobody but root may read this process's memory or have a core of it: it holds keys. Not under a
 * sanitizer, whose leak check reads it from outside. */
void process_hide(void);

struct process_versions {
    const char *gridd, *rocksdb, *jemalloc, *libuv, *openssl; /* static; "" when not linked */
};
void process_versions(struct process_versions *ret);

#endif
