/* Reads a policy from YAML (libcyaml). The form is told in server/policy/default.yaml, key by key;
 * only version, categories (code, name, priority) and channels (code, name) must be there, the rest
 * has the defaults of core/policy/policy.h. policy_yaml.c has the keys and words, policy_sections.c
 * turns them into a policy. */
#ifndef SERVER_RULES_POLICY_FILE_H
#define SERVER_RULES_POLICY_FILE_H

#include "core/policy/policy.h"
#include "server/buffer.h"

/* `path` "" reads the built-in copy of server/policy/default.yaml. INVALID names line and reason;
 * `ret` is then unchanged. */
MUST_USE enum status policy_load(struct policy *ret, const char *path, struct error *error);
/* The same, and the text it was read from, appended to `ret_text`. */
MUST_USE enum status policy_load_text(struct policy *ret, struct buffer *ret_text, const char *path,
                                      struct error *error);
/* From text that is in memory; messages call it `name`. */
MUST_USE enum status policy_from_text(struct policy *ret, const char *name, struct slice text,
                                      struct error *error);

#endif
