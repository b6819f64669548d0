/* The words of a calendar file: dates, attendance, offsets. On failure `*ret_why` is a static
 * sentence for behind the key, and the result is unset. */
#ifndef SERVER_RULES_CALENDAR_WORDS_H
#define SERVER_RULES_CALENDAR_WORDS_H

#include "core/time/calendar.h"

/* YYYY-MM-DD: the civil day's number. */
MUST_USE bool calendar_date_parse(int32_t *ret_day, const char *text, const char **ret_why);
/* HH:MM-HH:MM, up to 24:00, the first before the second. */
MUST_USE bool calendar_interval_parse(struct calendar_interval *ret, const char *text,
                                      const char **ret_why);
/* +HH:MM or -HH:MM, at most 14:00. */
MUST_USE bool calendar_offset_parse(int32_t *ret_s, const char *text, const char **ret_why);

#endif
