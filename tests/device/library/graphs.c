/* Modules, functions, captured and hand-made graphs. argv[1] is probe.hip's code object. */
#include "check.h"

enum { COUNT = 256, BYTES = COUNT * sizeof(float) };

static hipModule_t module;
static hipFunction_t axpy;
static float *x, *y, back[COUNT];

static float value_of(const float *values) {
    for (int i = 1; i < COUNT; i++)
        if (values[i] != values[0]) return -1;
    return values[0];
}

static void modules(const char *path) {
    hipFunction_t bounded, missing;
    hipDeviceptr_t answer = NULL;
    size_t size = 0;
    int value = 0, blocks = 0, grid = 0, block = 0;
    GOOD(hipModuleLoad(&module, path));
    GOOD(hipModuleGetFunction(&axpy, module, "axpy"));
    GOOD(hipModuleGetFunction(&bounded, module, "bounded"));
    RETURNS(hipErrorNotFound, hipModuleGetFunction(&missing, module, "missing"));
    GOOD(hipModuleGetGlobal(&answer, &size, module, "answer"));
    EXPECT(size == 4);
    GOOD(hipMemcpyDtoH(&value, answer, 4));
    EXPECT(value == 42);
    GOOD(hipFuncGetAttribute(&value, HIP_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, bounded));
    EXPECT(value == 64);
    EXPECT(!strcmp(hipKernelNameRef(axpy), "axpy"));
    GOOD(hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, axpy, 256, 0));
    EXPECT(blocks >= 1);
    GOOD(hipModuleOccupancyMaxPotentialBlockSize(&grid, &block, axpy, 0, 0));
    EXPECT(grid >= 1 && block >= 32);
}

static int host_calls;

static void host_function(void *user) {
    host_calls += *(int *)user;
}

static hipKernelNodeParams axpy_params(void **arguments) {
    return (hipKernelNodeParams){
        .func = (void *)axpy, .gridDim = {1, 1, 1}, .blockDim = {COUNT, 1, 1}, .kernelParams = arguments,
    };
}

/* y = 1; y = 3 * x + y; y to the host; the host's function. */
static void by_hand(void) {
    hipGraph_t graph;
    hipGraphExec_t exec;
    hipGraphNode_t set, run, copy, call, nodes[8];
    hipStream_t stream;
    int step = 5;
    float three = 3, ten = 10;
    unsigned count = COUNT;
    void *arguments[] = {&y, &x, &three, &count};
    size_t there = 8, edges = 0;
    hipGraphNodeType type = hipGraphNodeTypeCount;
    GOOD(hipStreamCreate(&stream));
    GOOD(hipGraphCreate(&graph, 0));
    hipMemsetParams fill = {.dst = y, .elementSize = 4, .height = 1, .value = 0x3f800000, .width = COUNT};
    GOOD(hipGraphAddMemsetNode(&set, graph, NULL, 0, &fill));
    hipKernelNodeParams params = axpy_params(arguments);
    GOOD(hipGraphAddKernelNode(&run, graph, &set, 1, &params));
    GOOD(hipGraphAddMemcpyNode1D(&copy, graph, &run, 1, back, y, BYTES, hipMemcpyDeviceToHost));
    GOOD(hipGraphAddHostNode(&call, graph, NULL, 0, &(hipHostNodeParams){host_function, &step}));
    GOOD(hipGraphAddDependencies(graph, &copy, &call, 1));
    GOOD(hipGraphGetNodes(graph, nodes, &there));
    EXPECT(there == 4 && nodes[0] == set && nodes[3] == call);
    GOOD(hipGraphGetEdges(graph, NULL, NULL, &edges));
    EXPECT(edges == 3);
    GOOD(hipGraphNodeGetType(run, &type));
    EXPECT(type == hipGraphNodeTypeKernel);
    there = 8;
    GOOD(hipGraphNodeGetDependencies(call, nodes, &there));
    EXPECT(there == 1 && nodes[0] == copy);
    GOOD(hipGraphInstantiate(&exec, graph, NULL, NULL, 0));
    for (int i = 0; i < 3; i++) GOOD(hipGraphLaunch(exec, stream));
    GOOD(hipStreamSynchronize(stream));
    EXPECT(value_of(back) == 7);
    EXPECT(host_calls == 15);
    hipKernelNodeParams kept;
    GOOD(hipGraphKernelNodeGetParams(run, &kept));
    EXPECT(kept.func == params.func && kept.blockDim.x == COUNT && *(float *)kept.kernelParams[2] == 3);
    three = 99; /* what the node keeps is a copy */
    EXPECT(*(float *)kept.kernelParams[2] == 3);
    arguments[2] = &ten;
    GOOD(hipGraphExecKernelNodeSetParams(exec, run, &params));
    GOOD(hipGraphLaunch(exec, stream));
    GOOD(hipStreamSynchronize(stream));
    EXPECT(value_of(back) == 21);
    hipGraphExecUpdateResult result = hipGraphExecUpdateError;
    GOOD(hipGraphExecUpdate(exec, graph, nodes, &result));
    EXPECT(result == hipGraphExecUpdateSuccess);
    GOOD(hipGraphLaunch(exec, stream));
    GOOD(hipStreamSynchronize(stream));
    EXPECT(value_of(back) == 7);
    GOOD(hipGraphDestroyNode(call));
    RETURNS(hipErrorGraphExecUpdateFailure, hipGraphExecUpdate(exec, graph, nodes, &result));
    EXPECT(result == hipGraphExecUpdateErrorTopologyChanged);
    GOOD(hipGraphExecDestroy(exec));
    GOOD(hipGraphDestroy(graph));
    RETURNS(hipErrorInvalidValue, hipGraphLaunch(exec, stream));
    GOOD(hipStreamDestroy(stream));
}

/* A 3D copy out of an array, a child graph. */
static void rare_nodes(void) {
    enum { WIDTH = 4, HEIGHT = 2 };
    hipGraph_t graph, child;
    hipGraphExec_t exec;
    hipGraphNode_t copy, inner, last;
    hipArray *array;
    hipChannelFormatDesc desc = hipCreateChannelDesc(32, 0, 0, 0, hipChannelFormatKindSigned);
    int rows[HEIGHT][WIDTH] = {{1, 2, 3, 4}, {5, 6, 7, 8}}, got[HEIGHT][WIDTH - 1] = {{0}}, step = 1;
    host_calls = 0;
    GOOD(hipMallocArray(&array, &desc, WIDTH, HEIGHT, 0));
    GOOD(hipMemcpy2DToArray(array, 0, 0, rows, sizeof *rows, sizeof *rows, HEIGHT, hipMemcpyHostToDevice));
    GOOD(hipGraphCreate(&graph, 0));
    GOOD(hipGraphCreate(&child, 0));
    hipMemcpy3DParms params = {
        .srcArray = array, .srcPos = {1, 0, 0}, .dstPtr = {got, sizeof *got, WIDTH - 1, HEIGHT},
        .extent = {WIDTH - 1, HEIGHT, 1}, .kind = hipMemcpyDeviceToHost,
    };
    GOOD(hipGraphAddMemcpyNode(&copy, graph, NULL, 0, &params));
    GOOD(hipGraphAddHostNode(&inner, child, NULL, 0, &(hipHostNodeParams){host_function, &step}));
    GOOD(hipGraphAddChildGraphNode(&last, graph, &copy, 1, child));
    RETURNS(hipErrorInvalidValue, hipGraphAddEmptyNode(&inner, graph, &(hipGraphNode_t){(void *)77}, 1));
    GOOD(hipGraphInstantiate(&exec, graph, NULL, NULL, 0));
    GOOD(hipGraphLaunch(exec, NULL));
    GOOD(hipDeviceSynchronize());
    EXPECT(got[0][0] == 2 && got[0][2] == 4 && got[1][0] == 6 && got[1][2] == 8);
    EXPECT(host_calls == 1);
    RETURNS(hipErrorInvalidValue, hipGraphMemcpyNodeSetParams1D(copy, NULL, y, 4, hipMemcpyDeviceToHost));
    GOOD(hipGraphExecDestroy(exec));
    GOOD(hipGraphDestroy(child));
    GOOD(hipGraphDestroy(graph));
    GOOD(hipFreeArray(array));
}

static void captured(void) {
    hipGraph_t graph, clone;
    hipGraphExec_t exec;
    hipGraphNode_t nodes[3];
    hipKernelNodeParams params;
    hipStream_t stream;
    hipStreamCaptureStatus status = hipStreamCaptureStatusNone;
    unsigned long long id = 0;
    size_t there = 0;
    float two = 2;
    unsigned count = COUNT;
    void *arguments[] = {&y, &x, &two, &count};
    GOOD(hipStreamCreate(&stream));
    GOOD(hipStreamBeginCapture(stream, hipStreamCaptureModeGlobal));
    GOOD(hipMemsetAsync(y, 0, BYTES, stream));
    GOOD(hipModuleLaunchKernel(axpy, 1, 1, 1, COUNT, 1, 1, 0, stream, arguments, NULL));
    GOOD(hipStreamGetCaptureInfo(stream, &status, &id));
    EXPECT(status == hipStreamCaptureStatusActive && id != 0);
    GOOD(hipMemcpyAsync(back, y, BYTES, hipMemcpyDeviceToHost, stream));
    GOOD(hipStreamEndCapture(stream, &graph));
    GOOD(hipStreamIsCapturing(stream, &status));
    EXPECT(status == hipStreamCaptureStatusNone);
    GOOD(hipGraphGetNodes(graph, NULL, &there));
    EXPECT(there == 3);
    GOOD(hipGraphGetNodes(graph, nodes, &there));
    RETURNS(hipErrorInvalidValue, hipGraphKernelNodeGetParams(nodes[0], &params));
    GOOD(hipGraphKernelNodeGetParams(nodes[1], &params));
    EXPECT(params.func == (void *)axpy && params.gridDim.x == 1 && params.blockDim.x == COUNT);
    EXPECT(*(float **)params.kernelParams[1] == x && *(float *)params.kernelParams[2] == 2);
    *(float *)params.kernelParams[2] = 4;
    GOOD(hipGraphKernelNodeSetParams(nodes[1], &params));
    GOOD(hipGraphClone(&clone, graph));
    GOOD(hipGraphInstantiateWithFlags(&exec, clone, 0));
    memset(back, 0, sizeof back);
    GOOD(hipGraphLaunch(exec, stream));
    GOOD(hipStreamSynchronize(stream));
    EXPECT(value_of(back) == 8);
    GOOD(hipGraphExecDestroy(exec));
    GOOD(hipGraphDestroy(clone));
    GOOD(hipGraphDestroy(graph));
    RETURNS(hipErrorStreamCaptureUnsupported, hipStreamBeginCapture(NULL, hipStreamCaptureModeGlobal));
    GOOD(hipStreamDestroy(stream));
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    modules(argv[1]);
    GOOD(hipMalloc((void **)&x, BYTES));
    GOOD(hipMalloc((void **)&y, BYTES));
    GOOD(hipMemsetD32((hipDeviceptr_t)x, 0x40000000, COUNT)); /* 2.0 */
    by_hand();
    rare_nodes();
    captured();
    GOOD(hipFree(x));
    GOOD(hipFree(y));
    GOOD(hipModuleUnload(module));
    RETURNS(hipErrorInvalidHandle, hipModuleUnload(module));
    return wrong != 0;
}
