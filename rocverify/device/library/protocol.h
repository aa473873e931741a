/* What the HIP library and the device process say to each other. One table for both: the C side includes it,
 * rocverify/device/process/protocol.py reads it. Plain C11 declarations only.
 *
 * A process that uses HIP holds one SOCK_SEQPACKET connection of kind RV_PROCESS (wake-ups; its end is the end of
 * the client), and one of kind RV_THREAD for each of its threads that calls HIP (replies and reverse calls).
 * Requests of all threads go through one ring in shared memory, in the order in which they were made.
 */
#ifndef ROCVERIFY_PROTOCOL_H
#define ROCVERIFY_PROTOCOL_H

#include <stdint.h>

#define RV_MAGIC 0x56434f52u /* "ROCV" */
#define RV_VERSION 3

#define RV_PROCESS 0 /* kinds of connections */
#define RV_THREAD 1

#define RV_HEADER_BYTES 4096      /* of the ring's memory, before its data */
#define RV_RING_BYTES (1 << 20)   /* of the ring's data, a power of two */
#define RV_STAGING_BYTES (8 << 20) /* of each thread's staging memory: two halves */
#define RV_INLINE_BYTES 32768     /* the longest payload of a record, and of a message */
#define RV_FRAMES 12              /* the most frames of a call site */

#define RV_WANTS_REPLY 1 /* flags of a record: the thread waits for a message of kind RV_REPLY */
#define RV_INLINE 2      /* the payload is what a copy would read from the host */

#define RV_REPLY 0      /* kinds of messages to a thread */
#define RV_READ_HOST 1  /* values: address, size, offset in staging; the client copies its memory there */
#define RV_WRITE_HOST 2 /* values: address, size, offset in staging; the client copies from there */
#define RV_CALLBACK 3   /* values: form (RV_HOST_FUNCTION, ...), function, user data, stream, code */
#define RV_PRINT 4      /* values: 1 stdout, 2 stderr; payload: the text */

#define RV_HOST_FUNCTION 0   /* void f(void *user_data) */
#define RV_STREAM_CALLBACK 1 /* void f(hipStream_t, hipError_t, void *user_data) */

#define RV_EAGER 0 /* orders */
#define RV_LAZY 1
#define RV_SHUFFLED 2
#define RV_CHECKED 3 /* any; copies wait for a reply, so that what their source holds at the call is seen then */

/* The first message of every connection, by the client. `token` is 0 in a process's, and in a thread's what the
 * process's welcome said. `device` picks one of the devices that the device process has opened. */
struct rv_hello {
    uint32_t magic, version, kind, pid, tid, device;
    uint64_t token;
    char program[256];
};

/* The answer. File descriptors come with it: for a process the ring's memory and the shared memory, for a thread
 * its staging memory. With `error` other than 0 (a hipError_t) `words` says why, and the connection ends. */
struct rv_welcome {
    uint32_t magic, version;
    int32_t error;
    uint32_t slot;                         /* of a thread: its number in records */
    uint64_t token;
    uint64_t device_start, device_bytes;   /* device memory: to be reserved, never mapped */
    uint64_t shared_start, shared_bytes;   /* pinned and managed memory: offset 0 of its file lies at shared_start */
    uint32_t devices;
    char words[512];
};

/* The head of the ring's memory. Positions count bytes for ever; the place in the data is the position modulo
 * RV_RING_BYTES. A client sets `head` after a record is whole. `waiting` is 1 while the device process sleeps: then,
 * and only then, one byte on the process's connection wakes it. */
struct rv_ring {
    uint64_t head;
    uint64_t pad0[7];
    uint64_t tail;
    uint64_t pad1[7];
    uint32_t waiting;
    uint32_t stopped; /* the device process has ended this client: calls are to fail */
    uint32_t judged;  /* 1: HIP's calls are not to be queued without a reply, each is judged where it is made */
    uint32_t order;   /* RV_EAGER ...: when queued work is executed from now on */
};

/* A request: this, `nargs` 64-bit numbers, `payload` bytes; `size` is all of that rounded up (to 32 by the library: so
 * what is left before the end of the data always has room for the head of a pad). Records never wrap:
 * where one does not fit before the end of the data, a record of the call rv_pad fills the rest. */
struct rv_record {
    uint32_t size;
    uint16_t call, flags;
    uint32_t slot, site;
    uint32_t nargs, payload;
};

/* A message to a thread: this, `nvalues` 64-bit numbers, `payload` bytes. Reverse calls (kinds other than RV_REPLY)
 * come only while the thread waits for a reply, and are answered with an rv_answer. */
struct rv_message {
    uint32_t kind;
    int32_t code;
    uint32_t nvalues, payload;
};

struct rv_answer {
    int32_t code; /* 0, or the hipError_t: 1 (invalid value) where host memory cannot be read or written */
};

/* What a client is told of a kernel: the payload of the replies that give it a function's handle. A launch within
 * all of `max_*` is plainly possible and needs no reply; any other is sent with RV_WANTS_REPLY and judged there. */
struct rv_kernel {
    uint32_t nargs;         /* explicit arguments; as many rv_kernel_arg follow, then the name, NUL-terminated */
    uint32_t kernarg_bytes; /* of the explicit arguments */
    uint32_t max_block;     /* work-items of a workgroup */
    uint32_t max_shared;    /* dynamic LDS, bytes */
    uint32_t max_grid[3];   /* workgroups on each axis, for any possible block */
    uint32_t reserved;
};

struct rv_kernel_arg {
    uint32_t offset, size;
};

/* ---- calls
 *
 * Named like the HIP functions. Unless said otherwise, `args` are the function's parameters in their order without
 * those that are results (integers sign-extended, pointers and handles as numbers, dim3 as three, float as its
 * bits), and `values` of the reply are the results in their order. A stream parameter is what the caller passed
 * (0, 1 hipStreamLegacy, 2 hipStreamPerThread, or a handle); strings are in the payload without their NUL.
 * Synonyms (hipHostAlloc and hipHostMalloc, _spt functions, ...) are sent under the served name.
 */
#define RV_CALLS(CALL) \
    CALL(rv_pad) \
    CALL(rv_site)             /* id; payload: frames, innermost first, a line each: "P\tpath\tline\tfunction" of Python, */ \
                              /* "N\tmodule\toffset\tsymbol" of native code, offset hexadecimal and of the call itself */ \
    CALL(rv_not_served)       /* payload: the function's name */ \
    CALL(rv_error_seen)       /* the last error was asked for or put into words: no call failed unseen until here */ \
    CALL(rv_host_access)      /* address, is_write: the host touched device memory and dies by SIGSEGV; reply: the words */ \
    CALL(rv_bye)              /* the process ends: what is queued is done first */ \
    CALL(rv_load_fat_binary)  /* address, size of the bundle; -> module */ \
    CALL(rv_device_synchronize_quietly) /* as hipDeviceSynchronize, in no trace */ \
    CALL(rv_call_returned)    /* stream: a function that the judge asked for has returned; waits for what its caller's */ \
                              /* next work on the stream comes after, has the judge look, then waits for the rest */ \
    CALL(hipInit) CALL(hipDriverGetVersion) CALL(hipRuntimeGetVersion) \
    CALL(hipGetDeviceCount) CALL(hipGetDevicePropertiesR0000) CALL(hipGetDevicePropertiesR0600) /* -> payload: the structure */ \
    CALL(hipDeviceGetAttribute) CALL(hipDeviceGetName) CALL(hipDeviceGetUuid) CALL(hipDeviceGetPCIBusId) CALL(hipDeviceTotalMem) \
    CALL(hipDeviceGetLimit) CALL(hipDeviceSetLimit) CALL(hipDeviceReset) CALL(hipDeviceSynchronize) \
    CALL(hipMemGetInfo) \
    CALL(hipMalloc) CALL(hipFree) CALL(hipExtMallocWithFlags) CALL(hipMallocManaged) CALL(hipHostMalloc) CALL(hipHostFree) \
    CALL(hipMallocPitch) /* width, height -> address, pitch */ \
    CALL(hipMallocArray) /* element bytes, width, height, depth, flags -> handle (hipMalloc3DArray too) */ \
    CALL(hipFreeArray) CALL(hipArrayGetInfo) /* array -> element bytes, width, height, depth, pitch, address */ \
    CALL(hipMallocAsync) /* size, stream, pool -> address */ CALL(hipFreeAsync) \
    CALL(hipMemPoolCreate) /* type, handle types, location's type and number, most bytes */ \
    CALL(hipMemPoolDestroy) CALL(hipMemPoolSetAttribute) /* pool, attribute, value */ \
    CALL(hipMemPoolGetAttribute) CALL(hipMemPoolTrimTo) CALL(hipDeviceGetDefaultMemPool) CALL(hipDeviceGetMemPool) \
    CALL(hipDeviceSetMemPool) \
    CALL(hipHostRegister) /* address, size (whole pages), flags; a file descriptor cannot come with it: the client has put */ \
                          /* the pages into the shared memory's file at the offset that the reply gives -> offset */ \
    CALL(rv_host_registered) /* address, size, offset: the pages are there now */ \
    CALL(rv_registered_range) /* address, size: what the program registers of the pages; size 0: no more */ \
    CALL(hipHostUnregister) CALL(hipHostGetDevicePointer) CALL(hipHostGetFlags) \
    CALL(hipPointerGetAttributes) /* address -> type (0 host, 1 device, 2 unregistered, 3 managed), device, device pointer, */ \
                                  /* host pointer, is managed, flags, base, size */ \
    CALL(hipMemGetAddressRange) CALL(hipMemAdvise) CALL(hipMemPrefetchAsync) CALL(hipMemRangeGetAttribute) \
    CALL(hipMemcpy) CALL(hipMemcpyAsync) CALL(hipMemcpyWithStream) /* dst, src, bytes, kind [, stream] */ \
    CALL(hipMemcpyHtoD) CALL(hipMemcpyDtoH) CALL(hipMemcpyDtoD) CALL(hipMemcpyHtoDAsync) CALL(hipMemcpyDtoHAsync) \
    CALL(hipMemcpyDtoDAsync) CALL(hipMemcpyPeer) CALL(hipMemcpyPeerAsync) /* dst, dst device, src, src device, bytes [, stream] */ \
    CALL(hipMemcpy2D) CALL(hipMemcpy2DAsync) \
    CALL(hipMemcpy2DToArray) CALL(hipMemcpy2DFromArray) CALL(hipMemcpyToArray) CALL(hipMemcpyFromArray) \
    CALL(hipMemcpy3D) CALL(hipMemcpy3DAsync) /* dst address, dst pitch, dst rows of a slice, src address, src pitch, src rows, */ \
                                             /* bytes of a row, rows, slices, kind [, stream] */ \
    CALL(hipMemset) CALL(hipMemsetAsync) CALL(hipMemsetD8) CALL(hipMemsetD8Async) CALL(hipMemsetD16) CALL(hipMemsetD16Async) \
    CALL(hipMemsetD32) CALL(hipMemsetD32Async) CALL(hipMemset2D) CALL(hipMemset2DAsync) \
    CALL(hipMemset3D) CALL(hipMemset3DAsync) /* address, pitch, rows of a slice, value, bytes of a row, rows, slices [, stream] */ \
    CALL(hipGetSymbolAddress) CALL(hipGetSymbolSize) /* module; payload: the device variable's name */ \
    CALL(hipMemcpyToSymbol) CALL(hipMemcpyToSymbolAsync) /* module, src, bytes, offset, kind [, stream], bytes of the name; */ \
    CALL(hipMemcpyFromSymbol) CALL(hipMemcpyFromSymbolAsync) /* module, dst, ...; payload: the name, then what RV_INLINE has */ \
    CALL(hipModuleLoad) CALL(hipModuleLoadData) CALL(hipModuleLoadFatBinary) /* address, size of the image in host memory; */ \
                                                                            /* payload: the path, if there is one -> module */ \
    CALL(hipModuleUnload) CALL(hipModuleGetFunction) /* module; payload: name -> function, payload: rv_kernel ... */ \
    CALL(hipModuleGetGlobal) CALL(hipModuleGetFunctionCount) CALL(hipFuncGetAttribute) /* attribute, function */ \
    CALL(hipFuncGetAttributes) /* function -> binaryVersion, cacheModeCA, constSizeBytes, localSizeBytes, maxDynamicShared, */ \
                               /* maxThreadsPerBlock, numRegs, preferredShmemCarveout, ptxVersion, sharedSizeBytes */ \
    CALL(hipFuncSetAttribute) CALL(hipKernelNameRef) /* function -> payload: the name */ \
    CALL(hipModuleLaunchKernel) CALL(hipLaunchKernel) CALL(hipExtModuleLaunchKernel) CALL(hipExtLaunchKernel) \
    CALL(hipModuleLaunchCooperativeKernel) CALL(hipLaunchCooperativeKernel) /* launches: function, grid x y z (workgroups), */ \
    /* block x y z, dynamic LDS, stream, start event, stop event, flags (1: workgroups do not divide the grid: then grid is */ \
    /* in work-items); payload: the explicit arguments as they lie in the kernarg segment */ \
    CALL(hipModuleOccupancyMaxActiveBlocksPerMultiprocessor) /* function, block, dynamic LDS -> workgroups */ \
    CALL(hipModuleOccupancyMaxPotentialBlockSize) /* function, dynamic LDS, limit -> grid, block */ \
    CALL(hipStreamCreate) CALL(hipStreamCreateWithFlags) CALL(hipStreamCreateWithPriority) CALL(hipStreamDestroy) \
    CALL(hipStreamSynchronize) CALL(hipStreamQuery) CALL(hipStreamWaitEvent) CALL(hipStreamGetFlags) CALL(hipStreamGetPriority) \
    CALL(hipStreamGetDevice) CALL(hipDeviceGetStreamPriorityRange) CALL(hipStreamAddCallback) CALL(hipLaunchHostFunc) \
    CALL(hipStreamWaitValue32) CALL(hipStreamWaitValue64) CALL(hipStreamWriteValue32) CALL(hipStreamWriteValue64) \
    CALL(hipEventCreate) CALL(hipEventCreateWithFlags) CALL(hipEventDestroy) CALL(hipEventRecord) CALL(hipEventSynchronize) \
    CALL(hipEventQuery) CALL(hipEventElapsedTime) \
    CALL(hipStreamBeginCapture) CALL(hipStreamEndCapture) CALL(hipStreamIsCapturing) \
    CALL(hipStreamGetCaptureInfo) /* stream -> status, number, graph, nodes that what comes next will depend on ... */ \
    CALL(hipStreamBeginCaptureToGraph) /* stream, graph, mode, n, dependencies... */ \
    CALL(hipStreamUpdateCaptureDependencies) /* stream, flags (0 add, 1 set), n, nodes... */ \
    CALL(hipThreadExchangeStreamCaptureMode) \
    CALL(hipGraphCreate) CALL(hipGraphDestroy) CALL(hipGraphInstantiate) /* graph, flags */ CALL(hipGraphExecDestroy) CALL(hipGraphLaunch) \
    CALL(hipGraphUpload) CALL(hipGraphClone) CALL(hipGraphGetNodes) /* graph -> handles */ CALL(hipGraphGetRootNodes) \
    CALL(hipGraphGetEdges) /* graph -> from, to, from, to ... */ CALL(hipGraphAddDependencies) /* graph, n, from..., to... */ \
    CALL(hipGraphAddKernelNode) /* graph, n, dependencies..., then as a launch */ \
    CALL(hipGraphAddMemcpyNode) /* graph, n, dependencies..., then as hipMemcpy3D */ \
    CALL(hipGraphAddMemcpyNode1D) CALL(hipGraphAddMemsetNode) /* graph, n, dependencies..., dst, element bytes, height, pitch, */ \
    /* value, width */ CALL(hipGraphAddHostNode) CALL(hipGraphAddEmptyNode) CALL(hipGraphAddEventRecordNode) \
    CALL(hipGraphAddMemAllocNode) /* graph, n, dependencies..., bytes -> node, address */ \
    CALL(hipGraphAddMemFreeNode) /* graph, n, dependencies..., address */ \
    CALL(hipGraphAddEventWaitNode) CALL(hipGraphAddChildGraphNode) CALL(hipGraphDestroyNode) CALL(hipGraphNodeGetType) \
    CALL(hipGraphExecKernelNodeSetParams) /* exec, node, then as a launch */ CALL(hipGraphExecUpdate) /* exec, graph -> result */ \
    CALL(hipGraphRemoveDependencies) /* graph, n, from..., to... */ CALL(hipGraphNodeFindInClone) /* node, clone -> node */ \
    CALL(hipGraphNodeGetDependencies) CALL(hipGraphNodeGetDependentNodes) /* node -> handles */ \
    CALL(hipGraphChildGraphNodeGetGraph) /* node -> graph */ \
    CALL(hipGraphKernelNodeGetParams) /* node -> as a launch; payload: as a launch's */ \
    CALL(hipGraphNodeSetParams) /* node, then as the call that adds a node of its type has it behind the dependencies */ \
    CALL(hipGraphExecNodeSetParams) /* exec, node, ... */ CALL(hipGraphNodeSetEnabled) /* exec, node, 0 or 1 */ \
    CALL(hipGraphNodeGetEnabled) /* exec, node -> 0 or 1 */ \
    CALL(hipCtxSynchronize) \
    CALL(hiprtcCompileProgram) /* address and size of a block of host memory that begins with the source's length */ \
    /* (see hiprtc.c) -> result; payload or later rv_rtc_code: the outcome */ CALL(rv_rtc_code) \
    CALL(rv_blas) /* payload: see blas.c */

enum rv_call {
#define RV_NUMBER(name) RV_CALL_##name,
    RV_CALLS(RV_NUMBER)
#undef RV_NUMBER
    RV_CALL_COUNT
};

#endif
