#include "core/ticket/ticket_media.h"

#include "core/text/json.h"

enum { SHA256_DIGITS = 64 };

static bool is_digits(struct slice text) {
    for (size_t i = 0; i < text.bytes; i++) {
        uint8_t digit = text.data[i];
        if (!((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f') ||
              (digit >= 'A' && digit <= 'F'))) {
            return false;
        }
    }
    return text.bytes == SHA256_DIGITS;
}

static bool is_plain(struct slice text) {
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return false;
        }
    }
    return utf8_is_valid(text);
}

const char *ticket_media_problem(const struct ticket_medium *media, size_t count) {
    size_t bytes = 0;
    if (count > TICKET_MEDIA_MAX) {
        return "at most 16 media are given";
    }
    for (size_t i = 0; i < count; i++) {
        const struct slice texts[] = {media[i].url, media[i].sha256, media[i].mime, media[i].name};
        if (media[i].url.bytes == 0 && media[i].sha256.bytes == 0) {
            return "a medium has a url or a sha256";
        }
        if (media[i].sha256.bytes != 0 && !is_digits(media[i].sha256)) {
            return "a sha256 is 64 hexadecimal digits";
        }
        for (size_t k = 0; k < ARRAY_COUNT(texts); k++) {
            bytes += texts[k].bytes;
            if (!is_plain(texts[k])) {
                return "a medium has control characters";
            }
        }
    }
    return bytes <= TICKET_MEDIA_BYTES_MAX ? NULL : "the media are longer than 4096 bytes together";
}

void ticket_media_write(struct json_writer *writer, const struct ticket_medium *media,
                        size_t count) {
    json_write_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        const struct {
            const char *key;
            struct slice text;
        } members[] = {{"url", media[i].url},
                       {"sha256", media[i].sha256},
                       {"mime", media[i].mime},
                       {"name", media[i].name}};
        json_write_object_begin(writer);
        for (size_t k = 0; k < ARRAY_COUNT(members); k++) {
            if (members[k].text.bytes > 0) {
                json_write_key(writer, members[k].key);
                json_write_string(writer, members[k].text);
            }
        }
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}
