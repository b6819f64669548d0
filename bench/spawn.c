#include "bench/spawn.h"

#include "core/base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64 };

static void beside_us(char *to, size_t room, const char *name) {
    ssize_t bytes = readlink("/proc/self/exe", to, room - 1);
    CHECK(bytes > 0);
    to[bytes] = '\0';
    char *slash = strrchr(to, '/');
    CHECK(slash != NULL);
    size_t used = (size_t)(slash + 1 - to);
    snprintf(to + used, room - used, "%s", name);
}

/* In the child, until exec. */
_Noreturn static void become_server(const char *directory, int out_fd,
                                    const char *const *arguments) {
    char program[4096], data[4200], log[4200];
    beside_us(program, sizeof program, "gridd");
    snprintf(data, sizeof data, "%s/data", directory);
    snprintf(log, sizeof log, "%s/server.log", directory);
    int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (log_fd < 0 || dup2(out_fd, STDOUT_FILENO) < 0 || dup2(log_fd, STDERR_FILENO) < 0) {
        _exit(126);
    }
    const char *argv[ARGUMENTS_MAX] = {program,     "serve",    "--data",     data,
                                       "--no-auth", "--listen", "127.0.0.1:0"};
    for (size_t at = 7; *arguments != NULL && at + 1 < ARGUMENTS_MAX; at++) {
        argv[at] = *arguments++;
    }
    execv(program, (char *const *)(uintptr_t)argv);
    dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

void spawn_gridd(struct spawned *ret, const char *root, const char *const *arguments) {
    int out[2];
    snprintf(ret->directory, sizeof ret->directory, "%s/gridd-bench-XXXXXX", root);
    if (mkdtemp(ret->directory) == NULL) {
        die("cannot make a directory under %s: %s", root, strerror(errno));
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        die("no pipe: %s", strerror(errno));
    }
    ret->pid = fork();
    if (ret->pid < 0) {
        die("cannot fork: %s", strerror(errno));
    }
    if (ret->pid == 0) {
        become_server(ret->directory, out[1], arguments);
    }
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    CHECK(lines != NULL);
    char line[512];
    const char *url = NULL;
    while (url == NULL && fgets(line, sizeof line, lines) != NULL) {
        url = strstr(line, "http://");
    }
    (void)fclose(lines); /* only read */
    if (url == NULL || !target_parse(&ret->target, url)) {
        die("the server did not come up; its log is %s/server.log", ret->directory);
    }
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk) {
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

void spawn_end(struct spawned *spawned, bool keep) {
    int status = 0;
    kill(spawned->pid, SIGTERM);
    if (waitpid(spawned->pid, &status, 0) != spawned->pid || status != 0) {
        die("the server did not end well (wait status %d); its log is %s/server.log", status,
            spawned->directory);
    }
    if (!keep) {
        nftw(spawned->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

/* CPU seconds of a stat file of /proc; its name in `ret_name`. 0 when it cannot be read. */
static double read_cpu(const char *path, char ret_name[32]) {
    char line[1024];
    ret_name[0] = '\0';
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    size_t bytes = fread(line, 1, sizeof line - 1, file);
    line[bytes] = '\0';
    (void)fclose(file);                  /* only read */
    const char *at = strrchr(line, ')'); /* the name may hold anything */
    const char *name = strchr(line, '(');
    if (at == NULL || name == NULL) {
        return 0;
    }
    snprintf(ret_name, 32, "%.*s", (int)(at - name - 1), name + 1);
    for (int field = 3; at != NULL && field <= 14; field++) {
        at = strchr(at + 1, ' ');
    }
    if (at == NULL) {
        return 0;
    }
    char *end;
    unsigned long long user = strtoull(at, &end, 10);
    unsigned long long system = strtoull(end, NULL, 10);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double read_merge_cpu(pid_t pid) {
    char path[64 + 256], name[32];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    double sum_s = 0;
    if (tasks == NULL) {
        return 0;
    }
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        if (task->d_name[0] != '.') {
            snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)pid, task->d_name);
            double cpu_s = read_cpu(path, name);
            sum_s += strcmp(name, "rocksdb:low") == 0 ? cpu_s : 0;
        }
    }
    closedir(tasks);
    return sum_s;
}

void process_use(pid_t pid, struct process_use *ret) {
    char path[64], line[256], name[32];
    *ret = (struct process_use){0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    ret->cpu_s = read_cpu(path, name);
    ret->merge_cpu_s = read_merge_cpu(pid);
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            ret->rss_peak_mib = strtod(line + 6, NULL) / 1024;
        } else if (strncmp(line, "VmRSS:", 6) == 0) {
            ret->rss_mib = strtod(line + 6, NULL) / 1024;
        }
    }
    (void)fclose(file); /* only read */
}
