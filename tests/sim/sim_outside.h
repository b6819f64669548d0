/* Those outside the server: devices that upload reports, centres that follow the feed, desks that
 * work on tickets. Each of them acts by itself, by events of its own, as long as it is awake. */
#ifndef TESTS_SIM_SIM_OUTSIDE_H
#define TESTS_SIM_SIM_OUTSIDE_H

#include "tests/sim/sim_model.h"
#include "tests/sim/sim_server.h"

struct sim_outside {
    struct sim_swarm *swarm;
    struct sim_server *server;
    struct model *model;
};

struct devices;
struct devices *devices_new(const struct sim_outside *outside);
void devices_free(struct devices *devices);
/* The server is gone: nothing of what was under way is known. */
void devices_drop(struct devices *devices);
/* From now on only what is still unacknowledged is sent. */
void devices_settle(struct devices *devices);
bool devices_are_settled(const struct devices *devices);

struct centres;
struct centres *centres_new(const struct sim_outside *outside);
void centres_free(struct centres *centres);
void centres_drop(struct centres *centres);
/* Everything in scope has been read; false: not yet. */
bool centres_are_settled(const struct centres *centres);

struct desks;
struct desks *desks_new(const struct sim_outside *outside);
void desks_free(struct desks *desks);
void desks_drop(struct desks *desks);
void desks_settle(struct desks *desks);
bool desks_are_settled(const struct desks *desks);

#endif
