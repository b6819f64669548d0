/* A disk, and the store on it as one process sees it: the memory store (storage/store_mem.c) behind
 * delays and faults. What was written stays on the disk when the process ends; a batch on its way
 * then is lost, or is there after all. */
#ifndef TESTS_SIM_SIM_STORE_H
#define TESTS_SIM_SIM_STORE_H

#include "storage/store.h"
#include "tests/sim/sim_swarm.h"

struct sim_disk; /* opaque */

struct sim_disk *sim_disk_new(const struct sim_swarm *swarm);
void sim_disk_free(struct sim_disk *disk);
/* A process opens it; the store is closed by store_close. One at a time. */
struct store *sim_disk_open(struct sim_disk *disk);
/* Where a process can end. */
enum sim_boundary {
    BOUNDARY_ANY,
    BOUNDARY_SUBMITTED,     /* a commit is on its way to the disk */
    BOUNDARY_SYNCED,        /* it is there, and nobody knows yet */
    BOUNDARY_SEALING,       /* a run is being written */
    BOUNDARY_SEALED_UNTOLD, /* it is there, the meta data says so with the next commit */
    BOUNDARY_COUNT
};
bool sim_disk_is_at(const struct sim_disk *disk, enum sim_boundary boundary);
/* The process ends here: nothing it does from now on reaches the disk. */
void sim_disk_crash(struct sim_disk *disk);
/* The same while a process is opening: at its n-th write from now. */
void sim_disk_die_after(struct sim_disk *disk, uint64_t writes);
/* Highest sequence number of the journal on the disk. */
uint64_t sim_disk_seq(const struct sim_disk *disk);
/* Entries of the newest commit that had any. */
uint64_t sim_disk_group_last(const struct sim_disk *disk);
/* The store itself, without faults, while no process has it. */
struct store *sim_disk_store(struct sim_disk *disk);

#endif
