/* The server's threads as coroutines of this one, and what else it asks the system for. */
#include "core/base/check.h"
#include "tests/sim/sim_loop.h"
#include "tests/sim/sim_random.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_ASAN 1
#endif
#endif
#ifdef SIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

enum { THREADS_MAX = 8, STACK_BYTES = 256 << 10 };

struct thread {
    ucontext_t context;
    void *stack; /* kept between seeds */
    void *fake_stack;
    void *(*start)(void *argument);
    void *argument;
    bool used, finished;
    uint64_t wake_id; /* a wake-up that names an older one is none */
    pthread_cond_t *waiting;
};

/* A wake-up on its way. */
struct wake {
    struct thread *thread;
    uint64_t wake_id;
};

static struct thread threads[THREADS_MAX];
static struct thread *current; /* NULL: the loop runs */
static ucontext_t loop_context;
static void *loop_fake_stack;
static const void *loop_stack;
static size_t loop_stack_bytes;

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*start)(void *),
                          void *argument);
int __wrap_pthread_join(pthread_t thread, void **ret);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
ssize_t __wrap_getrandom(void *to, size_t bytes, unsigned flags);

static void start_switch(void **fake_stack, const void *bottom, size_t bytes) {
#ifdef SIM_ASAN
    __sanitizer_start_switch_fiber(fake_stack, bottom, bytes);
#else
    (void)fake_stack;
    (void)bottom;
    (void)bytes;
#endif
}

static void finish_switch(void *fake_stack, const void **bottom, size_t *bytes) {
#ifdef SIM_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, bottom, bytes);
#else
    (void)fake_stack;
    (void)bottom;
    (void)bytes;
#endif
}

/* From a thread back to the loop. */
static void leave(void) {
    struct thread *thread = current;
    start_switch(thread->finished ? NULL : &thread->fake_stack, loop_stack, loop_stack_bytes);
    CHECK(swapcontext(&thread->context, &loop_context) == 0);
    finish_switch(thread->fake_stack, &loop_stack, &loop_stack_bytes);
}

static void enter(struct thread *thread) {
    CHECK(current == NULL && !thread->finished);
    thread->wake_id++;
    current = thread;
    start_switch(&loop_fake_stack, thread->stack, STACK_BYTES);
    CHECK(swapcontext(&loop_context, &thread->context) == 0);
    finish_switch(loop_fake_stack, NULL, NULL);
    current = NULL;
}

static void begin(void) {
    finish_switch(NULL, &loop_stack, &loop_stack_bytes);
    current->start(current->argument);
    current->finished = true;
    leave();
    CHECK(false);
}

static void run_wake(void *context) {
    struct wake wake = *(struct wake *)context;
    free(context);
    if (wake.thread->used && !wake.thread->finished && wake.thread->wake_id == wake.wake_id) {
        enter(wake.thread);
    }
}

static void wake_later(struct thread *thread, uint64_t delay_ns) {
    struct wake *wake = malloc(sizeof *wake);
    CHECK(wake != NULL);
    *wake = (struct wake){thread, thread->wake_id};
    sim_wake_later(delay_ns, run_wake, wake);
}

void sim_sleep(uint64_t ns) {
    if (current != NULL) {
        wake_later(current, ns);
        leave();
    }
}

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*start)(void *),
                          void *argument) {
    (void)attributes;
    size_t at = 0;
    while (at < THREADS_MAX && threads[at].used) {
        at++;
    }
    CHECK(at < THREADS_MAX && current == NULL);
    struct thread *thread = &threads[at];
    if (thread->stack == NULL) {
        thread->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        CHECK(thread->stack != MAP_FAILED);
    }
    thread->start = start;
    thread->argument = argument;
    thread->used = true;
    thread->finished = false;
    thread->waiting = NULL;
    CHECK(getcontext(&thread->context) == 0);
    thread->context.uc_stack.ss_sp = thread->stack;
    thread->context.uc_stack.ss_size = STACK_BYTES;
    thread->context.uc_link = NULL;
    makecontext(&thread->context, begin, 0);
    wake_later(thread, sim_between(STREAM_LOOP, 1000, 50000));
    *ret = (pthread_t)(at + 1);
    return 0;
}

/* Whoever waits for its end lets it run to there at once. */
int __wrap_pthread_join(pthread_t number, void **ret) {
    struct thread *thread = &threads[(size_t)number - 1];
    CHECK(ret == NULL && current == NULL && thread->used);
    while (!thread->finished) {
        enter(thread);
    }
    thread->used = false;
    thread->wake_id++;
    return 0;
}

static void wait_for(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    struct thread *thread = current;
    CHECK(thread != NULL);
    thread->waiting = condition;
    CHECK(pthread_mutex_unlock(mutex) == 0);
    leave();
    CHECK(pthread_mutex_lock(mutex) == 0);
    thread->waiting = NULL;
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    wait_for(condition, mutex);
    return 0;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until) {
    uint64_t until_ns = (uint64_t)until->tv_sec * 1000000000 + (uint64_t)until->tv_nsec;
    uint64_t now_ns = sim_now_ns();
    if (current == NULL) {
        return ETIMEDOUT; /* recovery, before there is a thread: nobody else runs meanwhile */
    }
    wake_later(current, until_ns > now_ns ? until_ns - now_ns : 0);
    wait_for(condition, mutex);
    return sim_now_ns() >= until_ns ? ETIMEDOUT : 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition) {
    for (size_t i = 0; i < THREADS_MAX; i++) {
        if (threads[i].used && !threads[i].finished && threads[i].waiting == condition) {
            wake_later(&threads[i], sim_between(STREAM_LOOP, 1000, 50000));
        }
    }
    return 0;
}

/* Each condition here has one thread that waits for it. */
int __wrap_pthread_cond_signal(pthread_cond_t *condition) {
    return __wrap_pthread_cond_broadcast(condition);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret) {
    uint64_t ns = sim_now_ns();
    if (clock == CLOCK_REALTIME) {
        ns = (uint64_t)sim_wall_ms() * 1000000;
    }
    ret->tv_sec = (time_t)(ns / 1000000000);
    ret->tv_nsec = (long)(ns % 1000000000);
    return 0;
}

ssize_t __wrap_getrandom(void *to, size_t bytes, unsigned flags) {
    (void)flags;
    uint8_t *at = to;
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)sim_random(STREAM_ENTROPY);
    }
    return (ssize_t)bytes;
}
