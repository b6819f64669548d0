#include "core/policy/policy_code.h"

#include "core/base/check.h"
#include "core/text/json.h"

#include <string.h>

static const char *code_problem(struct slice code) {
    if (code.bytes == 0) {
        return "a code is empty";
    }
    if (code.bytes > POLICY_CODE_BYTES_MAX) {
        return "a code is longer than 64 bytes";
    }
    for (size_t i = 0; i < code.bytes; i++) {
        uint8_t c = code.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) {
            return "a code has a character other than a-z, 0-9 and _";
        }
    }
    return NULL;
}

static const char *name_problem(struct slice name) {
    if (name.bytes == 0) {
        return "its name is empty";
    }
    if (name.bytes > POLICY_CODE_BYTES_MAX) {
        return "its name is longer than 64 bytes";
    }
    if (memchr(name.data, '\0', name.bytes) != NULL) {
        return "its name has a NUL";
    }
    return utf8_is_valid(name) ? NULL : "its name is not UTF-8";
}

void policy_code_copy(char to[POLICY_CODE_BYTES_MAX + 1], struct slice from) {
    CHECK(from.bytes <= POLICY_CODE_BYTES_MAX);
    if (from.bytes > 0) {
        memcpy(to, from.data, from.bytes);
    }
    to[from.bytes] = '\0';
}

enum status policy_code_refuse(struct error *error, struct slice code, const char *why) {
    char text[POLICY_CODE_BYTES_MAX + 1];
    size_t bytes = code.bytes < POLICY_CODE_BYTES_MAX ? code.bytes : POLICY_CODE_BYTES_MAX;
    policy_code_copy(text, (struct slice){code.data, bytes});
    return error_set(error, STATUS_INVALID, text, ": ", why);
}

enum status policy_code_check(struct slice code, struct slice name, const char *tag_owner,
                              struct error *error) {
    const char *why = code_problem(code);
    if (why != NULL) {
        return error_set(error, STATUS_INVALID, why, NULL, NULL);
    }
    why = name_problem(name);
    if (why == NULL && policy_tag(code) == 0) {
        why = "its tag is 0, which means any; choose another code"; /* timeline queries say so */
    }
    if (why == NULL && tag_owner != NULL) {
        why = slice_is(code, tag_owner) ? "it is there already"
                                        : "its tag equals another code's; choose another code";
    }
    return why == NULL ? STATUS_OK : policy_code_refuse(error, code, why);
}
