/* Virtual time: what the server's parts ask of libuv, of threads and of clocks, answered from one
 * queue of events in one thread. The executable's own uv_* functions stand in for the library's;
 * the linker's --wrap gives it pthread_create, pthread_join, pthread_cond_*, clock_gettime and
 * getrandom.
 *
 * A thread of the server is a coroutine: it runs until it waits for a condition or sim_sleep, and
 * never holds a mutex while another one runs. A pool job runs as a whole at some later instant. */
#ifndef TESTS_SIM_SIM_LOOP_H
#define TESTS_SIM_SIM_LOOP_H

#include "core/base/base.h"

#include <uv.h>

/* Empties the queue and sets the clocks: `wall_ms` since 1970. */
void sim_loop_begin(int64_t wall_ms);
/* What those outside still wanted to do is forgotten. */
void sim_loop_end(void);
uv_loop_t *sim_loop(void);
uint64_t sim_now_ns(void);
/* What the wall shows. */
int64_t sim_wall_ms(void);
/* Sets the wall clock by so much. */
void sim_wall_step(int64_t ms);
/* Time passes and nobody runs. */
void sim_pause(uint64_t ns);

/* Somebody outside the server does something later, on the loop. */
void sim_later(uint64_t delay_ns, void (*call)(void *context), void *context);
/* Runs the next event; false: there is none. */
bool sim_step(void);
/* On a thread of the server: others run for so long. On the loop: nothing. */
void sim_sleep(uint64_t ns);
/* For sim_thread.c: a thread of the server goes on. */
void sim_wake_later(uint64_t delay_ns, void (*call)(void *context), void *context);
/* The server ends: its pool jobs, calls to the loop and closings run now, until none is left;
 * nothing of the outside does. */
void sim_run_out(void);
/* Handles, jobs and threads of the server that are still there. */
size_t sim_handles(void);

#endif
