/* Codes and names, as all tables of a policy take them. For core/policy*.c. */
#ifndef CORE_POLICY_POLICY_CODE_H
#define CORE_POLICY_POLICY_CODE_H

#include "core/policy/policy.h"

/* INVALID says what is wrong with a new row; `tag_owner` is the code of its table that has the tag
 * already, or NULL. */
MUST_USE enum status policy_code_check(struct slice code, struct slice name, const char *tag_owner,
                                       struct error *error);
/* CHECKs the length. */
void policy_code_copy(char to[POLICY_CODE_BYTES_MAX + 1], struct slice from);
/* Sets "CODE: why", the code cut to what one may be; returns INVALID. */
enum status policy_code_refuse(struct error *error, struct slice code, const char *why);

#endif
