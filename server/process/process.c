#include "server/process/process.h"

#include "core/base/check.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>
#ifdef GRIDD_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

static uint64_t resident_bytes(void) {
    char line[256];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t bytes = read(fd, line, sizeof line - 1);
    close(fd);
    line[bytes > 0 ? bytes : 0] = '\0';
    const char *second = strchr(line, ' '); /* the first number is the whole address space */
    return second == NULL ? 0 : strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

#ifdef GRIDD_JEMALLOC
static uint64_t jemalloc_number(const char *name) {
    size_t value = 0, bytes = sizeof value;
    return mallctl(name, &value, &bytes, NULL, 0) == 0 ? value : 0;
}

static const char *jemalloc_version(void) {
    const char *version = "";
    size_t bytes = sizeof(void *);
    return mallctl("version", &version, &bytes, NULL, 0) == 0 ? version : "";
}

/* Writing the epoch makes jemalloc bring its numbers up to date. */
static void allocator_memory(struct process_memory *ret) {
    uint64_t epoch = 1;
    size_t bytes = sizeof epoch;
    if (mallctl("epoch", &epoch, &bytes, &epoch, bytes) != 0) {
        return;
    }
    ret->allocated_bytes = jemalloc_number("stats.allocated");
    ret->active_bytes = jemalloc_number("stats.active");
    ret->allocator_resident_bytes = jemalloc_number("stats.resident");
    ret->mapped_bytes = jemalloc_number("stats.mapped");
    ret->retained_bytes = jemalloc_number("stats.retained");
}
#else
static const char *jemalloc_version(void) {
    return "";
}

static void allocator_memory(struct process_memory *ret) {
    (void)ret;
}
#endif

void process_memory(struct process_memory *ret) {
    const char *version = jemalloc_version();
    *ret = (struct process_memory){.resident_bytes = resident_bytes(),
                                   .allocator = version[0] == '\0' ? "libc" : "jemalloc",
                                   .allocator_version = version};
    allocator_memory(ret);
}

double process_cpu_seconds(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void process_hide(void) {
#ifndef GRIDD_SANITIZED
    int result = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    CHECK(result == 0); /* 0 is a value that every kernel takes */
#endif
}

void process_versions(struct process_versions *ret) {
    *ret = (struct process_versions){.gridd = GRIDD_VERSION,
                                     .rocksdb = GRIDD_ROCKSDB_VERSION,
                                     .jemalloc = jemalloc_version(),
                                     .libuv = uv_version_string(),
                                     .openssl = OpenSSL_version(OPENSSL_VERSION_STRING)};
}
