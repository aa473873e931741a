/* Nodes that are added to a graph by hand. */
#include <string.h>

#include "graph.h"

/* The call that adds a node of a type. */
static enum rv_call call_of(int type) {
    switch (type) {
    case NODE_KERNEL: return RV_CALL_hipGraphAddKernelNode;
    case NODE_MEMCPY: return RV_CALL_hipGraphAddMemcpyNode;
    case NODE_MEMSET: return RV_CALL_hipGraphAddMemsetNode;
    case NODE_HOST: return RV_CALL_hipGraphAddHostNode;
    case NODE_GRAPH: return RV_CALL_hipGraphAddChildGraphNode;
    case NODE_WAIT_EVENT: return RV_CALL_hipGraphAddEventWaitNode;
    case NODE_EVENT_RECORD: return RV_CALL_hipGraphAddEventRecordNode;
    default: return RV_CALL_hipGraphAddEmptyNode;
    }
}

static int add(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies, size_t count,
               const rv_node_params *params) {
    struct rv_work work;
    if (!node || !graph) return rv_note(hipErrorInvalidValue);
    int code = rv_work_of(&work, params);
    return code ? code : rv_add_node(call_of(params->type), node, graph, dependencies, count, &work, params);
}

RV_API hipError_t hipGraphAddMemAllocNode(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                                          size_t count, hipMemAllocNodeParams *params) {
    if (!params || !params->bytesize || params->poolProps.allocType != 1) return rv_note(hipErrorInvalidValue);
    if (params->poolProps.location.type != 1 || params->poolProps.location.id != 0) return rv_note(hipErrorInvalidDevice);
    struct rv_work work = {.words = {params->bytesize}, .count = 1};
    rv_node_params whole = {.type = NODE_ALLOC, .alloc = *params};
    rv_reply reply;
    int code = rv_add_node_into(&reply, RV_CALL_hipGraphAddMemAllocNode, node, graph, dependencies, count, &work);
    if (code) return code;
    whole.alloc.dptr = params->dptr = (void *)reply.values[1];
    rv_keep_params(*node, &whole, &work);
    return hipSuccess;
}

RV_API hipError_t hipGraphAddMemFreeNode(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                                         size_t count, void *address) {
    if (!address) return rv_note(hipErrorInvalidValue);
    struct rv_work work = {.words = {RV_N(address)}, .count = 1};
    rv_node_params params = {.type = NODE_FREE};
    params.free.dptr = address;
    return rv_add_node(RV_CALL_hipGraphAddMemFreeNode, node, graph, dependencies, count, &work, &params);
}

RV_API hipError_t hipDrvGraphAddMemFreeNode(hipGraphNode_t *node, hipGraph_t graph,
                                            const hipGraphNode_t *dependencies, size_t count, hipDeviceptr_t address) {
    return hipGraphAddMemFreeNode(node, graph, dependencies, count, address);
}

RV_API hipError_t hipGraphAddNode(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                                  size_t count, hipGraphNodeParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    if (params->type == NODE_ALLOC) return hipGraphAddMemAllocNode(node, graph, dependencies, count, &params->alloc);
    if (params->type == NODE_FREE) return hipGraphAddMemFreeNode(node, graph, dependencies, count, params->free.dptr);
    if (params->type < NODE_KERNEL || params->type > NODE_EVENT_RECORD)
        return rv_not_served("hipGraphAddNode of a node of semaphores");
    return add(node, graph, dependencies, count, params);
}

RV_API hipError_t hipGraphAddKernelNode(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                                        size_t count, const hipKernelNodeParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return add(node, graph, dependencies, count, &(rv_node_params){.type = NODE_KERNEL, .kernel = *params});
}

RV_API hipError_t hipGraphAddMemcpyNode(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                                        size_t count, const hipMemcpy3DParms *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    rv_node_params whole = {.type = NODE_MEMCPY};
    whole.memcpy.copyParams = *params;
    return add(node, graph, dependencies, count, &whole);
}

RV_API hipError_t hipDrvGraphAddMemcpyNode(hipGraphNode_t *node, hipGraph_t graph,
                                           const hipGraphNode_t *dependencies, size_t count,
                                           const HIP_MEMCPY3D *copy, hipCtx_t context) {
    (void)context; /* of the one device */
    struct rv_work work;
    if (!node || !graph) return rv_note(hipErrorInvalidValue);
    int code = rv_driver_copy_work(&work, copy);
    return code ? code : rv_add_node(RV_CALL_hipGraphAddMemcpyNode, node, graph, dependencies, count, &work, NULL);
}

static rv_node_params plain_copy(void *to, const void *from, size_t bytes, int kind) {
    rv_node_params params = {.type = NODE_MEMCPY};
    params.memcpy.copyParams = (hipMemcpy3DParms){
        .srcPtr = {(void *)from, bytes, bytes, 1}, .dstPtr = {to, bytes, bytes, 1}, .extent = {bytes, 1, 1},
        .kind = kind,
    };
    return params;
}

RV_API hipError_t hipGraphAddMemcpyNode1D(hipGraphNode_t *node, hipGraph_t graph,
                                          const hipGraphNode_t *dependencies, size_t count, void *to,
                                          const void *from, size_t bytes, int kind) {
    rv_node_params params = plain_copy(to, from, bytes, kind);
    struct rv_work work;
    if (!node || !graph) return rv_note(hipErrorInvalidValue);
    int code = rv_work_of(&work, &params);
    if (code) return code;
    memcpy(work.words, (uint64_t[]){RV_N(to), RV_N(from), bytes, RV_S(kind)}, 4 * sizeof(uint64_t));
    work.count = 4;
    return rv_add_node(RV_CALL_hipGraphAddMemcpyNode1D, node, graph, dependencies, count, &work, &params);
}

RV_API hipError_t hipGraphAddMemcpyNodeToSymbol(hipGraphNode_t *node, hipGraph_t graph,
                                                const hipGraphNode_t *dependencies, size_t count,
                                                const void *symbol, const void *from, size_t bytes, size_t offset,
                                                int kind) {
    void *to;
    int code = rv_symbol_address(symbol, offset, bytes, &to);
    return code ? code : hipGraphAddMemcpyNode1D(node, graph, dependencies, count, to, from, bytes, kind);
}

RV_API hipError_t hipGraphAddMemcpyNodeFromSymbol(hipGraphNode_t *node, hipGraph_t graph,
                                                  const hipGraphNode_t *dependencies, size_t count, void *to,
                                                  const void *symbol, size_t bytes, size_t offset, int kind) {
    void *from;
    int code = rv_symbol_address(symbol, offset, bytes, &from);
    return code ? code : hipGraphAddMemcpyNode1D(node, graph, dependencies, count, to, from, bytes, kind);
}

RV_API hipError_t hipGraphAddMemsetNode(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                                        size_t count, const hipMemsetParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return add(node, graph, dependencies, count, &(rv_node_params){.type = NODE_MEMSET, .memset = *params});
}

RV_API hipError_t hipDrvGraphAddMemsetNode(hipGraphNode_t *node, hipGraph_t graph,
                                           const hipGraphNode_t *dependencies, size_t count,
                                           const hipMemsetParams *params, hipCtx_t context) {
    (void)context; /* of the one device */
    return hipGraphAddMemsetNode(node, graph, dependencies, count, params);
}

RV_API hipError_t hipGraphAddHostNode(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                                      size_t count, const hipHostNodeParams *params) {
    if (!params) return rv_note(hipErrorInvalidValue);
    return add(node, graph, dependencies, count, &(rv_node_params){.type = NODE_HOST, .host = *params});
}

RV_API hipError_t hipGraphAddChildGraphNode(hipGraphNode_t *node, hipGraph_t graph,
                                            const hipGraphNode_t *dependencies, size_t count, hipGraph_t child) {
    rv_node_params params = {.type = NODE_GRAPH};
    params.graph.graph = child;
    return add(node, graph, dependencies, count, &params);
}

RV_API hipError_t hipGraphAddEmptyNode(hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                                       size_t count) {
    return add(node, graph, dependencies, count, &(rv_node_params){.type = NODE_EMPTY});
}

static rv_node_params of_event(int type, hipEvent_t event) {
    rv_node_params params = {.type = type};
    params.event.event = event;
    return params;
}

RV_API hipError_t hipGraphAddEventRecordNode(hipGraphNode_t *node, hipGraph_t graph,
                                             const hipGraphNode_t *dependencies, size_t count, hipEvent_t event) {
    rv_node_params params = of_event(NODE_EVENT_RECORD, event);
    return add(node, graph, dependencies, count, &params);
}

RV_API hipError_t hipGraphAddEventWaitNode(hipGraphNode_t *node, hipGraph_t graph,
                                           const hipGraphNode_t *dependencies, size_t count, hipEvent_t event) {
    rv_node_params params = of_event(NODE_WAIT_EVENT, event);
    return add(node, graph, dependencies, count, &params);
}
