/* Parameters of nodes that are there: changed in a graph or in an instantiated one, and given back. */
#include <string.h>

#include "graph.h"

static int send(hipGraphExec_t exec, hipGraphNode_t node, int type, const struct rv_work *work) {
    uint64_t args[2 + sizeof work->words / sizeof *work->words];
    unsigned count = 0;
    if (exec) args[count++] = RV_N(exec);
    args[count++] = RV_N(node);
    memcpy(args + count, work->words, work->count * sizeof *args);
    enum rv_call call = !exec                 ? RV_CALL_hipGraphNodeSetParams
                        : type == NODE_KERNEL ? RV_CALL_hipGraphExecKernelNodeSetParams
                                              : RV_CALL_hipGraphExecNodeSetParams;
    return rv_call(NULL, call, args, count + work->count, work->payload, work->bytes);
}

/* Changes a node's work: in the graph, or, with `exec`, in what was instantiated from it. */
static int set(hipGraphExec_t exec, hipGraphNode_t node, const rv_node_params *params) {
    struct rv_work work;
    if (!node) return rv_note(hipErrorInvalidValue);
    int code = rv_work_of(&work, params);
    if (code == hipSuccess) code = send(exec, node, params->type, &work);
    if (code == hipSuccess && !exec) rv_keep_params(node, params, &work);
    return code;
}

/* The same in a function of an instantiated graph, where no graph is an error. */
static int set_in(hipGraphExec_t exec, hipGraphNode_t node, const rv_node_params *params) {
    return exec ? set(exec, node, params) : rv_note(hipErrorInvalidValue);
}

/* The parameters that a node was given. What a capture has made of the program's calls is not given back. */
static int get(const char *function, hipGraphNode_t node, int type, rv_node_params *params) {
    if (!node) return rv_note(hipErrorInvalidValue);
    if (rv_kept_params(node, type, params)) return hipSuccess;
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipGraphNodeGetType, RV_N(node));
    if (code) return code;
    return (int)reply.values[0] == type ? rv_not_served(function) : rv_note(hipErrorInvalidValue);
}

/* The same of which the caller wants one member, `bytes` at `offset`. */
static int get_part(const char *function, hipGraphNode_t node, int type, size_t offset, size_t bytes, void *part) {
    rv_node_params whole;
    if (!part) return rv_note(hipErrorInvalidValue);
    int code = get(function, node, type, &whole);
    if (code == hipSuccess) memcpy(part, (const char *)&whole + offset, bytes);
    return code;
}

#define GET_PART(function, node, type, member, part) \
    get_part(function, node, type, offsetof(rv_node_params, member), sizeof((rv_node_params){0}.member), part)

RV_API hipError_t hipGraphNodeSetParams(hipGraphNode_t node, hipGraphNodeParams *params) {
    return params ? set(NULL, node, params) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipGraphExecNodeSetParams(hipGraphExec_t exec, hipGraphNode_t node, hipGraphNodeParams *params) {
    return params ? set_in(exec, node, params) : rv_note(hipErrorInvalidValue);
}

/* ---- kernels */

/* What a capture or a clone has made is asked for, and kept like what was given by hand. */
static int ask_for_kernel(hipGraphNode_t node, rv_node_params *params) {
    struct rv_work work = {.count = RV_LAUNCH_WORDS};
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipGraphKernelNodeGetParams, RV_N(node));
    if (code) return code;
    if (reply.payload_bytes > sizeof work.payload) return rv_note(hipErrorInvalidValue);
    memcpy(work.words, reply.values, sizeof(uint64_t) * RV_LAUNCH_WORDS);
    memcpy(work.payload, reply.payload, work.bytes = reply.payload_bytes);
    const uint64_t *w = work.words;
    const void *stub = rv_stub_of(w[0]);
    dim3 grid = {(uint32_t)w[1], (uint32_t)w[2], (uint32_t)w[3]}, block = {(uint32_t)w[4], (uint32_t)w[5], (uint32_t)w[6]};
    if (w[11]) /* the grid is in work-items */
        grid = (dim3){(grid.x + block.x - 1) / block.x, (grid.y + block.y - 1) / block.y, (grid.z + block.z - 1) / block.z};
    *params = (rv_node_params){.type = NODE_KERNEL};
    params->kernel = (hipKernelNodeParams){.func = stub ? (void *)stub : (void *)w[0], .gridDim = grid, .blockDim = block,
                                           .sharedMemBytes = (unsigned)w[7]};
    rv_keep_params(node, params, &work);
    return rv_kept_params(node, NODE_KERNEL, params) ? hipSuccess : rv_note(hipErrorOutOfMemory);
}

RV_API hipError_t hipGraphKernelNodeGetParams(hipGraphNode_t node, hipKernelNodeParams *params) {
    rv_node_params whole;
    if (!node || !params) return rv_note(hipErrorInvalidValue);
    int code = rv_kept_params(node, NODE_KERNEL, &whole) ? hipSuccess : ask_for_kernel(node, &whole);
    if (code == hipSuccess) *params = whole.kernel;
    return code;
}

RV_API hipError_t hipGraphKernelNodeSetParams(hipGraphNode_t node, const hipKernelNodeParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return set(NULL, node, &(rv_node_params){.type = NODE_KERNEL, .kernel = *params});
}

RV_API hipError_t hipGraphExecKernelNodeSetParams(hipGraphExec_t exec, hipGraphNode_t node,
                                                  const hipKernelNodeParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return set_in(exec, node, &(rv_node_params){.type = NODE_KERNEL, .kernel = *params});
}

/* ---- copies */

static rv_node_params copy_params(const hipMemcpy3DParms *copy) {
    rv_node_params params = {.type = NODE_MEMCPY};
    params.memcpy.copyParams = *copy;
    return params;
}

static rv_node_params plain_copy(void *to, const void *from, size_t bytes, int kind) {
    const hipMemcpy3DParms copy = {
        .srcPtr = {(void *)from, bytes, bytes, 1}, .dstPtr = {to, bytes, bytes, 1}, .extent = {bytes, 1, 1},
        .kind = kind,
    };
    return copy_params(&copy);
}

RV_API hipError_t hipGraphMemcpyNodeGetParams(hipGraphNode_t node, hipMemcpy3DParms *params) {
    return GET_PART("hipGraphMemcpyNodeGetParams of a captured or cloned node", node, NODE_MEMCPY, memcpy.copyParams,
                    params);
}

RV_API hipError_t hipGraphMemcpyNodeSetParams(hipGraphNode_t node, const hipMemcpy3DParms *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    rv_node_params whole = copy_params(params);
    return set(NULL, node, &whole);
}

RV_API hipError_t hipGraphExecMemcpyNodeSetParams(hipGraphExec_t exec, hipGraphNode_t node,
                                                  hipMemcpy3DParms *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    rv_node_params whole = copy_params(params);
    return set_in(exec, node, &whole);
}

RV_API hipError_t hipGraphMemcpyNodeSetParams1D(hipGraphNode_t node, void *to, const void *from, size_t bytes,
                                                int kind) {
    rv_node_params params = plain_copy(to, from, bytes, kind);
    return set(NULL, node, &params);
}

RV_API hipError_t hipGraphExecMemcpyNodeSetParams1D(hipGraphExec_t exec, hipGraphNode_t node, void *to,
                                                    const void *from, size_t bytes, int kind) {
    rv_node_params params = plain_copy(to, from, bytes, kind);
    return set_in(exec, node, &params);
}

RV_API hipError_t hipGraphMemcpyNodeSetParamsToSymbol(hipGraphNode_t node, const void *symbol, const void *from,
                                                      size_t bytes, size_t offset, int kind) {
    void *to;
    int code = rv_symbol_address(symbol, offset, bytes, &to);
    return code ? code : hipGraphMemcpyNodeSetParams1D(node, to, from, bytes, kind);
}

RV_API hipError_t hipGraphMemcpyNodeSetParamsFromSymbol(hipGraphNode_t node, void *to, const void *symbol,
                                                        size_t bytes, size_t offset, int kind) {
    void *from;
    int code = rv_symbol_address(symbol, offset, bytes, &from);
    return code ? code : hipGraphMemcpyNodeSetParams1D(node, to, from, bytes, kind);
}

RV_API hipError_t hipGraphExecMemcpyNodeSetParamsToSymbol(hipGraphExec_t exec, hipGraphNode_t node,
                                                          const void *symbol, const void *from, size_t bytes,
                                                          size_t offset, int kind) {
    void *to;
    int code = rv_symbol_address(symbol, offset, bytes, &to);
    return code ? code : hipGraphExecMemcpyNodeSetParams1D(exec, node, to, from, bytes, kind);
}

RV_API hipError_t hipGraphExecMemcpyNodeSetParamsFromSymbol(hipGraphExec_t exec, hipGraphNode_t node, void *to,
                                                            const void *symbol, size_t bytes, size_t offset,
                                                            int kind) {
    void *from;
    int code = rv_symbol_address(symbol, offset, bytes, &from);
    return code ? code : hipGraphExecMemcpyNodeSetParams1D(exec, node, to, from, bytes, kind);
}

static int set_driver_copy(hipGraphExec_t exec, hipGraphNode_t node, const HIP_MEMCPY3D *copy) {
    struct rv_work work;
    if (!node) return rv_note(hipErrorInvalidValue);
    int code = rv_driver_copy_work(&work, copy);
    if (code == hipSuccess) code = send(exec, node, NODE_MEMCPY, &work);
    if (code == hipSuccess && !exec) rv_drop_params(node); /* what was kept is of another form, and old */
    return code;
}

RV_API hipError_t hipDrvGraphMemcpyNodeSetParams(hipGraphNode_t node, const HIP_MEMCPY3D *copy) {
    return set_driver_copy(NULL, node, copy);
}

RV_API hipError_t hipDrvGraphExecMemcpyNodeSetParams(hipGraphExec_t exec, hipGraphNode_t node,
                                                     const HIP_MEMCPY3D *copy, hipCtx_t context) {
    (void)context;
    return exec ? set_driver_copy(exec, node, copy) : rv_note(hipErrorInvalidValue);
}

/* ---- fills */

RV_API hipError_t hipGraphMemsetNodeGetParams(hipGraphNode_t node, hipMemsetParams *params) {
    return GET_PART("hipGraphMemsetNodeGetParams of a captured or cloned node", node, NODE_MEMSET, memset, params);
}

RV_API hipError_t hipGraphMemsetNodeSetParams(hipGraphNode_t node, const hipMemsetParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return set(NULL, node, &(rv_node_params){.type = NODE_MEMSET, .memset = *params});
}

RV_API hipError_t hipGraphExecMemsetNodeSetParams(hipGraphExec_t exec, hipGraphNode_t node,
                                                  const hipMemsetParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return set_in(exec, node, &(rv_node_params){.type = NODE_MEMSET, .memset = *params});
}

RV_API hipError_t hipDrvGraphExecMemsetNodeSetParams(hipGraphExec_t exec, hipGraphNode_t node,
                                                     const hipMemsetParams *params, hipCtx_t context) {
    (void)context; /* of the one device */
    return hipGraphExecMemsetNodeSetParams(exec, node, params);
}

/* ---- host functions */

RV_API hipError_t hipGraphHostNodeGetParams(hipGraphNode_t node, hipHostNodeParams *params) {
    return GET_PART("hipGraphHostNodeGetParams of a captured or cloned node", node, NODE_HOST, host, params);
}

RV_API hipError_t hipGraphHostNodeSetParams(hipGraphNode_t node, const hipHostNodeParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return set(NULL, node, &(rv_node_params){.type = NODE_HOST, .host = *params});
}

RV_API hipError_t hipGraphExecHostNodeSetParams(hipGraphExec_t exec, hipGraphNode_t node,
                                                const hipHostNodeParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return set_in(exec, node, &(rv_node_params){.type = NODE_HOST, .host = *params});
}

/* ---- memory */

RV_API hipError_t hipGraphMemAllocNodeGetParams(hipGraphNode_t node, hipMemAllocNodeParams *params) {
    return GET_PART("hipGraphMemAllocNodeGetParams of a captured or cloned node", node, NODE_ALLOC, alloc, params);
}

RV_API hipError_t hipGraphMemFreeNodeGetParams(hipGraphNode_t node, void *address) {
    return GET_PART("hipGraphMemFreeNodeGetParams of a captured or cloned node", node, NODE_FREE, free.dptr, address);
}

/* ---- graphs within graphs, and events */

RV_API hipError_t hipGraphExecChildGraphNodeSetParams(hipGraphExec_t exec, hipGraphNode_t node, hipGraph_t child) {
    rv_node_params params = {.type = NODE_GRAPH};
    params.graph.graph = child;
    return set_in(exec, node, &params);
}

static rv_node_params of_event(int type, hipEvent_t event) {
    rv_node_params params = {.type = type};
    params.event.event = event;
    return params;
}

static int get_event(const char *function, hipGraphNode_t node, int type, hipEvent_t *event) {
    return GET_PART(function, node, type, event.event, event);
}

RV_API hipError_t hipGraphEventRecordNodeGetEvent(hipGraphNode_t node, hipEvent_t *event) {
    return get_event("hipGraphEventRecordNodeGetEvent of a captured or cloned node", node, NODE_EVENT_RECORD, event);
}

RV_API hipError_t hipGraphEventWaitNodeGetEvent(hipGraphNode_t node, hipEvent_t *event) {
    return get_event("hipGraphEventWaitNodeGetEvent of a captured or cloned node", node, NODE_WAIT_EVENT, event);
}

RV_API hipError_t hipGraphEventRecordNodeSetEvent(hipGraphNode_t node, hipEvent_t event) {
    rv_node_params params = of_event(NODE_EVENT_RECORD, event);
    return set(NULL, node, &params);
}

RV_API hipError_t hipGraphEventWaitNodeSetEvent(hipGraphNode_t node, hipEvent_t event) {
    rv_node_params params = of_event(NODE_WAIT_EVENT, event);
    return set(NULL, node, &params);
}

RV_API hipError_t hipGraphExecEventRecordNodeSetEvent(hipGraphExec_t exec, hipGraphNode_t node, hipEvent_t event) {
    rv_node_params params = of_event(NODE_EVENT_RECORD, event);
    return set_in(exec, node, &params);
}

RV_API hipError_t hipGraphExecEventWaitNodeSetEvent(hipGraphExec_t exec, hipGraphNode_t node, hipEvent_t event) {
    rv_node_params params = of_event(NODE_WAIT_EVENT, event);
    return set_in(exec, node, &params);
}
