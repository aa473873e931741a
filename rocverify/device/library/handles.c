/* Which handles of streams, events and executable graphs are alive: so that a queued call, which nobody answers, is
 * queued only where it names none that the device process would refuse. */
#include "internal.h"
#include "map.h"

static struct rv_map alive[3];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char present;

void rv_remember(enum rv_handle kind, const void *handle) {
    pthread_mutex_lock(&lock);
    rv_map_put(&alive[kind], RV_N(handle), &present);
    pthread_mutex_unlock(&lock);
}

void rv_forget(enum rv_handle kind, const void *handle) {
    pthread_mutex_lock(&lock);
    rv_map_remove(&alive[kind], RV_N(handle));
    pthread_mutex_unlock(&lock);
}

bool rv_known(enum rv_handle kind, const void *handle) {
    pthread_mutex_lock(&lock);
    bool known = rv_map_get(&alive[kind], RV_N(handle)) != NULL;
    pthread_mutex_unlock(&lock);
    return known;
}

bool rv_known_stream(const void *stream) {
    return RV_N(stream) <= RV_N(hipStreamPerThread) || rv_known(RV_STREAM, stream);
}

bool rv_known_event(const void *event) {
    return event && rv_known(RV_EVENT, event);
}

void rv_handles_forget(void) {
    pthread_mutex_lock(&lock);
    for (int kind = 0; kind < 3; kind++) rv_map_clear(&alive[kind], NULL);
    pthread_mutex_unlock(&lock);
}
