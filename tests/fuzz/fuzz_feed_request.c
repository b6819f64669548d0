/* Any bytes as Last-Event-ID, kinds and severities: an id that is taken is written back the same.
 */
#include "core/base/check.h"
#include "server/feed/feed_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct slice text = {data, bytes};
    struct feed_position position;
    if (feed_position_parse(&position, text)) {
        char id[FEED_ID_BYTES_MAX + 1];
        size_t id_bytes = feed_id_format(id, position.epoch, position.seq);
        CHECK(slice_equal((struct slice){(const uint8_t *)id, id_bytes}, text));
    }
    uint64_t kinds = 0;
    uint32_t severities = 0;
    if (feed_severities_parse(&severities, text)) {
        CHECK(severities != 0);
    }
    if (feed_kinds_parse(&kinds, text)) {
        CHECK(kinds != 0);
    }
    return 0;
}
