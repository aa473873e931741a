/* Functions: their attributes, names, and how many workgroups of them a compute unit holds. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum {
    FUNCTION_ATTRIBUTES = 10, /* values of hipFuncGetAttributes */
    LDS_GRANULE = 512,
    ATTRIBUTE_LDS_PER_BLOCK = 74,
    ATTRIBUTE_LDS_PER_MULTIPROCESSOR = 10002, /* AMD's: MaxSharedMemoryPerMultiprocessor */
};

/* The function's handle of a host stub (or of a handle); an error is noted. */
static int function_of(const void *stub, uint64_t *function) {
    if (!stub) return rv_note(hipErrorInvalidDeviceFunction);
    return rv_note(rv_function_of(stub, function));
}

static int attributes_of(const void *stub, rv_reply *reply) {
    uint64_t function;
    int code = function_of(stub, &function);
    return code ? code : RV_CALL_INTO(reply, hipFuncGetAttributes, function);
}

RV_API hipError_t hipFuncGetAttributes(hipFuncAttributes *result, const void *stub) {
    if (!result) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = attributes_of(stub, &reply);
    if (code) return code;
    const uint64_t *value = reply.values;
    *result = (hipFuncAttributes){
        .binaryVersion = (int)value[0], .cacheModeCA = (int)value[1],
        .constSizeBytes = value[2], .localSizeBytes = value[3],
        .maxDynamicSharedSizeBytes = (int)value[4], .maxThreadsPerBlock = (int)value[5],
        .numRegs = (int)value[6], .preferredShmemCarveout = (int)value[7],
        .ptxVersion = (int)value[8], .sharedSizeBytes = value[9],
    };
    return hipSuccess;
}

RV_API hipError_t hipFuncGetAttribute(int *value, int attribute, hipFunction_t function) {
    if (!value) return rv_note(hipErrorInvalidValue);
    if (!function) return rv_note(hipErrorInvalidHandle);
    return RV_GET(value, hipFuncGetAttribute, RV_S(attribute), RV_N(function));
}

RV_API hipError_t hipKernelGetAttribute(int *value, int attribute, hipFunction_t kernel, int device) {
    return device == 0 ? hipFuncGetAttribute(value, attribute, kernel) : rv_note(hipErrorInvalidDevice);
}

RV_API hipError_t hipFuncSetAttribute(const void *stub, int attribute, int value) {
    uint64_t function;
    int code = function_of(stub, &function);
    return code ? code : RV_CALL(hipFuncSetAttribute, function, RV_S(attribute), RV_S(value));
}

RV_API hipError_t hipKernelSetAttribute(int attribute, int value, hipFunction_t kernel, int device) {
    return device == 0 ? hipFuncSetAttribute(kernel, attribute, value) : rv_note(hipErrorInvalidDevice);
}

RV_API hipError_t hipFuncSetCacheConfig(const void *stub, int config) { /* a hint that AMD's devices ignore */
    uint64_t function;
    if (config < 0 || config > 3) return rv_note(hipErrorInvalidValue);
    return function_of(stub, &function);
}

RV_API hipError_t hipFuncSetSharedMemConfig(const void *stub, int config) {
    uint64_t function;
    if (config < 0 || config > 2) return rv_note(hipErrorInvalidValue);
    return function_of(stub, &function);
}

RV_API hipError_t hipGetFuncBySymbol(hipFunction_t *function, const void *stub) {
    if (!function) return rv_note(hipErrorInvalidValue);
    uint64_t found;
    int code = function_of(stub, &found);
    if (code == hipSuccess) *function = (hipFunction_t)found;
    return code;
}

/* ---- names: programs keep the pointers */

struct kernel_name {
    struct kernel_name *next;
    uint64_t function;
    uint32_t connection;
    char text[];
};

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kernel_name *names;

static const char *known_name(uint64_t function) {
    const char *found = NULL;
    pthread_mutex_lock(&names_lock);
    for (struct kernel_name *name = names; name && !found; name = name->next)
        if (name->function == function && name->connection == rv_connection()) found = name->text;
    pthread_mutex_unlock(&names_lock);
    return found;
}

static int name_of(uint64_t function, const char **name) {
    *name = known_name(function);
    if (*name) return hipSuccess;
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipKernelNameRef, function);
    if (code) return code;
    struct kernel_name *made = malloc(sizeof *made + reply.payload_bytes + 1);
    if (!made) return rv_note(hipErrorOutOfMemory);
    memcpy(made->text, reply.payload, reply.payload_bytes);
    made->text[reply.payload_bytes] = 0;
    made->function = function;
    made->connection = rv_connection();
    pthread_mutex_lock(&names_lock);
    made->next = names;
    names = made;
    pthread_mutex_unlock(&names_lock);
    *name = made->text;
    return hipSuccess;
}

RV_API const char *hipKernelNameRef(const hipFunction_t function) {
    const char *name = NULL;
    if (!function || name_of(RV_N(function), &name)) return NULL;
    return name;
}

RV_API const char *hipKernelNameRefByPtr(const void *stub, hipStream_t stream) {
    (void)stream; /* of the device, of which there is one */
    uint64_t function;
    const char *name = NULL;
    if (!stub || function_of(stub, &function) || name_of(function, &name)) return NULL;
    return name;
}

RV_API hipError_t hipKernelGetName(const char **name, hipFunction_t kernel) {
    if (!name) return rv_note(hipErrorInvalidValue);
    return kernel ? name_of(RV_N(kernel), name) : rv_note(hipErrorInvalidHandle);
}

enum { MOST_ARGUMENTS = 512 };

RV_API hipError_t hipKernelGetParamInfo(hipFunction_t kernel, size_t index, size_t *offset, size_t *size) {
    struct rv_kernel_arg places[MOST_ARGUMENTS];
    if (!offset) return rv_note(hipErrorInvalidValue);
    if (!kernel) return rv_note(hipErrorInvalidHandle);
    uint32_t count = rv_kernel_arguments(kernel, places, MOST_ARGUMENTS);
    if (index >= count || index >= MOST_ARGUMENTS) return rv_note(hipErrorInvalidValue);
    *offset = places[index].offset;
    if (size) *size = places[index].size;
    return hipSuccess;
}

/* ---- occupancy */

static int active_blocks(int *blocks, uint64_t function, int block, size_t lds) {
    return RV_GET(blocks, hipModuleOccupancyMaxActiveBlocksPerMultiprocessor, function, RV_S(block), RV_N(lds));
}

RV_API hipError_t hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, hipFunction_t function, int block,
                                                                     size_t lds) {
    if (!blocks || block <= 0) return rv_note(hipErrorInvalidValue);
    return function ? active_blocks(blocks, RV_N(function), block, lds) : rv_note(hipErrorInvalidHandle);
}

RV_API hipError_t hipModuleOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, hipFunction_t function,
                                                                              int block, size_t lds,
                                                                              unsigned flags) {
    if (flags > 1) return rv_note(hipErrorInvalidValue);
    return hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, block, lds);
}

RV_API hipError_t hipOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *stub, int block,
                                                               size_t lds) {
    if (!blocks || block <= 0) return rv_note(hipErrorInvalidValue);
    uint64_t function;
    int code = function_of(stub, &function);
    return code ? code : active_blocks(blocks, function, block, lds);
}

RV_API hipError_t hipOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const void *stub, int block,
                                                                        size_t lds, unsigned flags) {
    if (flags > 1) return rv_note(hipErrorInvalidValue);
    return hipOccupancyMaxActiveBlocksPerMultiprocessor(blocks, stub, block, lds);
}

static int potential_block(int *grid, int *block, uint64_t function, size_t lds, int limit) {
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipModuleOccupancyMaxPotentialBlockSize, function, RV_N(lds), RV_S(limit));
    if (code) return code;
    *grid = (int)reply.values[0];
    *block = (int)reply.values[1];
    return hipSuccess;
}

RV_API hipError_t hipModuleOccupancyMaxPotentialBlockSize(int *grid, int *block, hipFunction_t function, size_t lds,
                                                          int limit) {
    if (!grid || !block) return rv_note(hipErrorInvalidValue);
    return function ? potential_block(grid, block, RV_N(function), lds, limit) : rv_note(hipErrorInvalidHandle);
}

RV_API hipError_t hipModuleOccupancyMaxPotentialBlockSizeWithFlags(int *grid, int *block, hipFunction_t function,
                                                                   size_t lds, int limit, unsigned flags) {
    if (flags > 1) return rv_note(hipErrorInvalidValue);
    return hipModuleOccupancyMaxPotentialBlockSize(grid, block, function, lds, limit);
}

RV_API hipError_t hipOccupancyMaxPotentialBlockSize(int *grid, int *block, const void *stub, size_t lds, int limit) {
    if (!grid || !block) return rv_note(hipErrorInvalidValue);
    uint64_t function;
    int code = function_of(stub, &function);
    return code ? code : potential_block(grid, block, function, lds, limit);
}

int hipDeviceGetAttribute(int *value, int attribute, int device);

/* What is left of a compute unit's LDS for each of so many workgroups, beside the kernel's own. */
RV_API hipError_t hipOccupancyAvailableDynamicSMemPerBlock(size_t *lds, const void *stub, int blocks, int block) {
    if (!lds || blocks <= 0 || block <= 0) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = attributes_of(stub, &reply);
    if (code) return code;
    size_t own = reply.values[FUNCTION_ATTRIBUTES - 1];
    int whole, most;
    code = hipDeviceGetAttribute(&whole, ATTRIBUTE_LDS_PER_MULTIPROCESSOR, 0);
    if (code == hipSuccess) code = hipDeviceGetAttribute(&most, ATTRIBUTE_LDS_PER_BLOCK, 0);
    if (code) return code;
    size_t share = (size_t)whole / (size_t)blocks / LDS_GRANULE * LDS_GRANULE;
    if (share > (size_t)most) share = (size_t)most;
    *lds = share > own ? share - own : 0;
    return hipSuccess;
}
