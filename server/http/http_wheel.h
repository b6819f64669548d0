/* Time-outs of many connections under one timer: a ring of slots, each the deadlines that fall due
 * in one tick. A deadline farther away than the ring is put in its farthest slot and looked at
 * again then. Arm and disarm O(1); a tick touches only its own slot. */
#ifndef SERVER_HTTP_WHEEL_H
#define SERVER_HTTP_WHEEL_H

#include "server/http/http_list.h"

enum { HTTP_WHEEL_SLOTS = 1024, HTTP_WHEEL_TICK_MS = 100 };

struct http_deadline {
    struct http_link link;
    uint64_t at_ms; /* UINT64_MAX: not armed */
};

struct http_wheel {
    struct http_link slots[HTTP_WHEEL_SLOTS];
    uint64_t tick; /* the last one that was swept */
};

void http_wheel_init(struct http_wheel *wheel, uint64_t now_ms);
void http_deadline_init(struct http_deadline *deadline);
/* Never early, and late by at most a tick. Re-arming moves it. */
void http_wheel_arm(struct http_wheel *wheel, struct http_deadline *deadline, uint64_t at_ms);
void http_wheel_disarm(struct http_deadline *deadline);
/* Calls `due` for each deadline that may have come; it is disarmed then, and `due` arms it again
 * when it was only passing. */
void http_wheel_sweep(struct http_wheel *wheel, uint64_t now_ms,
                      void (*due)(void *context, struct http_deadline *deadline), void *context);

#endif
