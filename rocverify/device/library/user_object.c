/* Objects of the program that graphs keep alive: counted here, and ended by the program's own function. */
#include <pthread.h>
#include <stdlib.h>

#include "graph.h"

enum { NO_DESTRUCTOR_SYNC = 1, MOVE = 1 };

typedef struct rv_user_object {
    void *pointer;
    hipHostFn_t destroy;
    uint64_t count;
    struct rv_user_object *next;
} *hipUserObject_t;

/* So many references of an object are held by a graph, or by what was instantiated from one. */
struct hold {
    struct hold *next;
    const void *holder;
    hipUserObject_t object;
    uint64_t count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rv_user_object *objects;
static struct hold *holds;

static bool is_object(hipUserObject_t object) {
    struct rv_user_object *one = objects;
    while (one && one != object) one = one->next;
    return one != NULL;
}

/* Takes references away, with the lock held. An object without any is taken off the list: its owner ends it. */
static hipUserObject_t drop(hipUserObject_t object, uint64_t count) {
    object->count -= count < object->count ? count : object->count;
    if (object->count) return NULL;
    struct rv_user_object **link = &objects;
    while (*link && *link != object) link = &(*link)->next;
    if (*link) *link = object->next;
    return object;
}

static void end(hipUserObject_t object) {
    if (!object) return;
    object->destroy(object->pointer);
    free(object);
}

RV_API hipError_t hipUserObjectCreate(hipUserObject_t *object, void *pointer, hipHostFn_t destroy, unsigned count,
                                      unsigned flags) {
    if (!object || !destroy || !count || flags != NO_DESTRUCTOR_SYNC) return rv_note(hipErrorInvalidValue);
    hipUserObject_t made = malloc(sizeof *made);
    if (!made) return rv_note(hipErrorOutOfMemory);
    pthread_mutex_lock(&lock);
    *made = (struct rv_user_object){pointer, destroy, count, objects};
    objects = made;
    pthread_mutex_unlock(&lock);
    *object = made;
    return hipSuccess;
}

RV_API hipError_t hipUserObjectRetain(hipUserObject_t object, unsigned count) {
    pthread_mutex_lock(&lock);
    bool good = count && is_object(object);
    if (good) object->count += count;
    pthread_mutex_unlock(&lock);
    return good ? hipSuccess : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipUserObjectRelease(hipUserObject_t object, unsigned count) {
    pthread_mutex_lock(&lock);
    bool good = count && is_object(object) && count <= object->count;
    hipUserObject_t ended = good ? drop(object, count) : NULL;
    pthread_mutex_unlock(&lock);
    end(ended);
    return good ? hipSuccess : rv_note(hipErrorInvalidValue);
}

static struct hold **hold_of(const void *holder, hipUserObject_t object) {
    struct hold **link = &holds;
    while (*link && ((*link)->holder != holder || (object && (*link)->object != object))) link = &(*link)->next;
    return link;
}

static bool hold(const void *holder, hipUserObject_t object, uint64_t count) {
    struct hold **link = hold_of(holder, object);
    if (!*link) {
        *link = malloc(sizeof **link);
        if (!*link) return false;
        **link = (struct hold){NULL, holder, object, 0};
    }
    (*link)->count += count;
    return true;
}

RV_API hipError_t hipGraphRetainUserObject(hipGraph_t graph, hipUserObject_t object, unsigned count,
                                           unsigned flags) {
    if (!graph || !count || flags & ~(unsigned)MOVE) return rv_note(hipErrorInvalidValue);
    pthread_mutex_lock(&lock);
    int code = !is_object(object) || (flags & MOVE && count > object->count) ? hipErrorInvalidValue
               : hold(graph, object, count)                                    ? hipSuccess
                                                                               : hipErrorOutOfMemory;
    if (code == hipSuccess && !(flags & MOVE)) object->count += count;
    pthread_mutex_unlock(&lock);
    return rv_note(code);
}

/* Takes up to `count` references from a holder. */
static hipUserObject_t let_go(struct hold **link, uint64_t count) {
    struct hold *gone = *link;
    hipUserObject_t ended = drop(gone->object, count < gone->count ? count : gone->count);
    if (count < gone->count) {
        gone->count -= count;
    } else {
        *link = gone->next;
        free(gone);
    }
    return ended;
}

RV_API hipError_t hipGraphReleaseUserObject(hipGraph_t graph, hipUserObject_t object, unsigned count) {
    if (!graph || !object || !count) return rv_note(hipErrorInvalidValue);
    pthread_mutex_lock(&lock);
    struct hold **link = hold_of(graph, object);
    bool good = *link && count <= (*link)->count;
    hipUserObject_t ended = good ? let_go(link, count) : NULL;
    pthread_mutex_unlock(&lock);
    end(ended);
    return good ? hipSuccess : rv_note(hipErrorInvalidValue);
}

void rv_hold_as(const void *holder, const void *other) {
    pthread_mutex_lock(&lock);
    for (struct hold *one = holds; one; one = one->next)
        if (one->holder == other && hold(holder, one->object, one->count)) one->object->count += one->count;
    pthread_mutex_unlock(&lock);
}

bool rv_holds(const void *holder) {
    pthread_mutex_lock(&lock);
    bool holds_some = *hold_of(holder, NULL) != NULL;
    pthread_mutex_unlock(&lock);
    return holds_some;
}

void rv_let_go(const void *holder) {
    for (;;) {
        pthread_mutex_lock(&lock);
        struct hold **link = hold_of(holder, NULL);
        bool more = *link != NULL;
        hipUserObject_t ended = more ? let_go(link, UINT64_MAX) : NULL;
        pthread_mutex_unlock(&lock);
        if (!more) return;
        end(ended);
    }
}
