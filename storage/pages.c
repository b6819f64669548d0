#include "storage/pages.h"

#include "core/base/check.h"

#include <sys/mman.h>

void *pages_new(size_t bytes) {
    CHECK(bytes > 0);
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) {
        return NULL;
    }
    /* A wish only: kernels without huge pages refuse it, and nothing but speed is lost. */
    (void)madvise(pages, bytes, MADV_HUGEPAGE);
    return pages;
}

void pages_free(void *pages, size_t bytes) {
    if (pages != NULL) {
        int result = munmap(pages, bytes);
        CHECK(result == 0);
    }
}

void pages_reset(void *pages, size_t bytes) {
    /* Anonymous private pages read as zeros after this. */
    int result = madvise(pages, bytes, MADV_DONTNEED);
    CHECK(result == 0);
}
