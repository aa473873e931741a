/* Graphs: their nodes and edges, instantiation and launches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"

enum { FLAGS_KNOWN = 0xf, UPDATE_ERROR = 1 };

static int handle_of(int code, const rv_reply *reply, void *result) {
    if (code == hipSuccess) memcpy(result, &reply->values[0], sizeof(void *));
    return code;
}

RV_API hipError_t hipGraphCreate(hipGraph_t *graph, unsigned flags) {
    if (!graph || flags) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return handle_of(RV_CALL_INTO(&reply, hipGraphCreate, RV_N(flags)), &reply, graph);
}

RV_API hipError_t hipGraphDestroy(hipGraph_t graph) {
    if (!graph) return rv_note(hipErrorInvalidValue);
    int code = RV_CALL(hipGraphDestroy, RV_N(graph));
    if (code == hipSuccess) rv_let_go(graph);
    return code;
}

RV_API hipError_t hipGraphClone(hipGraph_t *clone, hipGraph_t graph) {
    if (!clone || !graph) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = handle_of(RV_CALL_INTO(&reply, hipGraphClone, RV_N(graph)), &reply, clone);
    if (code == hipSuccess) rv_hold_as(*clone, graph);
    return code;
}

RV_API hipError_t hipGraphNodeFindInClone(hipGraphNode_t *node, hipGraphNode_t original, hipGraph_t clone) {
    if (!node || !original || !clone) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return handle_of(RV_CALL_INTO(&reply, hipGraphNodeFindInClone, RV_N(original), RV_N(clone)), &reply, node);
}

/* ---- nodes and edges */

/* Handles of a reply into an array of *count, all where there is room; *count becomes how many there are, or, with
 * an array, how many were written. */
static void give_handles(const rv_reply *reply, unsigned step, unsigned first, hipGraphNode_t *into, size_t count) {
    size_t there = reply->nvalues / step;
    for (size_t i = 0; into && i < count; i++)
        into[i] = i < there ? (hipGraphNode_t)reply->all[i * step + first] : NULL;
}

static int list(enum rv_call call, const void *what, hipGraphNode_t *nodes, size_t *count) {
    if (!what || !count) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = rv_call(&reply, call, RV_ARGS(RV_N(what)), NULL, 0);
    if (code) return code;
    give_handles(&reply, 1, 0, nodes, *count);
    if (!nodes || *count > reply.nvalues) *count = reply.nvalues;
    return hipSuccess;
}

RV_API hipError_t hipGraphGetNodes(hipGraph_t graph, hipGraphNode_t *nodes, size_t *count) {
    return list(RV_CALL_hipGraphGetNodes, graph, nodes, count);
}

RV_API hipError_t hipGraphGetRootNodes(hipGraph_t graph, hipGraphNode_t *nodes, size_t *count) {
    return list(RV_CALL_hipGraphGetRootNodes, graph, nodes, count);
}

RV_API hipError_t hipGraphNodeGetDependencies(hipGraphNode_t node, hipGraphNode_t *nodes, size_t *count) {
    return list(RV_CALL_hipGraphNodeGetDependencies, node, nodes, count);
}

RV_API hipError_t hipGraphNodeGetDependentNodes(hipGraphNode_t node, hipGraphNode_t *nodes, size_t *count) {
    return list(RV_CALL_hipGraphNodeGetDependentNodes, node, nodes, count);
}

RV_API hipError_t hipGraphGetEdges(hipGraph_t graph, hipGraphNode_t *from, hipGraphNode_t *to, size_t *count) {
    if (!graph || !count || !from != !to) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipGraphGetEdges, RV_N(graph));
    if (code) return code;
    give_handles(&reply, 2, 0, from, *count);
    give_handles(&reply, 2, 1, to, *count);
    if (!from || *count > reply.nvalues / 2) *count = reply.nvalues / 2;
    return hipSuccess;
}

static int connect_nodes(enum rv_call call, hipGraph_t graph, const hipGraphNode_t *from, const hipGraphNode_t *to,
                         size_t count) {
    if (!graph || count > RV_RING_BYTES / 64 || (count && (!from || !to))) return rv_note(hipErrorInvalidValue);
    if (!count) return hipSuccess;
    uint64_t *args = malloc((2 + 2 * count) * sizeof *args);
    if (!args) return rv_note(hipErrorOutOfMemory);
    args[0] = RV_N(graph);
    args[1] = count;
    bool read = rv_copy_guarded(args + 2, from, count * sizeof *from) &&
                rv_copy_guarded(args + 2 + count, to, count * sizeof *to);
    int code = read ? rv_call(NULL, call, args, (unsigned)(2 + 2 * count), NULL, 0) : rv_note(hipErrorInvalidValue);
    free(args);
    return code;
}

RV_API hipError_t hipGraphAddDependencies(hipGraph_t graph, const hipGraphNode_t *from, const hipGraphNode_t *to,
                                          size_t count) {
    return connect_nodes(RV_CALL_hipGraphAddDependencies, graph, from, to, count);
}

RV_API hipError_t hipGraphRemoveDependencies(hipGraph_t graph, const hipGraphNode_t *from, const hipGraphNode_t *to,
                                             size_t count) {
    return connect_nodes(RV_CALL_hipGraphRemoveDependencies, graph, from, to, count);
}

RV_API hipError_t hipGraphDestroyNode(hipGraphNode_t node) {
    if (!node) return rv_note(hipErrorInvalidValue);
    int code = RV_CALL(hipGraphDestroyNode, RV_N(node));
    if (code == hipSuccess) rv_drop_params(node);
    return code;
}

static int type_of(hipGraphNode_t node, int *type) {
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipGraphNodeGetType, RV_N(node));
    *type = (int)reply.values[0];
    return code;
}

/* ROCm 5 counts the types from 1 and has no semaphores and no memory nodes. */
RV_API hipError_t hipGraphNodeGetType(hipGraphNode_t node, int *type) {
    if (!node || !type) return rv_note(hipErrorInvalidValue);
    int found;
    int code = type_of(node, &found);
    if (code) return code;
    if (rv_abi() == 5) found = found < NODE_MEMCPY_FROM_SYMBOL ? found + 1 : found - NODE_MEMCPY_FROM_SYMBOL + 10;
    *type = found;
    return hipSuccess;
}

RV_API hipError_t hipGraphChildGraphNodeGetGraph(hipGraphNode_t node, hipGraph_t *graph) {
    if (!node || !graph) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return handle_of(RV_CALL_INTO(&reply, hipGraphChildGraphNodeGetGraph, RV_N(node)), &reply, graph);
}

/* ---- executable graphs */

static int instantiate(hipGraphExec_t *exec, hipGraph_t graph, unsigned long long flags) {
    if (!exec || !graph || flags & ~(unsigned long long)FLAGS_KNOWN) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = handle_of(RV_CALL_INTO(&reply, hipGraphInstantiate, RV_N(graph), flags), &reply, exec);
    if (code) return code;
    rv_remember(RV_GRAPH_EXEC, *exec);
    rv_hold_as(*exec, graph);
    return hipSuccess;
}

RV_API hipError_t hipGraphInstantiate(hipGraphExec_t *exec, hipGraph_t graph, hipGraphNode_t *wrong, char *log,
                                      size_t bytes) {
    if (wrong) *wrong = NULL;
    if (log && bytes) *log = 0;
    return instantiate(exec, graph, 0);
}

RV_API hipError_t hipGraphInstantiateWithFlags(hipGraphExec_t *exec, hipGraph_t graph, unsigned long long flags) {
    return instantiate(exec, graph, flags);
}

RV_API hipError_t hipGraphUpload(hipGraphExec_t exec, hipStream_t stream) {
    return exec ? RV_CALL(hipGraphUpload, RV_N(exec), RV_N(stream)) : rv_note(hipErrorInvalidValue);
}

typedef struct { /* ROCm 6 and 7 */
    hipGraphNode_t errNode_out;
    unsigned long long flags;
    int result_out; /* 0 success, 1 error, 2 an invalid structure */
    hipStream_t uploadStream;
} hipGraphInstantiateParams;

RV_API hipError_t hipGraphInstantiateWithParams(hipGraphExec_t *exec, hipGraph_t graph,
                                                hipGraphInstantiateParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    params->errNode_out = NULL;
    int code = instantiate(exec, graph, params->flags);
    params->result_out = code == hipSuccess ? 0 : code == hipErrorInvalidValue ? 2 : 1;
    if (code == hipSuccess && params->flags & 2) code = hipGraphUpload(*exec, params->uploadStream);
    return code;
}

RV_API hipError_t hipGraphExecDestroy(hipGraphExec_t exec) {
    if (!exec) return rv_note(hipErrorInvalidValue);
    bool holds = rv_holds(exec);
    int code = RV_CALL(hipGraphExecDestroy, RV_N(exec));
    rv_forget(RV_GRAPH_EXEC, exec);
    if (holds) {
        RV_CALL(rv_device_synchronize_quietly); /* launches may still be using the objects */
        rv_let_go(exec);
    }
    return code;
}

RV_API hipError_t hipGraphLaunch(hipGraphExec_t exec, hipStream_t stream) {
    if (!exec) return rv_note(hipErrorInvalidValue);
    bool sure = rv_known(RV_GRAPH_EXEC, exec) && rv_known_stream(stream);
    return RV_QUEUE(sure, hipGraphLaunch, RV_N(exec), RV_N(stream));
}

RV_API hipError_t hipGraphLaunch_spt(hipGraphExec_t exec, hipStream_t stream) {
    return hipGraphLaunch(exec, stream ? stream : hipStreamPerThread);
}

RV_API hipError_t hipGraphExecUpdate(hipGraphExec_t exec, hipGraph_t graph, hipGraphNode_t *wrong, int *result) {
    if (!exec || !graph || !result) return rv_note(hipErrorInvalidValue);
    if (wrong) *wrong = NULL;
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipGraphExecUpdate, RV_N(exec), RV_N(graph));
    *result = (int)reply.values[0];
    if (code && !*result) *result = UPDATE_ERROR;
    return code;
}

RV_API hipError_t hipGraphNodeSetEnabled(hipGraphExec_t exec, hipGraphNode_t node, unsigned enabled) {
    if (!exec || !node) return rv_note(hipErrorInvalidValue);
    return RV_CALL(hipGraphNodeSetEnabled, RV_N(exec), RV_N(node), RV_N(enabled != 0));
}

RV_API hipError_t hipGraphNodeGetEnabled(hipGraphExec_t exec, hipGraphNode_t node, unsigned *enabled) {
    if (!exec || !node) return rv_note(hipErrorInvalidValue);
    return RV_GET(enabled, hipGraphNodeGetEnabled, RV_N(exec), RV_N(node));
}

/* ---- a picture of a graph */

static const char *name_of_type(int type) {
    static const char *const names[] = {"kernel", "memcpy", "memset", "host", "graph", "empty", "event wait",
                                        "event record", "other", "other", "allocation", "free"};
    return type >= 0 && type < (int)(sizeof names / sizeof *names) ? names[type] : "other";
}

static int print_nodes(FILE *file, hipGraph_t graph) {
    size_t count = 0;
    int code = hipGraphGetNodes(graph, NULL, &count);
    if (code) return code;
    hipGraphNode_t *nodes = calloc(count + 1, sizeof *nodes);
    if (!nodes) return rv_note(hipErrorOutOfMemory);
    code = hipGraphGetNodes(graph, nodes, &count);
    for (size_t i = 0; i < count && code == hipSuccess; i++) {
        int type;
        code = type_of(nodes[i], &type);
        fprintf(file, "  \"%p\" [label=\"%zu: %s\"];\n", (void *)nodes[i], i, name_of_type(type));
    }
    free(nodes);
    return code;
}

static int print_edges(FILE *file, hipGraph_t graph) {
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipGraphGetEdges, RV_N(graph));
    for (unsigned i = 0; i + 1 < reply.nvalues && code == hipSuccess; i += 2)
        fprintf(file, "  \"%p\" -> \"%p\";\n", (void *)reply.all[i], (void *)reply.all[i + 1]);
    return code;
}

RV_API hipError_t hipGraphDebugDotPrint(hipGraph_t graph, const char *path, unsigned flags) {
    (void)flags; /* of what more to say of each node */
    if (!graph || rv_text_length(path, 4096) == SIZE_MAX) return rv_note(hipErrorInvalidValue);
    FILE *file = fopen(path, "we");
    if (!file) return rv_note(hipErrorOperatingSystem);
    fputs("digraph graph_of_hip {\n", file);
    int code = print_nodes(file, graph);
    if (code == hipSuccess) code = print_edges(file, graph);
    fputs("}\n", file);
    bool written = !ferror(file);
    return fclose(file) || !written ? rv_note(hipErrorOperatingSystem) : code;
}
