/* Build tool: files made into C source, so that the binary needs none of them on disk.
 *
 *     gridd_embed text  OUT.c HEADER NAME FILE
 *     gridd_embed table OUT.c HEADER NAME /path=FILE ...
 *
 * `text` gives `const uint8_t NAME_text[]` and `const size_t NAME_bytes`. `table` gives rows of
 * struct console_file: the bytes, their gzip variant (RFC 1952, made here once instead of for each
 * request) and a strong entity tag that is a hash of the bytes, so it changes exactly when they do.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FILE_BYTES_MAX = 4 << 20, GZIP_WINDOW_BITS = 15 + 16, BYTES_A_LINE = 24 };

struct bytes {
    uint8_t *data;
    size_t count;
};

static void fail(const char *what, const char *name) {
    fprintf(stderr, "gridd_embed: %s: %s\n", name, what);
    exit(1);
}

static struct bytes read_file(const char *name) {
    FILE *file = fopen(name, "rb");
    struct bytes bytes = {malloc(FILE_BYTES_MAX), 0};
    if (file == NULL || bytes.data == NULL) {
        fail("it cannot be read", name);
    }
    bytes.count = fread(bytes.data, 1, FILE_BYTES_MAX, file);
    if (ferror(file) || bytes.count == 0 || bytes.count == FILE_BYTES_MAX) {
        fail("it is empty, larger than 4 MiB or damaged", name);
    }
    (void)fclose(file);
    return bytes;
}

/* A header of zlib's own making has no time and no name in it: same input, same bytes. */
static struct bytes gzip(struct bytes from, const char *name) {
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, 9,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        fail("zlib does not start", name);
    }
    size_t room = deflateBound(&stream, from.count);
    struct bytes to = {malloc(room), 0};
    if (to.data == NULL) {
        fail("out of memory", name);
    }
    stream.next_in = from.data;
    stream.avail_in = (uInt)from.count;
    stream.next_out = to.data;
    stream.avail_out = (uInt)room;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        fail("zlib does not end", name);
    }
    to.count = stream.total_out;
    deflateEnd(&stream);
    return to;
}

static void write_array(FILE *out, const char *name, struct bytes bytes) {
    fprintf(out, "%s[] = {", name);
    for (size_t i = 0; i < bytes.count; i++) {
        fprintf(out, "%s%u,", i % BYTES_A_LINE == 0 ? "\n" : "", bytes.data[i]);
    }
    fprintf(out, "\n};\n");
}

static const char *media_type(const char *file) {
    static const struct {
        const char *ending, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {".txt", "text/plain; charset=utf-8"}};
    const char *dot = strrchr(file, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(dot, types[i].ending) == 0) {
            return types[i].type;
        }
    }
    fail("no media type for its ending", file);
    return NULL;
}

/* The arrays of one file and, into `rows`, its row of the table. */
static void write_file(FILE *out, FILE *rows, int number, char *argument) {
    char *equals = strchr(argument, '=');
    char name[64];
    if (equals == NULL || *argument != '/') {
        fail("/path=FILE is wanted", argument);
    }
    *equals = '\0';
    struct bytes plain = read_file(equals + 1);
    struct bytes packed = gzip(plain, equals + 1);
    uint64_t hash = XXH3_64bits(plain.data, plain.count);
    snprintf(name, sizeof name, "static const uint8_t plain_%d", number);
    write_array(out, name, plain);
    snprintf(name, sizeof name, "static const uint8_t packed_%d", number);
    write_array(out, name, packed);
    fprintf(rows,
            "    {\"%s\", \"%s\", \"\\\"%016" PRIx64 "\\\"\", \"\\\"%016" PRIx64 "-gzip\\\"\",\n"
            "     {plain_%d, %zu}, {packed_%d, %zu}},\n",
            argument, media_type(equals + 1), hash, hash, number, plain.count, number,
            packed.count);
    free(plain.data);
    free(packed.data);
}

static void write_table(FILE *out, const char *name, int count, char **arguments) {
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *rows = open_memstream(&text, &text_bytes);
    if (rows == NULL) {
        fail("out of memory", name);
    }
    for (int i = 0; i < count; i++) {
        write_file(out, rows, i, arguments[i]);
    }
    if (fclose(rows) != 0) {
        fail("out of memory", name);
    }
    fprintf(out, "const struct console_file %s[] = {\n%s};\nconst size_t %s_count = %d;\n", name,
            text, name, count);
    free(text);
}

static void write_text(FILE *out, const char *name, const char *file) {
    char array[128];
    struct bytes bytes = read_file(file);
    snprintf(array, sizeof array, "const uint8_t %s_text", name);
    write_array(out, array, bytes);
    fprintf(out, "const size_t %s_bytes = %zu;\n", name, bytes.count);
    free(bytes.data);
}

int main(int argc, char **argv) {
    bool is_table = argc > 1 && strcmp(argv[1], "table") == 0;
    if (argc < 6 || (!is_table && (strcmp(argv[1], "text") != 0 || argc != 6))) {
        fprintf(stderr, "usage: gridd_embed text|table OUT.c HEADER NAME FILE|/path=FILE ...\n");
        return 2;
    }
    FILE *out = fopen(argv[2], "wb");
    if (out == NULL) {
        fail("it cannot be written", argv[2]);
    }
    fprintf(out, "#include \"%s\"\n\n", argv[3]);
    if (is_table) {
        write_table(out, argv[4], argc - 5, argv + 5);
    } else {
        write_text(out, argv[4], argv[5]);
    }
    if (ferror(out) || fclose(out) != 0) {
        fail("it cannot be written", argv[2]);
    }
    return 0;
}
