/* The program's functions in streams are called by a thread of it that waits in a call. Where none does, a thread of the
 * library's own waits, as HIP's does: a program may wait for what such a function says, and not for the stream. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "client.h"
#include "internal.h"

#define IDLE_NS 20000000

static _Atomic unsigned queued, waited_for; /* how many so far */
static _Atomic bool watched;

/* The program is idle when it has made no call for a while; a capture must not be waited in. */
static void *watch(void *unused) {
    (void)unused;
    do {
        while (atomic_load(&queued) != atomic_load(&waited_for)) {
            unsigned before = rv_calls(), count = atomic_load(&queued);
            nanosleep(&(struct timespec){0, IDLE_NS}, NULL);
            if (rv_calls() != before || rv_capturing()) continue;
            if (RV_CALL(rv_device_synchronize_quietly) == hipErrorDeinitialized) return NULL;
            atomic_store(&waited_for, count);
        }
        atomic_store(&watched, false);
    } while (atomic_load(&queued) != atomic_load(&waited_for) && !atomic_exchange(&watched, true));
    return NULL;
}

int rv_host_function_queued(int code) {
    if (code) return code;
    atomic_fetch_add(&queued, 1);
    if (atomic_exchange(&watched, true)) return code;
    pthread_t thread;
    pthread_attr_t detached;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the program's handlers are for its own threads */
    if (pthread_create(&thread, &detached, watch, NULL)) atomic_store(&watched, false);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&detached);
    return code;
}
