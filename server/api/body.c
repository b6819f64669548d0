#include "server/api/body.h"

#include "core/base/check.h"
#include "core/text/instant.h"
#include "server/api/timeline_query.h"

#include <stdio.h>
#include <string.h>

void body_init(struct body *body, struct slice text, const struct limits *limits) {
    struct json_bounds bounds;
    json_bounds_from(&bounds, limits);
    json_init(&body->reader, &bounds, text.bytes > 0 ? text : SLICE_LITERAL("{}"));
    buffer_init(&body->scratch);
    (void)buffer_reserve(&body->scratch, text.bytes + 1);
    body->is_json = true;
    body->pointer[0] = '\0';
    body->detail = NULL;
    body->depth = 0;
    body->value = json_next(&body->reader);
}

void body_deinit(struct body *body) {
    buffer_deinit(&body->scratch);
}

bool body_refuse(struct body *body, const char *detail) {
    if (body->detail == NULL) {
        body->detail = detail;
    }
    return false;
}

bool body_blame(struct body *body, const char *pointer, const char *detail) {
    if (body->detail == NULL) {
        (void)snprintf(body->pointer, sizeof body->pointer, "%s", pointer);
    }
    return body_refuse(body, detail);
}

/* The reader gave up: that goes before everything. */
static bool broken(struct body *body) {
    if (body->value.kind == JSON_ERROR && body->is_json) {
        body->is_json = false;
        body->detail = json_problem_text(body->reader.problem);
    }
    return !body->is_json;
}

static bool enter(struct body *body, enum json_kind kind, const char *detail) {
    if (broken(body) || body->detail != NULL) {
        return false;
    }
    if (body->value.kind != kind || body->depth == BODY_DEPTH_MAX) {
        return body_refuse(body, detail);
    }
    body->indexes[body->depth] = 0;
    body->marks[body->depth++] = strlen(body->pointer);
    return true;
}

static bool leave(struct body *body) {
    body->pointer[body->marks[--body->depth]] = '\0';
    return false;
}

/* The pointer's last step; what does not fit is cut. */
static void point(struct body *body, int bytes, const char *text) {
    size_t mark = body->marks[body->depth - 1];
    (void)snprintf(body->pointer + mark, sizeof body->pointer - mark, "/%.*s", bytes, text);
}

bool body_object(struct body *body) {
    return enter(body, JSON_OBJECT_BEGIN, "it must be an object");
}

bool body_array(struct body *body) {
    return enter(body, JSON_ARRAY_BEGIN, "it must be an array");
}

static struct slice decoded(struct body *body, const struct json_token *token) {
    if (!token->escaped) {
        return token->text;
    }
    CHECK(body->scratch.room - body->scratch.bytes >= token->text.bytes);
    uint8_t *to = body->scratch.data + body->scratch.bytes;
    size_t bytes = json_unescape(to, token->text);
    body->scratch.bytes += bytes;
    return (struct slice){to, bytes};
}

/* RFC 6901: ~ and / are escaped. */
static void point_to(struct body *body, struct slice name) {
    char escaped[BODY_POINTER_BYTES] = "";
    size_t bytes = 0;
    for (size_t i = 0; i < name.bytes && bytes + 2 < sizeof escaped; i++) {
        uint8_t letter = name.data[i];
        if (letter == '~' || letter == '/') {
            escaped[bytes++] = '~';
            escaped[bytes++] = letter == '~' ? '0' : '1';
        } else {
            escaped[bytes++] = (char)letter;
        }
    }
    point(body, (int)bytes, escaped);
}

bool body_member(struct body *body, struct slice *ret_name) {
    if (body->detail != NULL) {
        return false;
    }
    body->value = json_next(&body->reader);
    if (broken(body)) {
        return false;
    }
    if (body->value.kind == JSON_OBJECT_END) {
        return leave(body);
    }
    CHECK(body->value.kind == JSON_KEY);
    *ret_name = decoded(body, &body->value);
    point_to(body, *ret_name);
    body->value = json_next(&body->reader);
    return !broken(body);
}

bool body_element(struct body *body) {
    if (body->detail != NULL) {
        return false;
    }
    body->value = json_next(&body->reader);
    if (broken(body)) {
        return false;
    }
    if (body->value.kind == JSON_ARRAY_END) {
        return leave(body);
    }
    char index[16];
    int bytes = snprintf(index, sizeof index, "%u", body->indexes[body->depth - 1]++);
    point(body, bytes, index);
    return true;
}

bool body_end(struct body *body) {
    if (body->detail != NULL) {
        return false;
    }
    body->value = json_next(&body->reader);
    return !broken(body) && body->value.kind == JSON_DONE;
}

bool body_is_null(const struct body *body) {
    return body->value.kind == JSON_NULL;
}

bool body_whole_object(struct body *body, bool (*read)(void *context, struct slice name),
                       void *context) {
    struct slice name;
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        if (!body_is_null(body) && !read(context, name)) {
            return false;
        }
    }
    return body_end(body);
}

bool body_text(struct body *body, struct slice *ret) {
    if (body->value.kind != JSON_STRING) {
        return body_refuse(body, "it must be a string");
    }
    *ret = decoded(body, &body->value);
    return ret->bytes > 0 || body_refuse(body, "it is empty");
}

bool body_flag(struct body *body, bool *ret) {
    *ret = body->value.kind == JSON_TRUE;
    return *ret || body->value.kind == JSON_FALSE || body_refuse(body, "it must be true or false");
}

bool body_number(struct body *body, uint64_t max, uint64_t *ret) {
    int64_t value = 0;
    if (body->value.kind != JSON_NUMBER || !json_integer(&value, body->value.text) || value < 1) {
        return body_refuse(body, "it must be a whole number of 1 or more");
    }
    *ret = (uint64_t)value;
    return *ret <= max || body_refuse(body, "it is too large");
}

bool body_instant(struct body *body, int64_t *ret_ms) {
    struct slice text;
    const char *why;
    if (!body_text(body, &text)) {
        return false;
    }
    return instant_parse(ret_ms, text, &why) || body_refuse(body, why);
}

bool name_parse(uint64_t *ret, char letter, struct slice text) {
    return text.bytes > 1 && text.data[0] == (uint8_t)letter &&
           parameter_number(ret, (struct slice){text.data + 1, text.bytes - 1});
}

bool body_name(struct body *body, char letter, uint64_t *ret) {
    struct slice text;
    if (!body_text(body, &text)) {
        return false;
    }
    return name_parse(ret, letter, text) ||
           body_refuse(body, letter == 't' ? "it must be a ticket, as \"t12\""
                                           : "it must be an incident, as \"i12\"");
}

bool body_pass(struct body *body) {
    uint32_t depth = 0;
    for (;;) {
        switch (body->value.kind) {
        case JSON_OBJECT_BEGIN:
        case JSON_ARRAY_BEGIN:
            depth++;
            break;
        case JSON_OBJECT_END:
        case JSON_ARRAY_END:
            depth--;
            break;
        case JSON_KEY:
        case JSON_STRING:
        case JSON_NUMBER:
        case JSON_TRUE:
        case JSON_FALSE:
        case JSON_NULL:
            break;
        case JSON_DONE:
        case JSON_ERROR:
            return !broken(body);
        }
        if (depth == 0) {
            return true;
        }
        body->value = json_next(&body->reader);
    }
}

void body_answer_problem(const struct body *body, struct change *change) {
    CHECK(body->detail != NULL);
    if (body->is_json) {
        change_invalid(change, body->pointer, body->detail);
    } else {
        change_problem(change, 400, "bad JSON", body->detail);
    }
}
