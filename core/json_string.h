/* Strings inside a JSON text: finding their end and decoding them. Internal to the reader. */
#ifndef CORE_JSON_STRING_H
#define CORE_JSON_STRING_H

#include "core/json.h"

/* Scans from behind the opening quote up to the closing one, or to the first byte that is wrong.
 * `*ret_at` is set in both cases, `*ret_escaped` only on JSON_OK. Never reads at or past `end`. */
enum json_problem json_string_scan(const uint8_t **ret_at, bool *ret_escaped, const uint8_t *at,
                                   const uint8_t *end);

#endif
