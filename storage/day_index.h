/* Which UTC days have timeline rows, so that a walk steps over empty days without asking the store.
 *
 * A three-level bitmap: adding and stepping touch at most six words. Days are only ever added. One
 * thread adds at a time, any number look at once; a day added before its rows are published is seen
 * by whoever sees the rows. */
#ifndef STORAGE_DAY_INDEX_H
#define STORAGE_DAY_INDEX_H

#include "core/base/status.h"

enum { DAY_INDEX_DAYS = 1 << 22 }; /* beyond the year 9999 */

struct day_index; /* opaque */

MUST_USE enum status day_index_new(struct day_index **ret);
/* NULL is allowed. */
void day_index_free(struct day_index *index);
/* CHECKs day < DAY_INDEX_DAYS. */
void day_index_add(struct day_index *index, uint32_t day);
/* The first day >= `day` that has rows. */
MUST_USE bool day_index_next(const struct day_index *index, uint32_t day, uint32_t *ret);
/* The last day <= `day` that has rows. */
MUST_USE bool day_index_previous(const struct day_index *index, uint32_t day, uint32_t *ret);

#endif
