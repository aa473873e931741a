/* Each thread that calls HIP has a connection of its own: answers come there, and with them what the device process
 * asks of the thread that waits. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

static RV_THREAD_LOCAL struct rv_thread *mine;
static struct rv_thread *all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void disconnect(struct rv_thread *t) {
    if (t->connection) {
        close(t->socket);
        munmap(t->staging, RV_STAGING_BYTES);
    }
    t->connection = 0;
    t->socket = -1;
}

static void end_of_thread(void *argument) {
    struct rv_thread *t = argument, **place = &all;
    pthread_mutex_lock(&lock);
    while (*place && *place != t) place = &(*place)->next;
    if (*place) *place = t->next;
    pthread_mutex_unlock(&lock);
    if (rv_client.state != RV_FORKED) disconnect(t);
    rv_sites_free(t);
    free(t->message);
    free(t);
    mine = NULL;
}

static void make_key(void) {
    if (pthread_key_create(&key, end_of_thread)) abort();
}

struct rv_thread *rv_thread(void) {
    if (mine) return mine;
    struct rv_thread *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->socket = -1;
    pthread_once(&once, make_key);
    pthread_setspecific(key, t);
    pthread_mutex_lock(&lock);
    t->next = all;
    all = t;
    pthread_mutex_unlock(&lock);
    return mine = t;
}

static int greet(struct rv_thread *t) {
    struct rv_hello hello = {.kind = RV_THREAD, .token = rv_client.welcome.token};
    struct rv_welcome welcome;
    int file;
    t->socket = rv_greet(&hello, &welcome, &file, 1);
    if (t->socket < 0) return hipErrorDeinitialized;
    t->slot = welcome.slot;
    void *staging = mmap(NULL, RV_STAGING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (staging == MAP_FAILED) {
        rv_say("a thread's part of the memory that is shared with the device process cannot be mapped");
        close(t->socket);
        return hipErrorOperatingSystem;
    }
    t->staging = staging;
    return 0;
}

int rv_thread_connect(struct rv_thread *t) {
    uint32_t connection = rv_client.connection;
    if (t->connection == connection) return 0;
    disconnect(t);
    if (!t->message && !(t->message = malloc(RV_MESSAGE_BYTES))) return hipErrorOutOfMemory;
    int code = greet(t);
    if (code == hipErrorDeinitialized) rv_died("the device process does not answer");
    if (code == 0) t->connection = connection;
    return code;
}

void rv_threads_close_files(void) {
    for (struct rv_thread *t = all; t; t = t->next)
        if (t->connection) close(t->socket);
}
