/* Functions that ROCm 5.2's headers do not have, declared as hip-python declares them. argv[1] is probe.hip's code
 * object, argv[2] a path for a graph's picture. */
#include "check.h"

typedef struct hipUserObject *hipUserObject_t;
typedef hipModule_t hipLibrary_t;
typedef hipFunction_t hipKernel_t;

typedef struct {
    hipMemPoolProps poolProps;
    const hipMemAccessDesc *accessDescs;
    size_t accessDescCount, bytesize;
    void *dptr;
} hipMemAllocNodeParams;

typedef struct {
    int type, reserved0[3];
    union {
        long long reserved1[29];
        hipHostNodeParams host;
        hipKernelNodeParams kernel;
    };
    long long reserved2;
} hipGraphNodeParams;

hipError_t hipUserObjectCreate(hipUserObject_t *, void *, hipHostFn_t, unsigned, unsigned);
hipError_t hipUserObjectRelease(hipUserObject_t, unsigned);
hipError_t hipGraphRetainUserObject(hipGraph_t, hipUserObject_t, unsigned, unsigned);
hipError_t hipGraphDebugDotPrint(hipGraph_t, const char *, unsigned);
hipError_t hipGraphAddNode(hipGraphNode_t *, hipGraph_t, const hipGraphNode_t *, size_t, hipGraphNodeParams *);
hipError_t hipGraphAddMemAllocNode(hipGraphNode_t *, hipGraph_t, const hipGraphNode_t *, size_t,
                                   hipMemAllocNodeParams *);
hipError_t hipGraphAddMemFreeNode(hipGraphNode_t *, hipGraph_t, const hipGraphNode_t *, size_t, void *);
hipError_t hipGraphMemFreeNodeGetParams(hipGraphNode_t, void *);
hipError_t hipGraphNodeSetEnabled(hipGraphExec_t, hipGraphNode_t, unsigned);
hipError_t hipGetProcAddress(const char *, void **, int, uint64_t, int *);
hipError_t hipLibraryLoadFromFile(hipLibrary_t *, const char *, int *, void **, unsigned, int *, void **, unsigned);
hipError_t hipLibraryGetKernel(hipKernel_t *, hipLibrary_t, const char *);
hipError_t hipLibraryUnload(hipLibrary_t);
hipError_t hipKernelGetName(const char **, hipKernel_t);
hipError_t hipKernelGetParamInfo(hipKernel_t, size_t, size_t *, size_t *);
hipError_t hipKernelGetFunction(hipFunction_t *, hipKernel_t);
hipError_t hipDrvGetErrorName(hipError_t, const char **);
hipError_t hipStreamGetId(hipStream_t, unsigned long long *);
hipError_t hipExtGetLastError(void);

static int ended, host_calls;

static void end_object(void *pointer) {
    ended += *(int *)pointer;
}

static void host_function(void *user) {
    host_calls += *(int *)user;
}

static void objects(void) {
    hipGraph_t graph, clone;
    hipGraphExec_t exec;
    hipUserObject_t object;
    hipGraphNode_t node;
    int one = 1;
    GOOD(hipGraphCreate(&graph, 0));
    GOOD(hipGraphAddHostNode(&node, graph, NULL, 0, &(hipHostNodeParams){host_function, &one}));
    RETURNS(hipErrorInvalidValue, hipUserObjectCreate(&object, &one, end_object, 0, 1));
    GOOD(hipUserObjectCreate(&object, &one, end_object, 2, 1));
    GOOD(hipGraphRetainUserObject(graph, object, 1, 1)); /* one of the two moves into the graph */
    GOOD(hipUserObjectRelease(object, 1));
    GOOD(hipGraphInstantiate(&exec, graph, NULL, NULL, 0));
    GOOD(hipGraphClone(&clone, graph));
    GOOD(hipGraphDestroy(graph));
    EXPECT(ended == 0);
    GOOD(hipGraphLaunch(exec, NULL));
    GOOD(hipGraphExecDestroy(exec));
    EXPECT(host_calls == 1 && ended == 0);
    GOOD(hipGraphDestroy(clone));
    EXPECT(ended == 1);
    RETURNS(hipErrorInvalidValue, hipUserObjectRelease(object, 1));
}

static void nodes(const char *picture) {
    hipGraph_t graph;
    hipGraphExec_t exec;
    hipGraphNode_t first, second;
    int ten = 10;
    char text[2000] = {0};
    hipGraphNodeParams params = {.type = 3, .host = {host_function, &ten}}, other = {.type = 8};
    host_calls = 0;
    GOOD(hipGraphCreate(&graph, 0));
    GOOD(hipGraphAddNode(&first, graph, NULL, 0, &params));
    GOOD(hipGraphAddEmptyNode(&second, graph, &first, 1));
    RETURNS(hipErrorNotSupported, hipGraphAddNode(&second, graph, NULL, 0, &other));
    GOOD(hipGraphDebugDotPrint(graph, picture, 0));
    FILE *file = fopen(picture, "r");
    EXPECT(file && fread(text, 1, sizeof text - 1, file) > 0);
    EXPECT(strstr(text, "host") && strstr(text, "empty") && strstr(text, " -> "));
    if (file) fclose(file);
    GOOD(hipGraphInstantiate(&exec, graph, NULL, NULL, 0));
    GOOD(hipGraphLaunch(exec, NULL));
    GOOD(hipDeviceSynchronize());
    EXPECT(host_calls == 10);
    RETURNS(hipErrorInvalidValue, hipGraphNodeSetEnabled(exec, first, 0)); /* kernels, copies and fills only */
    GOOD(hipGraphExecDestroy(exec));
    GOOD(hipGraphDestroy(graph));
}

/* Memory of a graph is there in every launch, and gone with the last graph that has it. */
static void memory(void) {
    enum { BYTES = 4096 };
    hipGraph_t graph, captured;
    hipGraphExec_t exec;
    hipGraphNode_t make, fill, copy, end;
    hipStream_t stream;
    void *freed = NULL, *own = NULL;
    int got[2] = {0, 0};
    size_t before = 0, after = 0, total;
    hipMemAllocNodeParams params = {
        .poolProps = {.allocType = hipMemAllocationTypePinned, .location = {hipMemLocationTypeDevice, 0}},
        .bytesize = BYTES,
    };
    GOOD(hipStreamCreate(&stream));
    GOOD(hipMemGetInfo(&before, &total));
    GOOD(hipGraphCreate(&graph, 0));
    GOOD(hipGraphAddMemAllocNode(&make, graph, NULL, 0, &params));
    EXPECT(params.dptr != NULL);
    hipMemsetParams ones = {.dst = params.dptr, .elementSize = 4, .height = 1, .value = 11, .width = BYTES / 4};
    GOOD(hipGraphAddMemsetNode(&fill, graph, &make, 1, &ones));
    GOOD(hipGraphAddMemcpyNode1D(&copy, graph, &fill, 1, &got[0], params.dptr, 4, hipMemcpyDeviceToHost));
    GOOD(hipGraphAddMemFreeNode(&end, graph, &copy, 1, params.dptr));
    RETURNS(hipErrorInvalidValue, hipGraphAddMemFreeNode(&end, graph, &copy, 1, params.dptr));
    GOOD(hipGraphMemFreeNodeGetParams(end, &freed));
    EXPECT(freed == params.dptr);
    GOOD(hipStreamBeginCapture(stream, hipStreamCaptureModeRelaxed));
    GOOD(hipMallocAsync(&own, BYTES, stream));
    GOOD(hipMemsetAsync(own, 1, BYTES, stream));
    GOOD(hipMemcpyAsync(&got[1], own, 4, hipMemcpyDeviceToHost, stream));
    GOOD(hipFreeAsync(own, stream));
    GOOD(hipStreamEndCapture(stream, &captured));
    GOOD(hipGraphAddChildGraphNode(&end, graph, &end, 1, captured));
    GOOD(hipGraphInstantiate(&exec, graph, NULL, NULL, 0));
    GOOD(hipGraphDestroy(graph));
    for (int i = 0; i < 3; i++) {
        got[0] = got[1] = 0;
        GOOD(hipGraphLaunch(exec, stream));
        GOOD(hipStreamSynchronize(stream));
        EXPECT(got[0] == 11 && got[1] == 0x01010101);
    }
    GOOD(hipGraphExecDestroy(exec));
    GOOD(hipGraphDestroy(captured));
    GOOD(hipMemGetInfo(&after, &total));
    EXPECT(after == before);
    GOOD(hipStreamDestroy(stream));
}

static void names(void) {
    void *found = NULL, *newer = NULL;
    int status = 7;
    const char *name = NULL;
    unsigned long long id = 0;
    GOOD(hipGetProcAddress("hipMalloc", &found, 60200000, 0, &status));
    EXPECT(found != NULL && status == 0);
    GOOD(hipGetProcAddress("hipGetDeviceProperties", &found, 50200000, 0, NULL));
    GOOD(hipGetProcAddress("hipGetDeviceProperties", &newer, 60000000, 0, NULL));
    EXPECT(found && newer && found != newer);
    RETURNS(hipErrorNotFound, hipGetProcAddress("hipNothing", &found, 60200000, 0, &status));
    EXPECT(found == NULL && status == 1);
    RETURNS(hipErrorNotFound, hipGetProcAddress("printf", &found, 60200000, 0, &status));
    GOOD(hipDrvGetErrorName(hipErrorNotReady, &name));
    EXPECT(!strcmp(name, "hipErrorNotReady"));
    RETURNS(hipErrorInvalidValue, hipDrvGetErrorName((hipError_t)12345, &name));
    RETURNS(hipErrorInvalidValue, hipExtGetLastError());
    GOOD(hipExtGetLastError());
    GOOD(hipStreamGetId(NULL, &id));
}

static void libraries(const char *path) {
    hipLibrary_t library;
    hipKernel_t kernel;
    hipFunction_t function;
    const char *name = NULL;
    size_t offset = 0, size = 0;
    GOOD(hipLibraryLoadFromFile(&library, path, NULL, NULL, 0, NULL, NULL, 0));
    GOOD(hipLibraryGetKernel(&kernel, library, "axpy"));
    GOOD(hipKernelGetName(&name, kernel));
    EXPECT(!strcmp(name, "axpy"));
    GOOD(hipKernelGetParamInfo(kernel, 2, &offset, &size));
    EXPECT(offset == 16 && size == 4);
    RETURNS(hipErrorInvalidValue, hipKernelGetParamInfo(kernel, 4, &offset, &size));
    GOOD(hipKernelGetFunction(&function, kernel));
    GOOD(hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, NULL,
                               (void *[]){&(void *){NULL}, &(void *){NULL}, &(float){0}, &(unsigned){0}}, NULL));
    GOOD(hipDeviceSynchronize());
    GOOD(hipLibraryUnload(library));
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    objects();
    nodes(argv[2]);
    memory();
    names();
    libraries(argv[1]);
    return wrong != 0;
}
