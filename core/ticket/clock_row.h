/* A ticket's clock inside a row: u8 1: used | u8 stage | u8 points | u8 rank | u16 step |
 * u16 top_step | i64 due_ms | the clock (core/time/clock.h); an unused one is the single byte 0. */
#ifndef CORE_TICKET_CLOCK_ROW_H
#define CORE_TICKET_CLOCK_ROW_H

#include "core/ticket/ticket.h"

enum { TICKET_CLOCK_ROW_BYTES = 16 + CLOCK_BYTES };

/* Returns how many bytes. */
size_t ticket_clock_encode(uint8_t *to, const struct ticket_clock *clock);
/* Takes the clock off `from`. CORRUPT or VERSION. */
MUST_USE enum status ticket_clock_decode(struct ticket_clock *ret, struct slice *from);

#endif
