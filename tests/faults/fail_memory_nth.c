/* Preloaded into gridd by test_memory_faults.py: the n-th allocation returns NULL once; "o" counts
 * the calls of the program itself, "a" those of all libraries (RocksDB's C++ then throws
 * bad_alloc). $FAIL_ROOT is ignored. */
#include "tests/faults/fail_nth.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OWN, ALL };

static struct fail_plan plan;
static uintptr_t program_start, program_end;
static bool ready;

static int find_program(struct dl_phdr_info *info, size_t bytes, void *context) {
    (void)bytes;
    (void)context;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            program_start = info->dlpi_addr + part->p_vaddr;
            program_end = program_start + part->p_memsz;
        }
    }
    return 1; /* the program is the first */
}

__attribute__((constructor)) static void start(void) {
    dl_iterate_phdr(find_program, NULL);
    fail_plan_read(&plan, "oa");
    ready = true;
}

static bool fails(const void *caller) {
    uintptr_t at = (uintptr_t)caller;
    bool own = at >= program_start && at < program_end;
    if (!ready) {
        return false;
    }
    bool failing = fail_plan_reached(&plan, ALL, "an allocation");
    return (own && fail_plan_reached(&plan, OWN, "an allocation of gridd's own")) || failing;
}

/* dlsym allocates with glibc only after an error, and there is none here. */
#define NEXT(real, name)                                                                           \
    if (real == NULL) {                                                                            \
        *(void **)&real = dlsym(RTLD_NEXT, name);                                                  \
    }

void *malloc(size_t bytes) {
    static void *(*real)(size_t);
    NEXT(real, "malloc")
    if (fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return real(bytes);
}

void *calloc(size_t count, size_t bytes) {
    static void *(*real)(size_t, size_t);
    NEXT(real, "calloc")
    if (fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return real(count, bytes);
}

void *realloc(void *old, size_t bytes) {
    static void *(*real)(void *, size_t);
    NEXT(real, "realloc")
    if (fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return real(old, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    static void *(*real)(size_t, size_t);
    NEXT(real, "aligned_alloc")
    if (fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return real(alignment, bytes);
}

int posix_memalign(void **ret, size_t alignment, size_t bytes) {
    static int (*real)(void **, size_t, size_t);
    NEXT(real, "posix_memalign")
    return fails(__builtin_return_address(0)) ? ENOMEM : real(ret, alignment, bytes);
}

char *strdup(const char *text) {
    static char *(*real)(const char *);
    NEXT(real, "strdup")
    if (fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return real(text);
}
