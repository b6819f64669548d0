/* CRC-32C (Castagnoli, reflected, as in iSCSI): what RocksDB's logs and the watermark carry.
 * Uses the processor's instruction where it has one; O(bytes). */
#ifndef STORAGE_CRC32C_H
#define STORAGE_CRC32C_H

#include "core/base/base.h"

/* CRC of `bytes` continuing from `crc` (0 to begin). */
uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t bytes);
/* As crc32c, always by table: the reference the fast way is tested against. */
uint32_t crc32c_table(uint32_t crc, const uint8_t *data, size_t bytes);

#endif
