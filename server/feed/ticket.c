#include "server/feed/ticket.h"

#include "core/base/check.h"

#include <string.h>
#include <sys/random.h>

void tickets_init(struct tickets *tickets, void (*let_go)(void *owner)) {
    memset(tickets, 0, sizeof *tickets);
    tickets->let_go = let_go;
}

static struct ticket_slot *slot_at(struct tickets *tickets, uint32_t index) {
    CHECK(index < TICKETS_MAX);
    return &tickets->slots[(tickets->first + index) % TICKETS_MAX];
}

static void forget_oldest(struct tickets *tickets) {
    struct ticket_slot *oldest = slot_at(tickets, 0);
    if (oldest->owner != NULL && tickets->let_go != NULL) {
        tickets->let_go(oldest->owner);
    }
    memset(oldest, 0, sizeof *oldest);
    tickets->first = (tickets->first + 1) % TICKETS_MAX;
    tickets->count--;
}

/* Gives back the slots at the front that are used up or expired. */
static void forget_expired(struct tickets *tickets, uint64_t now_ms) {
    while (tickets->count > 0) {
        const struct ticket_slot *oldest = slot_at(tickets, 0);
        if (!oldest->taken && oldest->expires_ms > now_ms) {
            break;
        }
        forget_oldest(tickets);
    }
}

void tickets_deinit(struct tickets *tickets) {
    while (tickets->count > 0) {
        forget_oldest(tickets);
    }
}

enum status tickets_issue(struct tickets *tickets, uint64_t now_ms, void *owner,
                          char ret_text[TICKET_TEXT_BYTES + 1]) {
    forget_expired(tickets, now_ms);
    if (tickets->count == TICKETS_MAX) {
        return STATUS_BUSY;
    }
    struct ticket_slot *slot = slot_at(tickets, tickets->count);
    ssize_t got = getrandom(slot->secret, sizeof slot->secret, 0);
    if (got != (ssize_t)sizeof slot->secret) {
        return STATUS_IO;
    }
    slot->expires_ms = now_ms + TICKET_LIFE_MS;
    slot->taken = false;
    slot->owner = owner;
    tickets->count++;
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof slot->secret; i++) {
        ret_text[2 * i] = digits[slot->secret[i] >> 4];
        ret_text[2 * i + 1] = digits[slot->secret[i] & 15];
    }
    ret_text[TICKET_TEXT_BYTES] = '\0';
    return STATUS_OK;
}

static int digit_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool secret_parse(uint8_t ret[16], struct slice text) {
    uint8_t secret[16];
    if (text.bytes != TICKET_TEXT_BYTES) {
        return false;
    }
    for (size_t i = 0; i < sizeof secret; i++) {
        int high = digit_value(text.data[2 * i]);
        int low = digit_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        secret[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret, secret, sizeof secret);
    return true;
}

/* The comparison takes the same time wherever two secrets first differ. */
static bool secrets_equal(const uint8_t a[16], const uint8_t b[16]) {
    uint8_t difference = 0;
    for (size_t i = 0; i < 16; i++) {
        difference |= (uint8_t)(a[i] ^ b[i]);
    }
    return difference == 0;
}

static struct ticket_slot *find(struct tickets *tickets, uint64_t now_ms, struct slice text) {
    uint8_t secret[16];
    forget_expired(tickets, now_ms);
    if (!secret_parse(secret, text)) {
        return NULL;
    }
    struct ticket_slot *found = NULL;
    for (uint32_t i = 0; i < tickets->count; i++) {
        struct ticket_slot *slot = slot_at(tickets, i);
        if (secrets_equal(slot->secret, secret) && !slot->taken) {
            found = slot;
        }
    }
    return found;
}

bool tickets_know(struct tickets *tickets, uint64_t now_ms, struct slice text) {
    return find(tickets, now_ms, text) != NULL;
}

void *tickets_owner(struct tickets *tickets, uint64_t now_ms, struct slice text) {
    const struct ticket_slot *slot = find(tickets, now_ms, text);
    return slot == NULL ? NULL : slot->owner;
}

bool tickets_take(struct tickets *tickets, uint64_t now_ms, struct slice text) {
    struct ticket_slot *slot = find(tickets, now_ms, text);
    if (slot == NULL) {
        return false;
    }
    slot->taken = true;
    return true;
}
