#include "tests/faults/fail_nth.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void give_up(void) {
    static const char text[] = "fail_nth: FAIL_AT or FAIL_NOTE is wrong\n";
    ssize_t ignored = write(2, text, sizeof text - 1);
    (void)ignored;
    _exit(99);
}

static void map_note(struct fail_plan *plan, const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at = MAP_FAILED;
    if (fd >= 0) {
        at = mmap(NULL, sizeof *plan->note, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
    }
    if (at == MAP_FAILED) {
        give_up();
    }
    plan->note = at;
}

void fail_plan_read(struct fail_plan *ret, const char *letters) {
    memset(ret, 0, sizeof *ret);
    const char *at = getenv("FAIL_AT"), *path = getenv("FAIL_NOTE");
    if (at == NULL || path == NULL) {
        return;
    }
    const char *letter = at[0] == '\0' ? NULL : strchr(letters, at[0]);
    if (letter == NULL || at[1] != ':') {
        give_up();
    }
    char *end;
    ret->kind = (unsigned)(letter - letters);
    ret->nth = strtoull(at + 2, &end, 10);
    ret->error = *end == ':' ? atoi(end + 1) : 0;
    map_note(ret, path);
}

bool fail_plan_reached(const struct fail_plan *plan, unsigned kind, const char *name) {
    if (plan->note == NULL) {
        return false;
    }
    uint64_t count = __atomic_add_fetch(&plan->note->counts[kind], 1, __ATOMIC_RELAXED);
    if (kind != plan->kind || count != plan->nth) {
        return false;
    }
    size_t bytes = strnlen(name, FAIL_NAME_BYTES - 1);
    memcpy(plan->note->name, name, bytes);
    __atomic_store_n(&plan->note->fired, 1, __ATOMIC_RELEASE);
    return true;
}
