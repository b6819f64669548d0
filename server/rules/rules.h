/* The rules in force: the policy with its earlier versions, and the calendars.
 *
 * A ticket goes by the policy version it was opened under, so every version that was ever in force
 * is kept in the store as the text of its file, and read again at start-up. Objects are never freed
 * while the process runs: other threads may be reading them, and there are few. */
#ifndef SERVER_RULES_RULES_H
#define SERVER_RULES_RULES_H

#include "core/policy/policy.h"
#include "core/time/calendar_set.h"
#include "server/domain/row_set.h"

struct rules; /* opaque */

/* Reads both files ("": the built-in ones). INVALID and others: the message names file and line. */
MUST_USE enum status rules_new(struct rules **ret, const char *policy_path,
                               const char *calendar_path, struct error *error);
void rules_free(struct rules *rules);
/* The earlier versions that the store has. A stored text that this gridd cannot read any more is
 * left out: its tickets go by the version in force. */
MUST_USE enum status rules_restore(struct rules *rules, struct db *db, struct error *error);
/* Both files again, both or neither. */
MUST_USE enum status rules_reload(struct rules *rules, const char *policy_path,
                                  const char *calendar_path, struct error *error);

const struct policy *rules_policy(const struct rules *rules);
const struct calendar_set *rules_calendars(const struct rules *rules);
/* Versions before the one in force, oldest first. The list only grows and never moves, so another
 * thread may go on reading what it was given. */
const struct policy *const *rules_policies(struct rules *rules, size_t *ret_count);
/* The policy in force has the version number of another text that was in force before: somebody
 * forgot to raise it. */
bool rules_version_reused(const struct rules *rules);

/* Puts the row of a version that the store does not have yet; called when a block closes. */
void rules_flush(struct rules *rules, struct row_set *rows);

#endif
