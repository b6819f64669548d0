/* base64url without padding (RFC 4648 section 5), in its one spelling: spare bits are zero. */
#ifndef SERVER_BASE64URL_H
#define SERVER_BASE64URL_H

#include "core/base/base.h"

#define BASE64URL_LENGTH(bytes) (((bytes)*4 + 2) / 3)

/* Returns BASE64URL_LENGTH(bytes) letters; no NUL. O(bytes). */
size_t base64url_encode(char *to, const uint8_t *from, size_t bytes);
/* Exactly `bytes` bytes; false when the text is not their encoding. */
MUST_USE bool base64url_decode(uint8_t *to, size_t bytes, struct slice text);

#endif
