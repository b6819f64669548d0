/* Any bytes as a request target: what is taken has clean segments and parameters, each once. */
#include "core/base/check.h"
#include "server/http/http_path.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_target(const struct http_target *target) {
    for (size_t i = 0; i < target->segments_count && i < HTTP_SEGMENTS_MAX; i++) {
        struct slice segment = target->segments[i];
        CHECK(segment.bytes > 0 && http_text_is_valid(segment));
        CHECK(memchr(segment.data, '/', segment.bytes) == NULL);
        CHECK(!slice_is(segment, ".") && !slice_is(segment, ".."));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes == 0 || (data[0] != '/' && data[0] != '*')) {
        return 0; /* the parser lets nothing else through */
    }
    struct http_target target;
    struct buffer store;
    buffer_init(&store);
    if (http_target_parse(&target, (struct slice){data, bytes}, &store) == HTTP_REFUSAL_NONE) {
        check_target(&target);
        struct slice culprit;
        if (http_target_parse_query(&target, "a bc limit cursor", &store, &culprit) ==
            HTTP_REFUSAL_NONE) {
            CHECK(target.parameters_count <= 4);
            for (size_t i = 0; i < target.parameters_count; i++) {
                CHECK(http_text_is_valid(target.parameters[i].value));
                for (size_t j = 0; j < i; j++) {
                    CHECK(!slice_equal(target.parameters[i].name, target.parameters[j].name));
                }
            }
        }
    }
    buffer_deinit(&store);
    return 0;
}
