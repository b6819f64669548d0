#include "storage/crc32c.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <pthread.h>

#define POLYNOMIAL_REFLECTED UINT32_C(0x82f63b78)

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_fill(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL_REFLECTED : 0);
        }
        table[byte] = crc;
    }
}

uint32_t crc32c_table(uint32_t crc, const uint8_t *data, size_t bytes) {
    CHECK(pthread_once(&table_once, table_fill) == 0);
    crc = ~crc;
    for (size_t i = 0; i < bytes; i++) {
        crc = table[(crc ^ data[i]) & 0xff] ^ (crc >> 8);
    }
    return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *data,
                                                               size_t bytes) {
    uint64_t wide = ~crc;
    for (; bytes >= 8; bytes -= 8, data += 8) {
        wide = __builtin_ia32_crc32di(wide, load_u64_le(data));
    }
    uint32_t narrow = (uint32_t)wide;
    for (; bytes > 0; bytes--, data++) {
        narrow = __builtin_ia32_crc32qi(narrow, *data);
    }
    return ~narrow;
}

uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t bytes) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, data, bytes)
                                            : crc32c_table(crc, data, bytes);
}
#else
uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t bytes) {
    return crc32c_table(crc, data, bytes);
}
#endif
