/* What the files on graphs share: the numbers of a call that adds or changes a node. */
#ifndef ROCVERIFY_GRAPH_H
#define ROCVERIFY_GRAPH_H

#include "client.h"

/* The work of a node: the numbers behind a call's dependencies, and its payload. */
struct rv_work {
    uint64_t words[16];
    unsigned count;
    uint32_t bytes;
    unsigned char payload[RV_KERNARG_BYTES];
};

enum { RV_LAUNCH_WORDS = 12 }; /* of a launch: function, grid, block, LDS, stream, two events, flags */

enum rv_node_type { /* hipGraphNodeType of ROCm 6 and 7 */
    NODE_KERNEL, NODE_MEMCPY, NODE_MEMSET, NODE_HOST, NODE_GRAPH, NODE_EMPTY, NODE_WAIT_EVENT, NODE_EVENT_RECORD,
    NODE_ALLOC = 10, NODE_FREE = 11, NODE_MEMCPY_FROM_SYMBOL = 12, NODE_MEMCPY_TO_SYMBOL = 13,
};

typedef struct { /* ROCm 7 */
    int type, reserved0[3];
    union {
        long long reserved1[29];
        hipKernelNodeParams kernel;
        struct { int flags, reserved[3]; hipMemcpy3DParms copyParams; } memcpy;
        hipMemsetParams memset;
        hipHostNodeParams host;
        struct { hipGraph_t graph; } graph;
        struct { hipEvent_t event; } event;
        hipMemAllocNodeParams alloc;
        struct { void *dptr; } free;
    };
    long long reserved2;
} hipGraphNodeParams;

typedef hipGraphNodeParams rv_node_params; /* also what is kept of a node, for the functions that get it back */

/* Fills the work of a node. 0, or the error, noted. */
int rv_work_of(struct rv_work *work, const rv_node_params *params);
int rv_driver_copy_work(struct rv_work *work, const void *copy); /* of a HIP_MEMCPY3D */

int rv_add_node_into(rv_reply *reply, enum rv_call call, hipGraphNode_t *node, hipGraph_t graph,
                     const hipGraphNode_t *dependencies, size_t count, const struct rv_work *work);
/* Adds a node, and keeps its parameters. */
int rv_add_node(enum rv_call call, hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                size_t count, const struct rv_work *work, const rv_node_params *params);

/* Parameters that were given for a node; false where none were (it was captured, or cloned). */
bool rv_kept_params(hipGraphNode_t node, int type, rv_node_params *params);
void rv_keep_params(hipGraphNode_t node, const rv_node_params *params, const struct rv_work *work);
void rv_drop_params(hipGraphNode_t node);

/* The address of a device variable's bytes from `offset` on, of which `count` are wanted. 0, or the error, noted. */
int rv_symbol_address(const void *shadow, size_t offset, size_t count, void **address);

/* Objects of the program that are kept alive (user_object.c): a holder keeps what another does, keeps any, keeps none
 * any more. */
void rv_hold_as(const void *holder, const void *other);
bool rv_holds(const void *holder);
void rv_let_go(const void *holder);

#endif
