#include "storage/manifest_edit.h"

enum {
    TAG_NEXT_FILE_NUMBER = 3,
    TAG_LAST_SEQUENCE = 4,
    TAG_PREVIOUS_LOG_NUMBER = 9,
    TAG_NEW_FILE = 103,
    TAG_FAMILY = 200,
    FIELD_END = 1,
    VARINT_BITS = 64,
};

static bool read_varint(uint64_t *ret, struct slice *from) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < VARINT_BITS && from->bytes > 0; shift += 7) {
        uint8_t byte = *from->data++;
        from->bytes--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool skip_varints(struct slice *from, int count) {
    uint64_t ignored;
    bool right = true;
    for (int i = 0; i < count && right; i++) {
        right = read_varint(&ignored, from);
    }
    return right;
}

static bool skip_bytes(struct slice *from) {
    uint64_t bytes;
    if (!read_varint(&bytes, from) || bytes > from->bytes) {
        return false;
    }
    from->data += bytes;
    from->bytes -= (size_t)bytes;
    return true;
}

/* Level, number, size, smallest and largest key, their sequence numbers, fields up to the end. */
static bool read_new_file(uint64_t *ret_number, struct slice *from) {
    uint64_t field;
    if (!skip_varints(from, 1) || !read_varint(ret_number, from) || !skip_varints(from, 1) ||
        !skip_bytes(from) || !skip_bytes(from) || !skip_varints(from, 2)) {
        return false;
    }
    while (read_varint(&field, from)) {
        if (field == FIELD_END) {
            return true;
        }
        if (!skip_bytes(from)) {
            return false;
        }
    }
    return false;
}

bool manifest_edit_adds_one(uint64_t *ret_number, struct slice record) {
    uint64_t tag, number = 0;
    size_t files = 0;
    while (record.bytes > 0) {
        bool right = read_varint(&tag, &record);
        if (right && tag == TAG_NEW_FILE) {
            right = read_new_file(&number, &record);
            files++;
        } else if (right && (tag == TAG_NEXT_FILE_NUMBER || tag == TAG_LAST_SEQUENCE ||
                             tag == TAG_PREVIOUS_LOG_NUMBER || tag == TAG_FAMILY)) {
            right = skip_varints(&record, 1);
        } else {
            right = false;
        }
        if (!right) {
            return false;
        }
    }
    if (files == 1) {
        *ret_number = number;
    }
    return files == 1;
}
