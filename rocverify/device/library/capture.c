/* Capture of streams into graphs. */
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum { MODES = 3, MOST_NODES = RV_RING_BYTES / 64, FIRST_NODE = 3 /* in the reply of hipStreamGetCaptureInfo */ };

RV_API hipError_t hipStreamBeginCapture(hipStream_t stream, int mode) {
    if (mode < 0 || mode >= MODES) return rv_note(hipErrorInvalidValue);
    return RV_CALL(hipStreamBeginCapture, RV_N(stream), RV_S(mode));
}

RV_API hipError_t hipStreamBeginCapture_spt(hipStream_t stream, int mode) {
    return hipStreamBeginCapture(rv_per_thread(stream), mode);
}

/* A call of some numbers and then nodes. */
static int call_with_nodes(enum rv_call call, const uint64_t *first, unsigned nfirst, const hipGraphNode_t *nodes,
                           size_t count) {
    if (count > MOST_NODES || (count && !nodes)) return rv_note(hipErrorInvalidValue);
    uint64_t *args = malloc((nfirst + count) * sizeof *args);
    if (!args) return rv_note(hipErrorOutOfMemory);
    memcpy(args, first, nfirst * sizeof *args);
    int code = rv_copy_guarded(args + nfirst, nodes, count * sizeof *nodes)
                   ? rv_call(NULL, call, args, (unsigned)(nfirst + count), NULL, 0)
                   : rv_note(hipErrorInvalidValue);
    free(args);
    return code;
}

RV_API hipError_t hipStreamBeginCaptureToGraph(hipStream_t stream, hipGraph_t graph, const hipGraphNode_t *nodes,
                                               const void *edges, size_t count, int mode) {
    if (!graph || edges || mode < 0 || mode >= MODES) return rv_note(hipErrorInvalidValue);
    return call_with_nodes(RV_CALL_hipStreamBeginCaptureToGraph,
                           RV_ARGS(RV_N(stream), RV_N(graph), RV_S(mode), count), nodes, count);
}

RV_API hipError_t hipStreamEndCapture(hipStream_t stream, hipGraph_t *graph) {
    if (!graph) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipStreamEndCapture, RV_N(stream));
    *graph = code ? NULL : (hipGraph_t)reply.values[0];
    return code;
}

RV_API hipError_t hipStreamEndCapture_spt(hipStream_t stream, hipGraph_t *graph) {
    return hipStreamEndCapture(rv_per_thread(stream), graph);
}

RV_API hipError_t hipStreamIsCapturing(hipStream_t stream, int *status) {
    return RV_GET(status, hipStreamIsCapturing, RV_N(stream));
}

RV_API hipError_t hipStreamIsCapturing_spt(hipStream_t stream, int *status) {
    return hipStreamIsCapturing(rv_per_thread(stream), status);
}

RV_API hipError_t hipStreamGetCaptureInfo(hipStream_t stream, int *status, unsigned long long *id) {
    return hipStreamGetCaptureInfo_v2(stream, status, id, NULL, NULL, NULL);
}

RV_API hipError_t hipStreamGetCaptureInfo_spt(hipStream_t stream, int *status, unsigned long long *id) {
    return hipStreamGetCaptureInfo(rv_per_thread(stream), status, id);
}

/* The nodes that a program is shown stay until the thread asks again. */
static int show_nodes(const rv_reply *reply, const hipGraphNode_t **nodes, size_t *count) {
    static _Thread_local hipGraphNode_t *shown;
    size_t there = reply->nvalues > FIRST_NODE ? reply->nvalues - FIRST_NODE : 0;
    hipGraphNode_t *room = realloc(shown, (there + 1) * sizeof *room);
    if (!room) return rv_note(hipErrorOutOfMemory);
    shown = room;
    for (size_t i = 0; i < there; i++) shown[i] = (hipGraphNode_t)reply->all[FIRST_NODE + i];
    if (nodes) *nodes = shown;
    if (count) *count = there;
    return hipSuccess;
}

RV_API hipError_t hipStreamGetCaptureInfo_v2(hipStream_t stream, int *status, unsigned long long *id,
                                             hipGraph_t *graph, const hipGraphNode_t **nodes, size_t *count) {
    if (!status) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipStreamGetCaptureInfo, RV_N(stream));
    if (code) return code;
    *status = (int)reply.values[0];
    if (id) *id = reply.values[1];
    if (graph) *graph = (hipGraph_t)reply.values[2];
    return nodes || count ? show_nodes(&reply, nodes, count) : hipSuccess;
}

RV_API hipError_t hipStreamGetCaptureInfo_v2_spt(hipStream_t stream, int *status, unsigned long long *id,
                                                 hipGraph_t *graph, const hipGraphNode_t **nodes, size_t *count) {
    return hipStreamGetCaptureInfo_v2(rv_per_thread(stream), status, id, graph, nodes, count);
}

RV_API hipError_t hipStreamUpdateCaptureDependencies(hipStream_t stream, hipGraphNode_t *nodes, size_t count,
                                                     unsigned flags) {
    if (flags > 1) return rv_note(hipErrorInvalidValue);
    return call_with_nodes(RV_CALL_hipStreamUpdateCaptureDependencies, RV_ARGS(RV_N(stream), RV_N(flags), count),
                           nodes, count);
}

RV_API hipError_t hipThreadExchangeStreamCaptureMode(int *mode) {
    if (!mode || *mode < 0 || *mode >= MODES) return rv_note(hipErrorInvalidValue);
    return RV_GET(mode, hipThreadExchangeStreamCaptureMode, RV_S(*mode));
}
