#include "server/domain/ticket_load.h"

#include "core/base/bytes.h"
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
    struct store_value row, directive_row; /* bytes NULL: not read, it is in memory */
    uint64_t directive;                    /* 0: none, or not known yet */
    uint64_t removed_count;                /* of directives, when reading began */
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

static const struct docket *docket_of(const struct ticket_loader *loader) {
    return &driver_world(loader->services->driver)->docket;
}

static bool is_directive_there(const struct ticket_loader *loader, uint64_t directive) {
    return directive == 0 || directives_find(&docket_of(loader)->directives, directive) != NULL;
}

bool ticket_is_loaded(const struct ticket_loader *loader, uint64_t number) {
    const struct ticket *ticket = docket_find(docket_of(loader), number);
    return ticket != NULL && is_directive_there(loader, ticket->directive);
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

static enum status read_row(struct ticket_load *load, enum family family, uint64_t number,
                            struct store_value *ret) {
    uint8_t key[8];
    store_u64_be(key, number);
    return db_get_row(load->loader->services->db, family, (struct slice){key, sizeof key}, ret,
                      NULL);
}

/* What is not in memory of the ticket and its directive. */
static void on_pool(uv_work_t *work) {
    struct ticket_load *load = work->data;
    if (load->directive == 0) {
        struct ticket ticket;
        struct joint joint;
        bool has_joint;
        load->status = read_row(load, FAMILY_TICKETS, load->number, &load->row);
        if (load->status == STATUS_OK) {
            load->status = ticket_row_decode(&ticket, &joint, &has_joint, load->row.bytes);
            load->directive = load->status == STATUS_OK ? ticket.directive : 0;
        }
    }
    if (load->status == STATUS_OK && load->directive != 0) {
        load->status = read_row(load, FAMILY_DIRECTIVES, load->directive, &load->directive_row);
    }
}

static void take_rows(struct ticket_load *load) {
    struct driver *driver = load->loader->services->driver;
    uint8_t key[TICKET_KEY_BYTES];
    ticket_key_encode(key, load->number);
    if (!is_directive_there(load->loader, load->directive)) {
        load->status = driver_load_directive(driver, load->directive_row.bytes);
    }
    bool is_wanted =
        load->row.bytes.data != NULL && docket_find(docket_of(load->loader), load->number) == NULL;
    if (load->status == STATUS_OK && is_wanted) {
        load->status = driver_load_ticket(driver, (struct slice){key, sizeof key}, load->row.bytes);
    }
}

static void free_rows(struct ticket_load *load) {
    struct store_value *rows[] = {&load->row, &load->directive_row};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i]->bytes.data != NULL) {
            store_value_free(rows[i]);
        }
        *rows[i] = (struct store_value){0};
    }
}

/* Another ticket's command may have changed the directive, and it may have left again, while its
 * row was read. */
static bool is_outdated(const struct ticket_load *load) {
    return load->directive != 0 &&
           load->removed_count != docket_of(load->loader)->directives.removed_count;
}

static void after_pool(uv_work_t *work, int uv_status) {
    (void)uv_status; /* nothing here uses uv_cancel */
    struct ticket_load *load = work->data;
    bool again = load->call != NULL && load->status == STATUS_OK && is_outdated(load) &&
                 load->loader->services->committer != NULL;
    if (load->call != NULL && load->status == STATUS_OK && !again) {
        take_rows(load);
    }
    free_rows(load);
    if (again) {
        begin(load);
    } else {
        finish(load);
    }
}

static void on_durable(struct commit_waiter *waiter, enum status status) {
    struct ticket_load *load =
        (struct ticket_load *)(void *)((char *)waiter - offsetof(struct ticket_load, waiter));
    load->status = status;
    if (status != STATUS_OK || ticket_is_loaded(load->loader, load->number)) {
        finish(load);
        return;
    }
    const struct ticket *ticket = docket_find(docket_of(load->loader), load->number);
    load->directive = ticket != NULL ? ticket->directive : 0;
    load->removed_count = docket_of(load->loader)->directives.removed_count;
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
