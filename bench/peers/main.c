#include "bench/peers/peer.h"
#include "core/base/check.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct peer *const peers[] = {&peer_redis_pipeline, &peer_redis_script,
                                           &peer_postgres,       &peer_postgres_bare,
                                           &peer_nats,           &peer_clickhouse};

enum option_name {
    OPTION_URL = 'u',
    OPTION_SERVER_PID = 'p',
    OPTION_EVENTS = 'e',
    OPTION_BULK = 'b',
    OPTION_CONNECTIONS = 'c',
    OPTION_DUPLICATES = 'd',
    OPTION_SEED = 's',
    OPTION_GRIDS = 'g',
    OPTION_READERS = 'r',
    OPTION_MESSAGES = 'm',
    OPTION_WINDOW = 'w',
    OPTION_RATE = 'R',
    OPTION_JSON = 'j',
};

static const struct option names[] = {{"url", required_argument, NULL, OPTION_URL},
                                      {"server-pid", required_argument, NULL, OPTION_SERVER_PID},
                                      {"events", required_argument, NULL, OPTION_EVENTS},
                                      {"bulk", required_argument, NULL, OPTION_BULK},
                                      {"connections", required_argument, NULL, OPTION_CONNECTIONS},
                                      {"duplicates", required_argument, NULL, OPTION_DUPLICATES},
                                      {"seed", required_argument, NULL, OPTION_SEED},
                                      {"grids", required_argument, NULL, OPTION_GRIDS},
                                      {"readers", required_argument, NULL, OPTION_READERS},
                                      {"messages", required_argument, NULL, OPTION_MESSAGES},
                                      {"window", required_argument, NULL, OPTION_WINDOW},
                                      {"rate", required_argument, NULL, OPTION_RATE},
                                      {"json", required_argument, NULL, OPTION_JSON},
                                      {NULL, 0, NULL, 0}};

static void help(void) {
    puts("usage: gridd-peers intake PEER --url http://HOST:PORT [OPTIONS]\n"
         "       gridd-peers fan gridd|nchan|redis|mosquitto --url http://HOST:PORT [OPTIONS]\n"
         "       gridd-peers timers redis --url http://HOST:PORT [OPTIONS]\n\n"
         "puts gridd-bench's load into another server that is running there\n");
    for (size_t i = 0; i < ARRAY_COUNT(peers); i++) {
        printf("  %-15s %s\n", peers[i]->name, peers[i]->help);
    }
    puts("\n  --server-pid   its first process; descendants count too\n"
         "  --events       reports sent in all (default 1000000), or timers\n"
         "  --bulk         reports of one request; 1: one by one (default 1000)\n"
         "  --connections  each with a thread of its own (default 8)\n"
         "  --duplicates   percent of the reports that repeat an earlier one (default 10)\n"
         "  --seed         same seed, same load (default 1)\n"
         "  --grids        grids that the reports fall in (default 45326)\n"
         "  --readers      subscribers (default 1000)\n"
         "  --messages     messages published in all (default 1000)\n"
         "  --window       messages under way in a closed loop (default 1)\n"
         "  --rate         messages a second, open loop; 0: closed\n"
         "  --json         FILE for one JSON object");
}

static uint64_t number_of(const char *text) {
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0') {
        die("%s is no number", text);
    }
    return value;
}

static void take_option(struct peer_options *options, int name, const char *text) {
    switch ((enum option_name)name) {
    case OPTION_URL:
        if (!target_parse(&options->target, text)) {
            die("--url must be http://HOST:PORT, not %s", text);
        }
        break;
    case OPTION_SERVER_PID:
        options->server_pid = number_of(text);
        break;
    case OPTION_EVENTS:
        options->events = number_of(text);
        break;
    case OPTION_BULK:
        options->bulk = number_of(text);
        break;
    case OPTION_CONNECTIONS:
        options->connections = number_of(text);
        break;
    case OPTION_DUPLICATES:
        options->repeated_pct = (double)number_of(text);
        break;
    case OPTION_SEED:
        options->seed = number_of(text);
        break;
    case OPTION_GRIDS:
        options->grids = number_of(text);
        break;
    case OPTION_READERS:
        options->readers = number_of(text);
        break;
    case OPTION_MESSAGES:
        options->messages = number_of(text);
        break;
    case OPTION_WINDOW:
        options->window = number_of(text);
        break;
    case OPTION_RATE:
        options->rate = (double)number_of(text);
        break;
    case OPTION_JSON:
        options->json_path = text;
        break;
    default:
        die("see gridd-peers --help");
    }
}

/* Thousands of readers need more descriptors than the usual soft limit. */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int run_intake(const char *name, const struct peer_options *options) {
    for (size_t i = 0; i < ARRAY_COUNT(peers); i++) {
        if (strcmp(peers[i]->name, name) == 0) {
            return peer_intake_main(peers[i], options);
        }
    }
    die("no peer of the name %s; see --help", name);
}

int main(int count, char **arguments) {
    struct peer_options options = {.events = 1000000,
                                   .bulk = 1000,
                                   .connections = 8,
                                   .repeated_pct = 10,
                                   .seed = 1,
                                   .grids = 45326,
                                   .readers = 1000,
                                   .messages = 1000,
                                   .window = 1};
    if (count < 3) {
        help();
        return count == 2 && strcmp(arguments[1], "--help") == 0 ? 0 : 2;
    }
    const char *workload = arguments[1], *peer = arguments[2];
    optind = 3;
    for (int name; (name = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        take_option(&options, name, optarg);
    }
    if (options.target.port[0] == '\0' || options.events < 2 || options.bulk < 1 ||
        options.connections < 1 || options.readers < 1 || options.messages < 1 ||
        options.window < 1) {
        die("--url is missing, or a number is too small; see --help");
    }
    raise_descriptor_limit();
    if (strcmp(workload, "intake") == 0) {
        return run_intake(peer, &options);
    }
    if (strcmp(workload, "fan") == 0) {
        return peer_fan_main(peer, &options);
    }
    if (strcmp(workload, "timers") == 0) {
        return peer_timers_main(&options);
    }
    die("no workload of the name %s; see --help", workload);
}
