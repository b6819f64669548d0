#include "server/http/http_wheel.h"

#include "core/base/check.h"

void http_wheel_init(struct http_wheel *wheel, uint64_t now_ms) {
    for (size_t i = 0; i < HTTP_WHEEL_SLOTS; i++) {
        http_link_init(&wheel->slots[i]);
    }
    wheel->tick = now_ms / HTTP_WHEEL_TICK_MS;
}

void http_deadline_init(struct http_deadline *deadline) {
    http_link_init(&deadline->link);
    deadline->at_ms = UINT64_MAX;
}

void http_wheel_arm(struct http_wheel *wheel, struct http_deadline *deadline, uint64_t at_ms) {
    http_link_remove(&deadline->link);
    uint64_t tick = at_ms / HTTP_WHEEL_TICK_MS + 1;
    tick = min_u64(max_u64(tick, wheel->tick + 1), wheel->tick + HTTP_WHEEL_SLOTS - 1);
    http_link_append(&wheel->slots[tick % HTTP_WHEEL_SLOTS], &deadline->link);
    deadline->at_ms = at_ms;
}

void http_wheel_disarm(struct http_deadline *deadline) {
    http_link_remove(&deadline->link);
    deadline->at_ms = UINT64_MAX;
}

void http_wheel_sweep(struct http_wheel *wheel, uint64_t now_ms,
                      void (*due)(void *context, struct http_deadline *deadline), void *context) {
    uint64_t until = now_ms / HTTP_WHEEL_TICK_MS;
    CHECK(until >= wheel->tick);
    /* After a long pause each slot is still visited only once. */
    uint64_t from = wheel->tick + 1;
    if (until - wheel->tick > HTTP_WHEEL_SLOTS) {
        from = until - HTTP_WHEEL_SLOTS + 1;
    }
    struct http_link list;
    for (uint64_t tick = from; tick <= until; tick++) {
        wheel->tick = tick;
        http_link_init(&list);
        http_link_move(&wheel->slots[tick % HTTP_WHEEL_SLOTS], &list);
        while (!http_link_alone(&list)) {
            struct http_deadline *deadline = HTTP_LINK_OWNER(list.next, struct http_deadline, link);
            http_wheel_disarm(deadline);
            due(context, deadline);
        }
    }
    wheel->tick = until;
}
