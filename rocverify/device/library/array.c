/* Arrays: memory of the device whose rows the runtime lays out. What an array is made of is kept here by its handle. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum {
    KIND_SIGNED, KIND_UNSIGNED, KIND_FLOAT, KIND_NONE, /* hipChannelFormatKind */
    FORMAT_UINT8 = 0x01, FORMAT_UINT16, FORMAT_UINT32, /* hipArray_Format */
    FORMAT_INT8 = 0x08, FORMAT_INT16, FORMAT_INT32,
    FORMAT_HALF = 0x10,
    FORMAT_FLOAT = 0x20,
    ARRAY_FLAGS = 0x0f, /* layered, surface, cube map, gather */
    HASH = 256,
};

struct array {
    struct array *next;
    const void *handle;
    uint32_t connection;
    hipChannelFormatDesc desc;
    unsigned flags;
    size_t width, height, depth; /* as the program asked: 0 where the array has no such axis */
    struct rv_array memory;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct array *arrays[HASH];

static struct array **place_of(const void *handle) {
    struct array **link = &arrays[((uintptr_t)handle >> 4 ^ (uintptr_t)handle >> 12) % HASH];
    while (*link && ((*link)->handle != handle || (*link)->connection != rv_connection())) link = &(*link)->next;
    return link;
}

static void remember(struct array *array) {
    array->connection = rv_connection();
    pthread_mutex_lock(&lock);
    array->next = NULL;
    *place_of(array->handle) = array;
    pthread_mutex_unlock(&lock);
}

static void forget(const void *handle) {
    pthread_mutex_lock(&lock);
    struct array **link = place_of(handle), *gone = *link;
    if (gone) *link = gone->next;
    pthread_mutex_unlock(&lock);
    free(gone);
}

/* A copy of what is known of an array. */
static bool find(const void *handle, struct array *found) {
    if (!handle || rv_connection() == 0) return false;
    pthread_mutex_lock(&lock);
    struct array *array = *place_of(handle);
    if (array) *found = *array;
    pthread_mutex_unlock(&lock);
    return array != NULL;
}

bool rv_array_memory(const void *handle, struct rv_array *memory) {
    struct array array;
    if (!find(handle, &array)) return false;
    *memory = array.memory;
    return true;
}

/* ---- formats */

static unsigned bytes_of_format(int format) {
    switch (format) {
    case FORMAT_UINT8: case FORMAT_INT8: return 1;
    case FORMAT_UINT16: case FORMAT_INT16: case FORMAT_HALF: return 2;
    case FORMAT_UINT32: case FORMAT_INT32: case FORMAT_FLOAT: return 4;
    default: return 0;
    }
}

static int kind_of_format(int format) {
    if (format >= FORMAT_HALF) return KIND_FLOAT;
    return format >= FORMAT_INT8 ? KIND_SIGNED : KIND_UNSIGNED;
}

/* False: not a format. */
static bool desc_of_format(int format, unsigned channels, hipChannelFormatDesc *desc) {
    int bits = (int)bytes_of_format(format) * 8;
    if (!bits || (channels != 1 && channels != 2 && channels != 4)) return false;
    *desc = (hipChannelFormatDesc){bits, channels > 1 ? bits : 0, channels > 2 ? bits : 0, channels > 3 ? bits : 0,
                                   kind_of_format(format)};
    return true;
}

static unsigned channels_of(const hipChannelFormatDesc *desc) {
    return (desc->x > 0) + (desc->y > 0) + (desc->z > 0) + (desc->w > 0);
}

static int format_of(const hipChannelFormatDesc *desc) {
    int step = desc->x == 8 ? 0 : desc->x == 16 ? 1 : 2;
    if (desc->f == KIND_FLOAT) return desc->x == 16 ? FORMAT_HALF : FORMAT_FLOAT;
    return (desc->f == KIND_SIGNED ? FORMAT_INT8 : FORMAT_UINT8) + step;
}

/* Bytes of an element, 0 where a descriptor is none that arrays can have. */
static size_t element_bytes(const hipChannelFormatDesc *desc) {
    int x = desc->x;
    bool alike = (!desc->y || desc->y == x) && (!desc->z || desc->z == x) && (!desc->w || desc->w == x);
    bool gapless = (desc->y || !desc->z) && (desc->z || !desc->w);
    if ((x != 8 && x != 16 && x != 32) || !alike || !gapless || desc->f < KIND_SIGNED || desc->f >= KIND_NONE) return 0;
    if (desc->f == KIND_FLOAT && x == 8) return 0;
    return (size_t)x / 8 * channels_of(desc);
}

RV_API hipChannelFormatDesc hipCreateChannelDesc(int x, int y, int z, int w, int kind) {
    return (hipChannelFormatDesc){x, y, z, w, kind};
}

/* ---- made and freed */

static int make(hipArray_t *handle, const hipChannelFormatDesc *desc, hipExtent extent, unsigned flags) {
    size_t element = element_bytes(desc);
    if (!element || !extent.width || flags & ~(unsigned)ARRAY_FLAGS) return rv_note(hipErrorInvalidValue);
    struct array *array = malloc(sizeof *array);
    if (!array) return rv_note(hipErrorOutOfMemory);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipMallocArray, element, extent.width, extent.height, extent.depth, RV_N(flags));
    uint64_t made = reply.values[0];
    if (code == hipSuccess) code = RV_CALL_INTO(&reply, hipArrayGetInfo, made);
    if (code) {
        free(array);
        return code;
    }
    *array = (struct array){
        .handle = (void *)made, .desc = *desc, .flags = flags,
        .width = extent.width, .height = extent.height, .depth = extent.depth,
        .memory = {
            .element = element, .width = extent.width,
            .height = extent.height ? extent.height : 1, .depth = extent.depth ? extent.depth : 1,
            .pitch = reply.values[4], .address = reply.values[5],
        },
    };
    remember(array);
    *handle = (hipArray_t)made;
    return hipSuccess;
}

RV_API hipError_t hipMallocArray(hipArray_t *array, const hipChannelFormatDesc *desc, size_t width, size_t height,
                                 unsigned flags) {
    if (!array || !desc) return rv_note(hipErrorInvalidValue);
    return make(array, desc, (hipExtent){width, height, 0}, flags);
}

RV_API hipError_t hipMalloc3DArray(hipArray_t *array, const hipChannelFormatDesc *desc, hipExtent extent,
                                   unsigned flags) {
    if (!array || !desc) return rv_note(hipErrorInvalidValue);
    return make(array, desc, extent, flags);
}

RV_API hipError_t hipArrayCreate(hipArray_t *array, const HIP_ARRAY_DESCRIPTOR *wanted) {
    hipChannelFormatDesc desc;
    if (!array || !wanted || !desc_of_format(wanted->Format, wanted->NumChannels, &desc))
        return rv_note(hipErrorInvalidValue);
    return make(array, &desc, (hipExtent){wanted->Width, wanted->Height, 0}, 0);
}

RV_API hipError_t hipArray3DCreate(hipArray_t *array, const HIP_ARRAY3D_DESCRIPTOR *wanted) {
    hipChannelFormatDesc desc;
    if (!array || !wanted || !desc_of_format(wanted->Format, wanted->NumChannels, &desc))
        return rv_note(hipErrorInvalidValue);
    return make(array, &desc, (hipExtent){wanted->Width, wanted->Height, wanted->Depth}, wanted->Flags);
}

RV_API hipError_t hipFreeArray(hipArray_t array) {
    if (!array) return rv_note(hipErrorInvalidValue);
    int code = RV_CALL(hipFreeArray, RV_N(array));
    if (code == hipSuccess) forget(array);
    return code;
}

RV_API hipError_t hipArrayDestroy(hipArray_t array) {
    return hipFreeArray(array);
}

/* ---- what an array is */

RV_API hipError_t hipGetChannelDesc(hipChannelFormatDesc *desc, hipArray_const_t array) {
    struct array found;
    if (!desc) return rv_note(hipErrorInvalidValue);
    if (!find(array, &found)) return rv_note(hipErrorInvalidHandle);
    *desc = found.desc;
    return hipSuccess;
}

RV_API hipError_t hipArrayGetInfo(hipChannelFormatDesc *desc, hipExtent *extent, unsigned *flags, hipArray_t array) {
    struct array found;
    if (!find(array, &found)) return rv_note(hipErrorInvalidHandle);
    if (desc) *desc = found.desc;
    if (extent) *extent = (hipExtent){found.width, found.height, found.depth};
    if (flags) *flags = found.flags;
    return hipSuccess;
}

RV_API hipError_t hipArrayGetDescriptor(HIP_ARRAY_DESCRIPTOR *result, hipArray_t array) {
    struct array found;
    if (!result) return rv_note(hipErrorInvalidValue);
    if (!find(array, &found)) return rv_note(hipErrorInvalidHandle);
    *result = (HIP_ARRAY_DESCRIPTOR){found.width, found.height, format_of(&found.desc), channels_of(&found.desc)};
    return hipSuccess;
}

RV_API hipError_t hipArray3DGetDescriptor(HIP_ARRAY3D_DESCRIPTOR *result, hipArray_t array) {
    struct array found;
    if (!result) return rv_note(hipErrorInvalidValue);
    if (!find(array, &found)) return rv_note(hipErrorInvalidHandle);
    *result = (HIP_ARRAY3D_DESCRIPTOR){found.width, found.height, found.depth, format_of(&found.desc),
                                       channels_of(&found.desc), found.flags};
    return hipSuccess;
}
