#include "server/domain/ticket_load.h"

#include "core/base/check.h"

#include <stdlib.h>

struct ticket_load {
    struct ticket_loader *loader;
    struct ticket_load *next;
    uint64_t number;
    ticket_loaded_cb *call; /* NULL: abandoned */
    void *context;
    struct commit_waiter waiter;
    uv_work_t work;
    struct store_value row;
    enum status status;
};

struct ticket_loader {
    struct services *services;
    struct ticket_load *first; /* in the order in which they were asked for */
};

struct ticket_loader *ticket_loader_new(struct services *services) {
    struct ticket_loader *loader = calloc(1, sizeof *loader);
    CHECK(loader != NULL);
    loader->services = services;
    return loader;
}

void ticket_loader_free(struct ticket_loader *loader) {
    if (loader == NULL) {
        return;
    }
    while (loader->first != NULL) {
        struct ticket_load *load = loader->first;
        loader->first = load->next;
        free(load);
    }
    free(loader);
}

static bool is_in_memory(const struct ticket_loader *loader, uint64_t number) {
    return docket_find(&driver_world(loader->services->driver)->docket, number) != NULL;
}

static void begin(struct ticket_load *load);

/* Ends a load; the next one of the same ticket begins. */
static void finish(struct ticket_load *load) {
    struct ticket_loader *loader = load->loader;
    struct ticket_load **at = &loader->first;
    while (*at != load) {
        at = &(*at)->next;
    }
    *at = load->next;
    uint64_t number = load->number;
    if (load->call != NULL) {
        load->call(load->context, load->status);
    }
    free(load);
    struct ticket_load *next = loader->first;
    while (next != NULL && next->number != number) {
        next = next->next;
    }
    if (next != NULL && loader->services->committer != NULL) { /* NULL: the loop runs out */
        begin(next);
    }
}

static void on_pool(uv_work_t *work) {
    struct ticket_load *load = work->data;
    uint8_t key[TICKET_KEY_BYTES];
    ticket_key_encode(key, load->number);
    load->status = db_get_row(load->loader->services->db, FAMILY_TICKETS,
                              (struct slice){key, sizeof key}, &load->row, NULL);
}

static void after_pool(uv_work_t *work, int uv_status) {
    (void)uv_status; /* nothing here uses uv_cancel */
    struct ticket_load *load = work->data;
    if (load->status == STATUS_OK) {
        uint8_t key[TICKET_KEY_BYTES];
        ticket_key_encode(key, load->number);
        if (load->call != NULL) {
            load->status = driver_load_ticket(load->loader->services->driver,
                                              (struct slice){key, sizeof key}, load->row.bytes);
        }
        store_value_free(&load->row);
    }
    finish(load);
}

static void on_durable(struct commit_waiter *waiter, enum status status) {
    struct ticket_load *load =
        (struct ticket_load *)(void *)((char *)waiter - offsetof(struct ticket_load, waiter));
    load->status = status;
    if (status != STATUS_OK || is_in_memory(load->loader, load->number)) {
        finish(load);
        return;
    }
    load->work.data = load;
    int failed = uv_queue_work(load->loader->services->loop, &load->work, on_pool, after_pool);
    CHECK(failed == 0);
}

static void begin(struct ticket_load *load) {
    struct committer *committer = load->loader->services->committer;
    load->waiter =
        (struct commit_waiter){.seq = committer_next_seq(committer) - 1, .call = on_durable};
    committer_wait(committer, &load->waiter);
}

struct ticket_load *ticket_load_start(struct ticket_loader *loader, uint64_t number,
                                      ticket_loaded_cb *call, void *context) {
    struct ticket_load *load = calloc(1, sizeof *load);
    CHECK(load != NULL);
    load->loader = loader;
    load->number = number;
    load->call = call;
    load->context = context;
    bool is_first = true;
    struct ticket_load **at = &loader->first;
    for (; *at != NULL; at = &(*at)->next) {
        is_first = is_first && (*at)->number != number;
    }
    *at = load;
    if (is_first) {
        begin(load);
    }
    return load;
}

void ticket_load_abandon(struct ticket_load *load) {
    load->call = NULL;
}
