#include "bench/settle.h"

#include "bench/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_status(const struct bench *bench, struct settled *settled) {
    const struct client_request request = {.method = "GET", .path = "/v1/status"};
    char *body = NULL;
    if (client_call(&bench->target, &request, &body) == 200) {
        struct slice json = {(const uint8_t *)body, strlen(body)};
        settled->seq = answer_number(json, "seq");
        settled->sealed_through = answer_number(json, "sealed_through");
    }
    free(body);
}

void settle(struct settled *ret, const struct bench *bench, const struct process_use *since) {
    *ret = (struct settled){0};
    uint64_t start_ns = monotonic_ns();
    uint64_t end_ns = start_ns + bench->options->settle_s * UINT64_C(1000000000);
    process_use(bench->server_pid, &ret->use);
    while (!ret->quiet && monotonic_ns() < end_ns) {
        uint64_t sealed_before = ret->sealed_through;
        double cpu_before_s = ret->use.cpu_s;
        sleep(2);
        read_status(bench, ret);
        process_use(bench->server_pid, &ret->use);
        ret->quiet = ret->sealed_through == sealed_before && ret->use.cpu_s - cpu_before_s < 0.1;
    }
    ret->seconds = (double)(monotonic_ns() - start_ns) / 1e9;
    ret->cpu_s = ret->use.cpu_s - since->cpu_s;
}
