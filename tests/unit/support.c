#include "tests/unit/support.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

const char *support_corpus(const char *name) {
    static char path[4096];
    const char *root = getenv("GRIDD_SHARED");
    snprintf(path, sizeof path, "%s/data/%s", root != NULL ? root : GRIDD_SOURCE_DIR "/../shared",
             name);
    if (access(path, R_OK) != 0) {
        printf("SKIPPED: the corpus %s is absent\n", path);
        return NULL;
    }
    return path;
}

struct slice support_read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct stat st;
    assert_int_equal(fstat(fileno(file), &st), 0);
    uint8_t *data = malloc((size_t)st.st_size + 1);
    assert_non_null(data);
    size_t bytes = fread(data, 1, (size_t)st.st_size, file);
    assert_int_equal(bytes, st.st_size);
    fclose(file);
    return (struct slice){data, bytes};
}

const char *support_temporary_directory(void) {
    static char path[4096];
    const char *root = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/gridd-test-XXXXXX", root != NULL ? root : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk) {
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void support_remove_tree(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
