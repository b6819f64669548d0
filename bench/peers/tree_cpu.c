#include "bench/peers/peer.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES_MAX = 4096 };

struct process {
    uint64_t pid, parent, ticks;
};

/* proc(5): field 4 is the parent, 14 to 17 are user and system time, own and of children that were
 * waited for. */
static bool read_process(struct process *ret, const char *name) {
    char path[64 + 256], line[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    size_t bytes = fread(line, 1, sizeof line - 1, file);
    line[bytes] = '\0';
    (void)fclose(file);            /* only read */
    char *at = strrchr(line, ')'); /* the name may hold anything */
    if (at == NULL) {
        return false;
    }
    *ret = (struct process){.pid = strtoull(name, NULL, 10)};
    at += 3; /* the state, a letter */
    for (int field = 4; field <= 17; field++) {
        uint64_t value = strtoull(at + 1, &at, 10);
        if (field == 4) {
            ret->parent = value;
        } else if (field >= 14) {
            ret->ticks += value;
        }
    }
    return true;
}

static bool descends(const struct process *all, size_t count, size_t index, uint64_t from) {
    uint64_t pid = all[index].pid;
    for (size_t depth = 0; depth < count && pid > 1; depth++) {
        if (pid == from) {
            return true;
        }
        size_t at = 0;
        while (at < count && all[at].pid != pid) {
            at++;
        }
        pid = at < count ? all[at].parent : 0;
    }
    return false;
}

double tree_cpu_s(uint64_t pid) {
    static struct process all[PROCESSES_MAX];
    size_t count = 0;
    uint64_t ticks = 0;
    DIR *processes = opendir("/proc");
    if (pid == 0 || processes == NULL) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(processes)) != NULL && count < PROCESSES_MAX;) {
        count +=
            isdigit((unsigned char)entry->d_name[0]) && read_process(&all[count], entry->d_name);
    }
    closedir(processes);
    for (size_t i = 0; i < count; i++) {
        ticks += descends(all, count, i, pid) ? all[i].ticks : 0;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}
