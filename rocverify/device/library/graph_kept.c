/* The parameters that a graph's nodes were given by hand, for the functions that give them back. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

enum { HASH = 512, MOST_ARGUMENTS = 512 };

struct kept {
    struct kept *next;
    hipGraphNode_t node;
    uint32_t connection;
    rv_node_params params;
    void **arguments; /* of a kernel: pointers, and behind them what they point to */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *kept_params[HASH];

static struct kept **place_of(hipGraphNode_t node) {
    struct kept **link = &kept_params[((uintptr_t)node ^ (uintptr_t)node >> 9) % HASH];
    while (*link && ((*link)->node != node || (*link)->connection != rv_connection())) link = &(*link)->next;
    return link;
}

/* A kernel's arguments as they are now: the program's variables may be gone when it asks for them. NULL: there are none. */
static void **copy_of_arguments(const struct rv_work *work) {
    struct rv_kernel_arg places[MOST_ARGUMENTS];
    uint32_t count = rv_kernel_arguments((const void *)work->words[0], places, MOST_ARGUMENTS);
    if (!count || count > MOST_ARGUMENTS) return NULL;
    void **arguments = malloc(count * sizeof *arguments + work->bytes);
    if (!arguments) return NULL;
    unsigned char *bytes = (unsigned char *)(arguments + count);
    memcpy(bytes, work->payload, work->bytes);
    for (uint32_t i = 0; i < count; i++) arguments[i] = bytes + places[i].offset;
    return arguments;
}

static void change(struct kept *kept, const rv_node_params *params, const struct rv_work *work) {
    free(kept->arguments);
    kept->params = *params;
    kept->arguments = params->type == NODE_KERNEL ? copy_of_arguments(work) : NULL;
    if (!kept->arguments) return;
    kept->params.kernel.kernelParams = kept->arguments;
    kept->params.kernel.extra = NULL;
}

void rv_keep_params(hipGraphNode_t node, const rv_node_params *params, const struct rv_work *work) {
    pthread_mutex_lock(&lock);
    struct kept **link = place_of(node);
    if (!*link) {
        *link = calloc(1, sizeof **link);
        if (*link) (*link)->node = node, (*link)->connection = rv_connection();
    }
    if (*link) change(*link, params, work);
    pthread_mutex_unlock(&lock);
}

bool rv_kept_params(hipGraphNode_t node, int type, rv_node_params *params) {
    pthread_mutex_lock(&lock);
    struct kept *found = *place_of(node);
    if (found) *params = found->params;
    pthread_mutex_unlock(&lock);
    return found && params->type == type;
}

void rv_drop_params(hipGraphNode_t node) {
    pthread_mutex_lock(&lock);
    struct kept **link = place_of(node), *gone = *link;
    if (gone) *link = gone->next;
    pthread_mutex_unlock(&lock);
    if (gone) free(gone->arguments);
    free(gone);
}
