/* A stored row of FAMILY_REGIONS: up to REGION_CHUNK consecutive regions.
 *
 *   key: chunk number u32 BE (region id / REGION_CHUNK) | value: rows u16 LE | encoded rows
 *
 * The encoded rows are those of core/region/region.h, in id order, one after the other. Every chunk
 * but the last is full. */
#ifndef STORAGE_REGION_CHUNK_H
#define STORAGE_REGION_CHUNK_H

#include "core/base/status.h"
#include "storage/keys.h"

enum { REGION_CHUNK_HEADER_BYTES = 2 };

void region_chunk_key_encode(uint8_t to[REGIONS_KEY_BYTES], uint32_t chunk);
/* Writes the header that stands before `rows_count` encoded rows; 1 <= rows_count <= REGION_CHUNK.
 */
void region_chunk_header_encode(uint8_t to[REGION_CHUNK_HEADER_BYTES], size_t rows_count);

/* Takes a stored row apart; `ret_rows` points into `value`. Every row is decoded once, so what
 * comes out can be trusted to hold `ret_rows_count` rows. O(bytes). CORRUPT names the chunk. */
MUST_USE enum status region_chunk_decode(uint32_t *ret_chunk, struct slice *ret_rows,
                                         size_t *ret_rows_count, struct slice key,
                                         struct slice value, struct error *error);

#endif
