/* The work of a graph's nodes as the device process is told it. */
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "graph.h"

enum { MOST_DEPENDENCIES = RV_RING_BYTES / 64 };

/* ---- one function a type: 0, or the error, not noted */

static int put(struct rv_work *work, const uint64_t *words, unsigned count) {
    memcpy(work->words, words, count * sizeof *words);
    work->count = count;
    work->bytes = 0;
    return hipSuccess;
}

static int kernel_work(struct rv_work *work, const hipKernelNodeParams *params) {
    uint64_t function;
    int code = params->func ? rv_function_of(params->func, &function) : hipErrorInvalidDeviceFunction;
    if (code) return code;
    const dim3 grid = params->gridDim, block = params->blockDim;
    put(work, RV_ARGS(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, params->sharedMemBytes,
                      0 /* stream */, 0 /* start event */, 0 /* stop event */, 0 /* flags */));
    return rv_pack_arguments((const void *)function, params->kernelParams, params->extra, work->payload,
                             sizeof work->payload, &work->bytes);
}

static int box_work(struct rv_work *work, const struct rv_box *box) {
    if (!box->width || !box->height || !box->depth) return hipErrorInvalidValue;
    if (box->kind > hipMemcpyDefault) return hipErrorInvalidMemcpyDirection;
    return put(work, (const uint64_t *)box, RV_BOX_WORDS);
}

static int copy_work(struct rv_work *work, const hipMemcpy3DParms *copy) {
    struct rv_box box;
    return rv_box_of(copy, &box) ? box_work(work, &box) : hipErrorInvalidValue;
}

int rv_driver_copy_work(struct rv_work *work, const void *copy) {
    struct rv_box box;
    return rv_note(rv_box_of_driver(copy, &box) ? box_work(work, &box) : hipErrorInvalidValue);
}

static int memset_work(struct rv_work *work, const hipMemsetParams *params) {
    unsigned size = params->elementSize;
    if (!params->dst || (size != 1 && size != 2 && size != 4) || !params->width || !params->height)
        return hipErrorInvalidValue;
    if (params->height > 1 && params->pitch < params->width * size) return hipErrorInvalidValue;
    return put(work, RV_ARGS(RV_N(params->dst), size, params->height, params->pitch, params->value, params->width));
}

int rv_work_of(struct rv_work *work, const rv_node_params *params) {
    int code = hipErrorInvalidValue;
    switch (params->type) {
    case NODE_KERNEL: code = kernel_work(work, &params->kernel); break;
    case NODE_MEMCPY: code = copy_work(work, &params->memcpy.copyParams); break;
    case NODE_MEMSET: code = memset_work(work, &params->memset); break;
    case NODE_HOST:
        if (params->host.fn) code = put(work, RV_ARGS(RV_N(params->host.fn), RV_N(params->host.userData)));
        break;
    case NODE_GRAPH:
        if (params->graph.graph) code = put(work, RV_ARGS(RV_N(params->graph.graph)));
        break;
    case NODE_EMPTY: code = put(work, RV_ARGS()); break;
    case NODE_WAIT_EVENT:
    case NODE_EVENT_RECORD:
        if (params->event.event) code = put(work, RV_ARGS(RV_N(params->event.event)));
        break;
    default: code = hipErrorNotSupported;
    }
    return rv_note(code);
}

int rv_symbol_address(const void *shadow, size_t offset, size_t count, void **address) {
    uint64_t module;
    const char *name;
    int code = shadow ? rv_variable_of(shadow, &module, &name) : hipErrorInvalidSymbol;
    if (code) return rv_note(code);
    rv_reply reply;
    code = RV_CALL_WITH(&reply, hipGetSymbolSize, name, strlen(name), module);
    if (code) return code;
    size_t size = reply.values[0];
    if (offset > size || count > size - offset) return rv_note(hipErrorInvalidValue);
    code = RV_CALL_WITH(&reply, hipGetSymbolAddress, name, strlen(name), module);
    if (code == hipSuccess) *address = (char *)reply.values[0] + offset;
    return code;
}

int rv_add_node_into(rv_reply *reply, enum rv_call call, hipGraphNode_t *node, hipGraph_t graph,
                     const hipGraphNode_t *dependencies, size_t count, const struct rv_work *work) {
    if (!node || !graph || count > MOST_DEPENDENCIES || (count && !dependencies)) return rv_note(hipErrorInvalidValue);
    uint64_t *args = malloc((2 + count + work->count) * sizeof *args);
    if (!args) return rv_note(hipErrorOutOfMemory);
    args[0] = RV_N(graph);
    args[1] = count;
    int code = hipErrorInvalidValue;
    if (!count || rv_copy_guarded(args + 2, dependencies, count * sizeof *dependencies)) {
        memcpy(args + 2 + count, work->words, work->count * sizeof *args);
        code = rv_call(reply, call, args, (unsigned)(2 + count) + work->count, work->payload, work->bytes);
    } else {
        rv_note(code);
    }
    free(args);
    if (code == hipSuccess) *node = (hipGraphNode_t)reply->values[0];
    return code;
}

int rv_add_node(enum rv_call call, hipGraphNode_t *node, hipGraph_t graph, const hipGraphNode_t *dependencies,
                size_t count, const struct rv_work *work, const rv_node_params *params) {
    rv_reply reply;
    int code = rv_add_node_into(&reply, call, node, graph, dependencies, count, work);
    if (code == hipSuccess && params) rv_keep_params(*node, params, work);
    return code;
}
