/* Tokens as JSON: what is known of one, never its secret. */
#ifndef SERVER_API_TOKEN_JSON_H
#define SERVER_API_TOKEN_JSON_H

#include "server/auth/auth.h"
#include "server/json_out.h"
#include "server/services.h"

/* Members `roles`, `region` and `unit`. */
void token_json_principal(struct json_out *out, const struct services *services,
                          const struct principal *principal);
/* 0: null. */
void token_json_instant(struct json_out *out, const char *key, int64_t ms);
/* A stored token as an object. */
void token_json_row(struct json_out *out, const struct services *services,
                    const struct token_row *row);

#endif
