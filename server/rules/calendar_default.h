/* server/policy/calendar-cn.yaml as it was when gridd was built (server/embed/embed.c writes the
 * array). */
#ifndef SERVER_RULES_CALENDAR_DEFAULT_H
#define SERVER_RULES_CALENDAR_DEFAULT_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t calendar_default_text[];
extern const size_t calendar_default_bytes;

#endif
