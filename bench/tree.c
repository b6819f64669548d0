#include "bench/generator.h"
#include "core/base/check.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CODE_BYTES_MAX = 64,
    GRIDS_OF_COMMUNITY = 12,
    COMMUNITIES_OF_STREET = 24,
    STREETS_OF_DISTRICT = 12
};

struct tree_writer {
    struct bench_tree tree;
    size_t csv_room;
    size_t grids_room, codes_used;
};

static void writer_init(struct tree_writer *writer, size_t grids_max, size_t csv_room) {
    *writer = (struct tree_writer){.csv_room = csv_room, .grids_room = grids_max};
    writer->tree.csv = malloc(csv_room);
    writer->tree.grids = malloc((grids_max + 1) * sizeof *writer->tree.grids);
    writer->tree.codes = malloc((grids_max + 1) * CODE_BYTES_MAX);
    CHECK(writer->tree.csv != NULL && writer->tree.grids != NULL && writer->tree.codes != NULL);
}

static void add_grid(struct tree_writer *writer, const char *code, size_t bytes) {
    CHECK(writer->tree.grids_count < writer->grids_room && bytes < CODE_BYTES_MAX);
    char *to = writer->tree.codes + writer->codes_used;
    memcpy(to, code, bytes);
    to[bytes] = '\0';
    writer->tree.grids[writer->tree.grids_count++] = to;
    writer->codes_used += bytes + 1;
}

static void add_row(struct tree_writer *writer, const char *code, const char *parent, int level,
                    const char *name, size_t number) {
    int bytes = snprintf(writer->tree.csv + writer->tree.csv_bytes,
                         writer->csv_room - writer->tree.csv_bytes, "%s,%s,%d,%s%zu\n", code,
                         parent, level, name, number);
    CHECK(bytes > 0 && (size_t)bytes < writer->csv_room - writer->tree.csv_bytes);
    writer->tree.csv_bytes += (size_t)bytes;
}

/* The code of a level is its parent's and three digits more. */
static void descend(struct tree_writer *writer, char codes[5][CODE_BYTES_MAX], int level,
                    size_t number, const char *name) {
    char parent[CODE_BYTES_MAX];
    memcpy(parent, codes[level - 1], sizeof parent);
    snprintf(codes[level], CODE_BYTES_MAX, "%.20s%03zu", parent, number);
    add_row(writer, codes[level], parent, level, name, number);
}

void bench_tree_make(struct bench_tree *ret, size_t grids_count) {
    struct tree_writer writer;
    writer_init(&writer, grids_count, 256 + grids_count * 128);
    writer.tree.csv_bytes =
        (size_t)snprintf(writer.tree.csv, writer.csv_room, "code,parent,level,name\n");
    char codes[5][CODE_BYTES_MAX] = {"370"};
    add_row(&writer, codes[0], "", 0, "市", 1);
    const size_t of_street = (size_t)GRIDS_OF_COMMUNITY * COMMUNITIES_OF_STREET;
    const size_t of_district = of_street * STREETS_OF_DISTRICT;
    for (size_t grid = 0; grid < grids_count; grid++) {
        if (grid % of_district == 0) {
            descend(&writer, codes, 1, grid / of_district + 1, "区");
        }
        if (grid % of_street == 0) {
            descend(&writer, codes, 2, grid % of_district / of_street + 1, "街道");
        }
        if (grid % GRIDS_OF_COMMUNITY == 0) {
            descend(&writer, codes, 3, grid % of_street / GRIDS_OF_COMMUNITY + 1, "社区");
        }
        descend(&writer, codes, 4, grid % GRIDS_OF_COMMUNITY + 1, "网格");
        add_grid(&writer, codes[4], strlen(codes[4]));
    }
    *ret = writer.tree;
}

static char *read_all(const char *path, size_t *ret_bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = NULL;
    size_t bytes = 0, room = 0;
    do {
        if (bytes == room) {
            room = room == 0 ? 1 << 20 : room * 2;
            char *more = realloc(text, room + 1);
            CHECK(more != NULL);
            text = more;
        }
        bytes += fread(text + bytes, 1, room - bytes, file);
    } while (!feof(file) && !ferror(file) && bytes < GIB);
    (void)fclose(file); /* only read */
    text[bytes] = '\0';
    *ret_bytes = bytes;
    return text;
}

struct code_pair {
    const char *text;
    size_t bytes;
};

static int compare_codes(const void *a, const void *b) {
    const struct code_pair *left = a, *right = b;
    size_t common = left->bytes < right->bytes ? left->bytes : right->bytes;
    int order = memcmp(left->text, right->text, common);
    return order != 0 ? order : (left->bytes > right->bytes) - (left->bytes < right->bytes);
}

static struct code_pair field(const char *line, const char *end) {
    const char *comma = memchr(line, ',', (size_t)(end - line));
    return (struct code_pair){line, (size_t)((comma != NULL ? comma : end) - line)};
}

/* Grids are the codes that no other row names as its parent. */
static size_t find_grids(struct tree_writer *writer, size_t lines) {
    struct code_pair *codes = malloc((lines + 1) * sizeof *codes);
    struct code_pair *parents = malloc((lines + 1) * sizeof *parents);
    CHECK(codes != NULL && parents != NULL);
    size_t count = 0;
    const char *end = writer->tree.csv + writer->tree.csv_bytes;
    for (const char *line = strchr(writer->tree.csv, '\n'); line != NULL && line + 1 < end;
         line = memchr(line + 1, '\n', (size_t)(end - line - 1))) {
        codes[count] = field(line + 1, end);
        const char *next = codes[count].text + codes[count].bytes;
        parents[count] =
            next < end && *next == ',' ? field(next + 1, end) : (struct code_pair){next, 0};
        if (compare_codes(&codes[count], &parents[count]) == 0) {
            parents[count].bytes = 0; /* a root that names itself */
        }
        count++;
    }
    qsort(parents, count, sizeof *parents, compare_codes);
    for (size_t i = 0; i < count; i++) {
        if (codes[i].bytes > 0 && codes[i].bytes < CODE_BYTES_MAX &&
            bsearch(&codes[i], parents, count, sizeof *parents, compare_codes) == NULL) {
            add_grid(writer, codes[i].text, codes[i].bytes);
        }
    }
    free(codes);
    free(parents);
    return writer->tree.grids_count;
}

bool bench_tree_read(struct bench_tree *ret, const char *path, const char **ret_why) {
    size_t bytes = 0, lines = 0;
    char *text = read_all(path, &bytes);
    if (text == NULL) {
        *ret_why = "the region file cannot be read";
        return false;
    }
    if (strncmp(text, "code,parent,level,name", 22) != 0) {
        free(text);
        *ret_why = "the region file must begin with the columns code,parent,level,name";
        return false;
    }
    for (size_t i = 0; i < bytes; i++) {
        lines += text[i] == '\n';
    }
    struct tree_writer writer;
    writer_init(&writer, lines + 1, 1);
    free(writer.tree.csv);
    writer.tree.csv = text;
    writer.tree.csv_bytes = bytes;
    if (find_grids(&writer, lines + 1) == 0) {
        bench_tree_free(&writer.tree);
        *ret_why = "the region file has no region without children";
        return false;
    }
    *ret = writer.tree;
    return true;
}

void bench_tree_free(struct bench_tree *tree) {
    free(tree->csv);
    free(tree->grids);
    free(tree->codes);
    *tree = (struct bench_tree){0};
}
