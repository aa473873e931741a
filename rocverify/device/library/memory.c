/* Allocating and freeing. Device memory is addresses only; pinned and managed memory are pages of a file that the
 * device process holds too, mapped here at the same address. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"
#include "map.h"

#define PAGE ((uint64_t)4096)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rv_map sizes; /* of mapped pinned and managed memory, by its address */

void rv_shared_forget(void) {
    pthread_mutex_lock(&lock);
    rv_map_clear(&sizes, NULL);
    pthread_mutex_unlock(&lock);
}

static uint64_t whole_pages(uint64_t size) {
    return (size + PAGE - 1) / PAGE * PAGE;
}

static bool map_shared(uint64_t address, uint64_t size) {
    void *at = (void *)(uintptr_t)address;
    if (!rv_is_shared(at) || size > rv_client.welcome.shared_bytes) return false;
    uint64_t offset = address - rv_client.welcome.shared_start;
    int flags = MAP_SHARED | MAP_FIXED;
    if (mmap(at, whole_pages(size), PROT_READ | PROT_WRITE, flags, rv_client.shared, (off_t)offset) == at) return true;
    rv_say("%llu bytes of pinned memory cannot be mapped (%s)", (unsigned long long)size, strerror(errno));
    return false;
}

void rv_map_shared(uint64_t address, uint64_t size) {
    if (!address || !size || !map_shared(address, size)) return;
    pthread_mutex_lock(&lock);
    rv_map_put(&sizes, address, (void *)(uintptr_t)size);
    pthread_mutex_unlock(&lock);
}

void rv_unmap_shared(uint64_t address, uint64_t size) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    mmap((void *)(uintptr_t)address, whole_pages(size), PROT_NONE, flags, -1, 0);
}

/* ---- allocating */

static int allocate(void **pointer, enum rv_call call, const uint64_t *args, unsigned nargs, bool shared) {
    if (!pointer) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = rv_call(&reply, call, args, nargs, NULL, 0);
    if (code) return code;
    if (shared) rv_map_shared(reply.values[0], args[0]);
    *pointer = (void *)(uintptr_t)reply.values[0];
    return 0;
}

RV_API hipError_t hipMalloc(void **pointer, size_t size) {
    return allocate(pointer, RV_CALL_hipMalloc, RV_ARGS(size), false);
}

RV_API hipError_t hipExtMallocWithFlags(void **pointer, size_t size, unsigned flags) {
    return allocate(pointer, RV_CALL_hipExtMallocWithFlags, RV_ARGS(size, flags), false);
}

RV_API hipError_t hipMallocManaged(void **pointer, size_t size, unsigned flags) {
    return allocate(pointer, RV_CALL_hipMallocManaged, RV_ARGS(size, flags), true);
}

RV_API hipError_t hipHostMalloc(void **pointer, size_t size, unsigned flags) {
    return allocate(pointer, RV_CALL_hipHostMalloc, RV_ARGS(size, flags), true);
}

RV_API hipError_t hipHostAlloc(void **pointer, size_t size, unsigned flags) {
    return hipHostMalloc(pointer, size, flags);
}

RV_API hipError_t hipMallocHost(void **pointer, size_t size) {
    return hipHostMalloc(pointer, size, 0);
}

RV_API hipError_t hipMemAllocHost(void **pointer, size_t size) {
    return hipHostMalloc(pointer, size, 0);
}

static int allocate_pitch(void **pointer, size_t *pitch, size_t width, size_t rows) {
    if (!pointer || !pitch) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipMallocPitch, width, rows);
    if (code) return code;
    *pointer = (void *)(uintptr_t)reply.values[0];
    *pitch = reply.values[1];
    return 0;
}

RV_API hipError_t hipMallocPitch(void **pointer, size_t *pitch, size_t width, size_t height) {
    return allocate_pitch(pointer, pitch, width, height);
}

RV_API hipError_t hipMemAllocPitch(hipDeviceptr_t *pointer, size_t *pitch, size_t width, size_t height, unsigned element) {
    (void)element; /* rows begin where elements of any size may */
    return allocate_pitch(pointer, pitch, width, height);
}

RV_API hipError_t hipMalloc3D(hipPitchedPtr *pitched, hipExtent extent) {
    if (!pitched) return rv_note(hipErrorInvalidValue);
    size_t slices = extent.depth ? extent.depth : 1;
    if (extent.height && slices > SIZE_MAX / extent.height) return rv_note(hipErrorOutOfMemory);
    hipPitchedPtr made = {.xsize = extent.width, .ysize = extent.height};
    int code = allocate_pitch(&made.ptr, &made.pitch, extent.width, extent.height * slices);
    if (code == 0) *pitched = made;
    return code;
}

/* ---- freeing */

/* The pages go when the device process has done what was queued with them. */
static int release(enum rv_call call, void *pointer) {
    int code = rv_call(NULL, call, RV_ARGS(RV_N(pointer)), NULL, 0);
    if (code || !rv_is_shared(pointer)) return code;
    pthread_mutex_lock(&lock);
    uint64_t size = RV_N(rv_map_remove(&sizes, RV_N(pointer)));
    pthread_mutex_unlock(&lock);
    if (size) rv_unmap_shared(RV_N(pointer), size);
    return 0;
}

RV_API hipError_t hipFree(void *pointer) {
    return release(RV_CALL_hipFree, pointer);
}

RV_API hipError_t hipHostFree(void *pointer) {
    return release(RV_CALL_hipHostFree, pointer);
}

RV_API hipError_t hipFreeHost(void *pointer) {
    return release(RV_CALL_hipHostFree, pointer);
}
