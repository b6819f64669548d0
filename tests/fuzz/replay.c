/* A main for fuzz targets in builds without libFuzzer: gives every file of the named files and
 * directories to the target, on memory of exactly its size, so that ASan sees a read past its end.
 * Fails when it ran none. */
#include "core/base/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const char *current; /* the file that runs */

static void on_check(const char *file, int line, const char *condition) {
    (void)fprintf(stderr, "%s: %s:%d: CHECK failed: %s\n", current, file, line, condition);
}

static size_t run_file(const char *path, size_t bytes) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(bytes == 0 ? 1 : bytes);
    CHECK(file != NULL && data != NULL);
    CHECK(fread(data, 1, bytes, file) == bytes);
    CHECK(fclose(file) == 0);
    (void)LLVMFuzzerTestOneInput(data, bytes);
    free(data);
    return 1;
}

/* A file, or all files of a directory. */
static size_t run_path(const char *path) {
    struct stat stat_of;
    size_t count = 0;
    current = path;
    CHECK(stat(path, &stat_of) == 0);
    if (!S_ISDIR(stat_of.st_mode)) {
        return run_file(path, (size_t)stat_of.st_size);
    }
    DIR *directory = opendir(path);
    CHECK(directory != NULL);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char below[4096];
        if (entry->d_name[0] == '.') {
            continue;
        }
        int length = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        CHECK(length > 0 && (size_t)length < sizeof below);
        count += run_path(below);
    }
    CHECK(closedir(directory) == 0);
    return count;
}

int main(int count, char **arguments) {
    size_t ran = 0;
    check_set_hook(on_check);
    for (int i = 1; i < count; i++) {
        ran += run_path(arguments[i]);
    }
    printf("%zu inputs\n", ran);
    return ran > 0 ? 0 : 1;
}
