/* A doubly-linked ring whose links live inside what is listed. All O(1); an unlinked link points to
 * itself, so removing twice is harmless. */
#ifndef SERVER_HTTP_LIST_H
#define SERVER_HTTP_LIST_H

#include "core/base/base.h"

struct http_link {
    struct http_link *prev, *next;
};

/* The struct a link is a member of. */
#define HTTP_LINK_OWNER(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void http_link_init(struct http_link *link) {
    link->prev = link->next = link;
}

static inline bool http_link_alone(const struct http_link *link) {
    return link->next == link;
}

static inline void http_link_remove(struct http_link *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    http_link_init(link);
}

/* `link` must be alone. */
static inline void http_link_append(struct http_link *list, struct http_link *link) {
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

/* Moves all of `from` to the empty list `to`. */
static inline void http_link_move(struct http_link *from, struct http_link *to) {
    if (!http_link_alone(from)) {
        *to = *from;
        to->next->prev = to;
        to->prev->next = to;
        http_link_init(from);
    }
}

#endif
