/* Launches. What the device process told of a kernel lets most be judged here: those are queued and nobody waits. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "map.h"

struct kernel {
    uint32_t connection;
    _Atomic uint32_t doubt; /* the `doubt` in which a launch of it was last good */
    struct rv_kernel about;
    struct rv_kernel_arg args[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rv_map kernels; /* by the function's handle */
static _Atomic uint32_t doubt;

/* ---- what is known of kernels */

static bool same(const struct kernel *kernel, const void *payload, size_t bytes) {
    return kernel && kernel->connection == rv_connection() && kernel->doubt == doubt &&
           memcmp(&kernel->about, payload, bytes) == 0;
}

/* A former one is not freed: another thread may be reading it. */
void rv_learn_kernel(const void *function, const void *payload, uint32_t bytes) {
    struct rv_kernel about;
    if (bytes < sizeof about) return;
    memcpy(&about, payload, sizeof about);
    size_t known = sizeof about + (size_t)about.nargs * sizeof(struct rv_kernel_arg);
    if (bytes < known) return;
    pthread_mutex_lock(&lock);
    if (!same(rv_map_get(&kernels, RV_N(function)), payload, known)) {
        struct kernel *kernel = malloc(offsetof(struct kernel, about) + known);
        if (kernel) {
            kernel->connection = rv_connection();
            kernel->doubt = doubt;
            memcpy(&kernel->about, payload, known);
            rv_map_put(&kernels, RV_N(function), kernel);
        }
    }
    pthread_mutex_unlock(&lock);
}

static struct kernel *find(uint64_t function) {
    pthread_mutex_lock(&lock);
    struct kernel *kernel = rv_map_get(&kernels, function);
    pthread_mutex_unlock(&lock);
    return kernel && kernel->connection == rv_connection() ? kernel : NULL;
}

bool rv_known_kernel(const void *function) {
    return find(RV_N(function)) != NULL;
}

uint32_t rv_kernel_arguments(const void *function, struct rv_kernel_arg *into, uint32_t room) {
    const struct kernel *kernel = find(RV_N(function));
    if (!kernel) return 0;
    memcpy(into, kernel->args, (kernel->about.nargs < room ? kernel->about.nargs : room) * sizeof *into);
    return kernel->about.nargs;
}

void rv_forget_kernels(void) {
    doubt++;
}

/* ---- arguments */

static bool pack_params(const struct kernel *kernel, void **params, uint8_t *into) {
    for (uint32_t i = 0; i < kernel->about.nargs; i++) {
        const void *from;
        if (!rv_copy_guarded(&from, &params[i], sizeof from)) return false;
        if (!from || !rv_copy_guarded(into + kernel->args[i].offset, from, kernel->args[i].size)) return false;
    }
    return true;
}

static bool within(const struct kernel *kernel, uint32_t room) {
    if (kernel->about.kernarg_bytes > room) return false;
    for (uint32_t i = 0; i < kernel->about.nargs; i++)
        if ((uint64_t)kernel->args[i].offset + kernel->args[i].size > room) return false;
    return true;
}

/* The buffer and its size of an `extra`: pairs of a key and a pointer, up to the key that ends it. */
static bool read_extra(void **extra, const void **buffer, size_t *size) {
    for (int i = 0; i < 6; i += 2) {
        void *pair[2];
        if (!rv_copy_guarded(pair, extra + i, sizeof pair[0])) return false;
        if (pair[0] == HIP_LAUNCH_PARAM_END) return *buffer || !*size;
        if (!rv_copy_guarded(&pair[1], extra + i + 1, sizeof pair[1])) return false;
        if (pair[0] == HIP_LAUNCH_PARAM_BUFFER_POINTER)
            *buffer = pair[1];
        else if (pair[0] != HIP_LAUNCH_PARAM_BUFFER_SIZE || !rv_copy_guarded(size, pair[1], sizeof *size))
            return false;
    }
    return false;
}

/* All of the buffer: what is more than the kernel takes may be padding, or an argument too many; the trace tells. */
static int pack_extra(void **extra, void *into, uint32_t room, uint32_t *bytes) {
    const void *buffer = NULL;
    size_t size = 0;
    if (!read_extra(extra, &buffer, &size)) return hipErrorInvalidValue;
    if (size > room) size = room;
    if (size && !rv_copy_guarded(into, buffer, size)) return hipErrorInvalidValue;
    *bytes = (uint32_t)size;
    return 0;
}

static int pack(const struct kernel *kernel, void **params, void **extra, void *into, uint32_t room, uint32_t *bytes) {
    *bytes = 0;
    if (params && extra) return hipErrorInvalidValue;
    if (extra) return pack_extra(extra, into, room, bytes);
    if (!kernel || (kernel->about.nargs == 0 && kernel->about.kernarg_bytes <= room)) return 0;
    if (!params || !within(kernel, room)) return hipErrorInvalidValue;
    memset(into, 0, kernel->about.kernarg_bytes);
    if (!pack_params(kernel, params, into)) return hipErrorInvalidValue;
    *bytes = kernel->about.kernarg_bytes;
    return 0;
}

int rv_pack_arguments(const void *function, void **params, void **extra, void *into, uint32_t room, uint32_t *bytes) {
    return pack(find(RV_N(function)), params, extra, into, room, bytes);
}

/* ---- launching */

struct launch {
    enum rv_call call;
    uint64_t function;
    dim3 grid, block;
    size_t shared;
    hipStream_t stream;
    hipEvent_t start, stop;
    bool items; /* the grid is in work-items, and workgroups do not divide it */
    void **params, **extra;
};

static bool fits(const struct launch *l, const struct rv_kernel *about) {
    uint64_t items = (uint64_t)l->block.x * l->block.y * l->block.z;
    bool block = l->block.x && l->block.y && l->block.z && l->block.x <= about->max_block &&
                 l->block.y <= about->max_block && l->block.z <= about->max_block && items <= about->max_block;
    bool grid = l->grid.x && l->grid.y && l->grid.z && l->grid.x <= about->max_grid[0] &&
                l->grid.y <= about->max_grid[1] && l->grid.z <= about->max_grid[2];
    return block && grid && l->shared <= about->max_shared;
}

/* Plainly possible: nothing of it has to be judged by the device process before the program goes on. */
static bool sure(const struct launch *l, const struct kernel *kernel) {
    bool plain = l->call != RV_CALL_hipLaunchCooperativeKernel && l->call != RV_CALL_hipModuleLaunchCooperativeKernel;
    return plain && kernel && kernel->doubt == doubt && !l->items && fits(l, &kernel->about) &&
           rv_known_stream(l->stream) && (!l->start || rv_known_event(l->start)) && (!l->stop || rv_known_event(l->stop));
}

static int launch(const struct launch *l) {
    if (!rv_connected()) return rv_connect();
    uint8_t arguments[RV_KERNARG_BYTES];
    uint32_t bytes, now = doubt;
    struct kernel *kernel = find(l->function);
    bool packed = pack(kernel, l->params, l->extra, arguments, sizeof arguments, &bytes) == 0;
    bool complete = packed && (!kernel || bytes >= kernel->about.kernarg_bytes);
    /* Without its arguments such a launch is refused by the device process, and stands in the trace. */
    if (!packed && (!kernel || !kernel->about.kernarg_bytes)) return rv_note(hipErrorInvalidValue);
    const uint64_t args[] = {
        l->function, l->grid.x, l->grid.y, l->grid.z, l->block.x, l->block.y, l->block.z,
        l->shared, RV_N(l->stream), RV_N(l->start), RV_N(l->stop), l->items,
    };
    if (complete && sure(l, kernel)) return rv_post(l->call, args, 12, arguments, bytes, 0);
    int code = rv_call(NULL, l->call, args, 12, arguments, packed ? bytes : 0);
    if (!packed) return code ? code : rv_note(hipErrorInvalidValue);
    if (code == 0 && kernel) kernel->doubt = now;
    return code;
}

static int launch_stub(struct launch l, const void *stub) {
    int code = rv_function_of(stub, &l.function);
    return code ? rv_note(code) : launch(&l);
}

static int launch_function(struct launch l, hipFunction_t function) {
    if (!function) return rv_note(hipErrorInvalidHandle);
    l.function = RV_N(function);
    return launch(&l);
}

/* ---- by a host stub */

RV_API hipError_t hipLaunchKernel(const void *stub, dim3 grid, dim3 block, void **params, size_t shared,
                                  hipStream_t stream) {
    struct launch l = {RV_CALL_hipLaunchKernel, 0, grid, block, shared, stream, .params = params};
    return launch_stub(l, stub);
}

RV_API hipError_t hipLaunchKernel_spt(const void *stub, dim3 grid, dim3 block, void **params, size_t shared,
                                      hipStream_t stream) {
    return hipLaunchKernel(stub, grid, block, params, shared, rv_per_thread(stream));
}

RV_API hipError_t hipExtLaunchKernel(const void *stub, dim3 grid, dim3 block, void **params, size_t shared,
                                     hipStream_t stream, hipEvent_t start, hipEvent_t stop, int flags) {
    (void)flags; /* 1: may run out of order with others of the stream */
    struct launch l = {RV_CALL_hipExtLaunchKernel, 0, grid, block, shared, stream, start, stop, .params = params};
    return launch_stub(l, stub);
}

RV_API hipError_t hipLaunchCooperativeKernel(const void *stub, dim3 grid, dim3 block, void **params, unsigned shared,
                                             hipStream_t stream) {
    struct launch l = {RV_CALL_hipLaunchCooperativeKernel, 0, grid, block, shared, stream, .params = params};
    return launch_stub(l, stub);
}

RV_API hipError_t hipLaunchCooperativeKernel_spt(const void *stub, dim3 grid, dim3 block, void **params, uint32_t shared,
                                                 hipStream_t stream) {
    return hipLaunchCooperativeKernel(stub, grid, block, params, shared, rv_per_thread(stream));
}

/* One device, so lists of one. */
static int launch_listed(enum rv_call call, const hipLaunchParams *list, int count) {
    hipLaunchParams p;
    if (count != 1 || !list || !rv_copy_guarded(&p, list, sizeof p)) return rv_note(hipErrorInvalidValue);
    struct launch l = {call, 0, p.gridDim, p.blockDim, p.sharedMem, p.stream, .params = p.args};
    return launch_stub(l, p.func);
}

RV_API hipError_t hipLaunchCooperativeKernelMultiDevice(hipLaunchParams *list, int count, unsigned flags) {
    (void)flags; /* of how devices wait for one another */
    return launch_listed(RV_CALL_hipLaunchCooperativeKernel, list, count);
}

RV_API hipError_t hipExtLaunchMultiKernelMultiDevice(hipLaunchParams *list, int count, unsigned flags) {
    (void)flags;
    return launch_listed(RV_CALL_hipLaunchKernel, list, count);
}

/* What attributes ask for: false, where one cannot be read. */
static bool read_attributes(const hipLaunchAttribute *attributes, unsigned count, bool *cooperative) {
    for (unsigned i = 0; i < count; i++) {
        hipLaunchAttribute attribute;
        if (!rv_copy_guarded(&attribute, attributes + i, sizeof attribute)) return false;
        if (attribute.id == 2) *cooperative = attribute.value.cooperative != 0;
    }
    return true;
}

RV_API hipError_t hipLaunchKernelExC(const hipLaunchConfig_t *config, const void *stub, void **params) {
    hipLaunchConfig_t c;
    bool cooperative = false;
    if (!config || !rv_copy_guarded(&c, config, sizeof c) || !read_attributes(c.attrs, c.numAttrs, &cooperative))
        return rv_note(hipErrorInvalidValue);
    enum rv_call call = cooperative ? RV_CALL_hipLaunchCooperativeKernel : RV_CALL_hipLaunchKernel;
    struct launch l = {call, 0, c.gridDim, c.blockDim, c.dynamicSmemBytes, c.stream, .params = params};
    return launch_stub(l, stub);
}

/* ---- by a function's handle */

RV_API hipError_t hipModuleLaunchKernel(hipFunction_t function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                                        hipStream_t stream, void **params, void **extra) {
    struct launch l = {RV_CALL_hipModuleLaunchKernel, 0, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared,
                       stream, .params = params, .extra = extra};
    return launch_function(l, function);
}

RV_API hipError_t hipModuleLaunchCooperativeKernel(hipFunction_t function, unsigned grid_x, unsigned grid_y,
                                                   unsigned grid_z, unsigned block_x, unsigned block_y,
                                                   unsigned block_z, unsigned shared, hipStream_t stream, void **params) {
    struct launch l = {RV_CALL_hipModuleLaunchCooperativeKernel, 0, {grid_x, grid_y, grid_z},
                       {block_x, block_y, block_z}, shared, stream, .params = params};
    return launch_function(l, function);
}

RV_API hipError_t hipModuleLaunchCooperativeKernelMultiDevice(hipFunctionLaunchParams *list, unsigned count,
                                                              unsigned flags) {
    (void)flags;
    hipFunctionLaunchParams p;
    if (count != 1 || !list || !rv_copy_guarded(&p, list, sizeof p)) return rv_note(hipErrorInvalidValue);
    return hipModuleLaunchCooperativeKernel(p.function, p.gridDimX, p.gridDimY, p.gridDimZ, p.blockDimX, p.blockDimY,
                                            p.blockDimZ, p.sharedMemBytes, p.hStream, p.kernelParams);
}

RV_API hipError_t hipDrvLaunchKernelEx(const HIP_LAUNCH_CONFIG *config, hipFunction_t function, void **params,
                                       void **extra) {
    HIP_LAUNCH_CONFIG c;
    bool cooperative = false;
    if (!config || !rv_copy_guarded(&c, config, sizeof c) || !read_attributes(c.attrs, c.numAttrs, &cooperative))
        return rv_note(hipErrorInvalidValue);
    enum rv_call call = cooperative ? RV_CALL_hipModuleLaunchCooperativeKernel : RV_CALL_hipModuleLaunchKernel;
    struct launch l = {call, 0, {c.gridDimX, c.gridDimY, c.gridDimZ}, {c.blockDimX, c.blockDimY, c.blockDimZ},
                       c.sharedMemBytes, c.hStream, .params = params, .extra = extra};
    return launch_function(l, function);
}

/* The grid is counted in work-items here, as OpenCL does. */
static void divide(struct launch *l) {
    dim3 g = l->grid, b = l->block;
    if (!b.x || !b.y || !b.z) return;
    l->items = g.x % b.x || g.y % b.y || g.z % b.z;
    if (!l->items) l->grid = (dim3){g.x / b.x, g.y / b.y, g.z / b.z};
}

RV_API hipError_t hipExtModuleLaunchKernel(hipFunction_t function, uint32_t items_x, uint32_t items_y, uint32_t items_z,
                                           uint32_t block_x, uint32_t block_y, uint32_t block_z, size_t shared,
                                           hipStream_t stream, void **params, void **extra, hipEvent_t start,
                                           hipEvent_t stop, uint32_t flags) {
    (void)flags;
    struct launch l = {RV_CALL_hipExtModuleLaunchKernel, 0, {items_x, items_y, items_z}, {block_x, block_y, block_z},
                       shared, stream, start, stop, .params = params, .extra = extra};
    divide(&l);
    return launch_function(l, function);
}
