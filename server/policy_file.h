/* Reads a policy from YAML (libcyaml): categories with priority and default severity, channels. */
#ifndef SERVER_POLICY_FILE_H
#define SERVER_POLICY_FILE_H

#include "core/policy.h"

/* `path` "" reads the built-in copy of server/policy/default.yaml. INVALID names line and reason;
 * `ret` is then unchanged. */
MUST_USE enum status policy_load(struct policy *ret, const char *path, struct error *error);

#endif
