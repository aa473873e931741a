/* Streams: made, destroyed, waited for, and what is put into them beside launches and copies. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "internal.h"

enum { STREAM_FLAGS = 0x1, WAIT_FLAGS = 0x3 };

static bool is_default(hipStream_t stream) {
    return (uintptr_t)stream <= (uintptr_t)hipStreamPerThread;
}

/* Takes the new stream out of a reply. */
static int made(int code, const rv_reply *reply, hipStream_t *stream) {
    if (code) return code;
    *stream = (hipStream_t)reply->values[0];
    rv_remember(RV_STREAM, *stream);
    return hipSuccess;
}

RV_API hipError_t hipStreamCreate(hipStream_t *stream) {
    if (!stream) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return made(RV_CALL_INTO(&reply, hipStreamCreate), &reply, stream);
}

RV_API hipError_t hipStreamCreateWithFlags(hipStream_t *stream, unsigned flags) {
    if (!stream || flags & ~(unsigned)STREAM_FLAGS) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return made(RV_CALL_INTO(&reply, hipStreamCreateWithFlags, RV_N(flags)), &reply, stream);
}

RV_API hipError_t hipStreamCreateWithPriority(hipStream_t *stream, unsigned flags, int priority) {
    if (!stream || flags & ~(unsigned)STREAM_FLAGS) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipStreamCreateWithPriority, RV_N(flags), RV_S(priority));
    return made(code, &reply, stream);
}

RV_API hipError_t hipDeviceGetStreamPriorityRange(int *least, int *greatest) {
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipDeviceGetStreamPriorityRange);
    if (code) return code;
    if (least) *least = (int)reply.values[0];
    if (greatest) *greatest = (int)reply.values[1];
    return hipSuccess;
}

/* ---- streams of some compute units: the mask is kept, and all units are used */

struct masked {
    struct masked *next;
    hipStream_t stream;
    uint32_t words;
    uint32_t mask[];
};

static pthread_mutex_t masked_lock = PTHREAD_MUTEX_INITIALIZER;
static struct masked *masked_streams;

RV_API hipError_t hipExtStreamCreateWithCUMask(hipStream_t *stream, uint32_t words, const uint32_t *mask) {
    if (!stream || !words || !mask) return rv_note(hipErrorInvalidValue);
    struct masked *kept = malloc(sizeof *kept + (size_t)words * 4);
    if (!kept) return rv_note(hipErrorOutOfMemory);
    int code = rv_copy_guarded(kept->mask, mask, (size_t)words * 4) ? hipStreamCreate(stream)
                                                                    : rv_note(hipErrorInvalidValue);
    if (code) {
        free(kept);
        return code;
    }
    kept->stream = *stream;
    kept->words = words;
    pthread_mutex_lock(&masked_lock);
    kept->next = masked_streams;
    masked_streams = kept;
    pthread_mutex_unlock(&masked_lock);
    return hipSuccess;
}

static void forget_mask(hipStream_t stream) {
    pthread_mutex_lock(&masked_lock);
    for (struct masked **link = &masked_streams; *link; link = &(*link)->next) {
        struct masked *kept = *link;
        if (kept->stream != stream) continue;
        *link = kept->next;
        free(kept);
        break;
    }
    pthread_mutex_unlock(&masked_lock);
}

RV_API hipError_t hipExtStreamGetCUMask(hipStream_t stream, uint32_t words, uint32_t *mask) {
    if (!words || !mask) return rv_note(hipErrorInvalidValue);
    if (!rv_known_stream(stream)) return rv_note(hipErrorInvalidHandle);
    memset(mask, 0xff, (size_t)words * 4);
    pthread_mutex_lock(&masked_lock);
    for (struct masked *kept = masked_streams; kept; kept = kept->next)
        if (kept->stream == stream) {
            memset(mask, 0, (size_t)words * 4);
            memcpy(mask, kept->mask, 4 * (size_t)(words < kept->words ? words : kept->words));
        }
    pthread_mutex_unlock(&masked_lock);
    return hipSuccess;
}

RV_API hipError_t hipStreamDestroy(hipStream_t stream) {
    if (is_default(stream)) return rv_note(hipErrorInvalidHandle);
    int code = RV_CALL(hipStreamDestroy, RV_N(stream));
    rv_forget(RV_STREAM, stream);
    forget_mask(stream);
    return code;
}

/* ---- waiting, and what a stream is */

RV_API hipError_t hipStreamSynchronize(hipStream_t stream) {
    return RV_CALL(hipStreamSynchronize, RV_N(stream));
}

RV_API hipError_t hipStreamSynchronize_spt(hipStream_t stream) {
    return hipStreamSynchronize(rv_per_thread(stream));
}

RV_API hipError_t hipStreamQuery(hipStream_t stream) {
    return RV_CALL(hipStreamQuery, RV_N(stream));
}

RV_API hipError_t hipStreamQuery_spt(hipStream_t stream) {
    return hipStreamQuery(rv_per_thread(stream));
}

RV_API hipError_t hipStreamWaitEvent(hipStream_t stream, hipEvent_t event, unsigned flags) {
    if (!event) return rv_note(hipErrorInvalidHandle);
    bool sure = rv_known_stream(stream) && rv_known_event(event) && flags == 0;
    return RV_QUEUE(sure, hipStreamWaitEvent, RV_N(stream), RV_N(event), RV_N(flags));
}

RV_API hipError_t hipStreamWaitEvent_spt(hipStream_t stream, hipEvent_t event, unsigned flags) {
    return hipStreamWaitEvent(rv_per_thread(stream), event, flags);
}

RV_API hipError_t hipStreamGetFlags(hipStream_t stream, unsigned *flags) {
    return RV_GET(flags, hipStreamGetFlags, RV_N(stream));
}

RV_API hipError_t hipStreamGetFlags_spt(hipStream_t stream, unsigned *flags) {
    return hipStreamGetFlags(rv_per_thread(stream), flags);
}

RV_API hipError_t hipStreamGetPriority(hipStream_t stream, int *priority) {
    return RV_GET(priority, hipStreamGetPriority, RV_N(stream));
}

RV_API hipError_t hipStreamGetPriority_spt(hipStream_t stream, int *priority) {
    return hipStreamGetPriority(rv_per_thread(stream), priority);
}

RV_API hipError_t hipStreamGetDevice(hipStream_t stream, hipDevice_t *device) {
    return RV_GET(device, hipStreamGetDevice, RV_N(stream));
}

RV_API int hipGetStreamDeviceId(hipStream_t stream) {
    int device;
    return hipStreamGetDevice(stream, &device) == hipSuccess ? device : -1;
}

RV_API hipError_t hipStreamGetId(hipStream_t stream, unsigned long long *id) {
    if (!id) return rv_note(hipErrorInvalidValue);
    if (!rv_known_stream(stream)) return rv_note(hipErrorInvalidHandle);
    *id = (uintptr_t)stream;
    return hipSuccess;
}

/* ---- the host's functions in a stream */

RV_API hipError_t hipStreamAddCallback(hipStream_t stream, hipStreamCallback_t callback, void *user, unsigned flags) {
    if (!callback || flags) return rv_note(hipErrorInvalidValue);
    return rv_host_function_queued(RV_QUEUE(rv_known_stream(stream), hipStreamAddCallback, RV_N(stream),
                                            RV_N(callback), RV_N(user), RV_N(flags)));
}

RV_API hipError_t hipStreamAddCallback_spt(hipStream_t stream, hipStreamCallback_t callback, void *user,
                                           unsigned flags) {
    return hipStreamAddCallback(rv_per_thread(stream), callback, user, flags);
}

RV_API hipError_t hipLaunchHostFunc(hipStream_t stream, hipHostFn_t function, void *user) {
    if (!function) return rv_note(hipErrorInvalidValue);
    return rv_host_function_queued(
        RV_QUEUE(rv_known_stream(stream), hipLaunchHostFunc, RV_N(stream), RV_N(function), RV_N(user)));
}

RV_API hipError_t hipLaunchHostFunc_spt(hipStream_t stream, hipHostFn_t function, void *user) {
    return hipLaunchHostFunc(rv_per_thread(stream), function, user);
}

/* ---- numbers in memory that a stream waits for, or writes */

static bool is_sure(hipStream_t stream, const void *address) {
    return rv_known_stream(stream) && (rv_is_device(address) || rv_is_shared(address));
}

RV_API hipError_t hipStreamWaitValue32(hipStream_t stream, void *address, uint32_t value, unsigned flags,
                                       uint32_t mask) {
    if (!address || flags > WAIT_FLAGS) return rv_note(hipErrorInvalidValue);
    return RV_QUEUE(is_sure(stream, address), hipStreamWaitValue32, RV_N(stream), RV_N(address), RV_N(value),
                    RV_N(flags), RV_N(mask));
}

RV_API hipError_t hipStreamWaitValue64(hipStream_t stream, void *address, uint64_t value, unsigned flags,
                                       uint64_t mask) {
    if (!address || flags > WAIT_FLAGS) return rv_note(hipErrorInvalidValue);
    return RV_QUEUE(is_sure(stream, address), hipStreamWaitValue64, RV_N(stream), RV_N(address), RV_N(value),
                    RV_N(flags), RV_N(mask));
}

RV_API hipError_t hipStreamWriteValue32(hipStream_t stream, void *address, uint32_t value, unsigned flags) {
    if (!address) return rv_note(hipErrorInvalidValue);
    return RV_QUEUE(is_sure(stream, address), hipStreamWriteValue32, RV_N(stream), RV_N(address), RV_N(value),
                    RV_N(flags));
}

RV_API hipError_t hipStreamWriteValue64(hipStream_t stream, void *address, uint64_t value, unsigned flags) {
    if (!address) return rv_note(hipErrorInvalidValue);
    return RV_QUEUE(is_sure(stream, address), hipStreamWriteValue64, RV_N(stream), RV_N(address), RV_N(value),
                    RV_N(flags));
}

typedef union { /* hipStreamBatchMemOpParams of ROCm 7 */
    int operation;
    struct {
        int operation;
        void *address;
        union { uint32_t value; uint64_t value64; };
        unsigned flags;
        void *alias;
    } value;
    uint64_t pad[6];
} hipStreamBatchMemOpParams;

enum { OP_WAIT_32 = 1, OP_WRITE_32 = 2, OP_FLUSH = 3, OP_WAIT_64 = 4, OP_WRITE_64 = 5, OP_BARRIER = 6 };

RV_API hipError_t hipStreamBatchMemOp(hipStream_t stream, unsigned count, hipStreamBatchMemOpParams *operations,
                                      unsigned flags) {
    if (!count || count > 256 || !operations || flags) return rv_note(hipErrorInvalidValue);
    int code = hipSuccess;
    for (unsigned i = 0; i < count && code == hipSuccess; i++) {
        const hipStreamBatchMemOpParams *one = &operations[i];
        switch (one->operation) {
        case OP_WAIT_32:
            code = hipStreamWaitValue32(stream, one->value.address, one->value.value, one->value.flags, UINT32_MAX);
            break;
        case OP_WAIT_64:
            code = hipStreamWaitValue64(stream, one->value.address, one->value.value64, one->value.flags, UINT64_MAX);
            break;
        case OP_WRITE_32:
            code = hipStreamWriteValue32(stream, one->value.address, one->value.value, 0);
            break;
        case OP_WRITE_64:
            code = hipStreamWriteValue64(stream, one->value.address, one->value.value64, 0);
            break;
        case OP_FLUSH: /* work of a stream is visible to what follows in it anyway */
        case OP_BARRIER:
            break;
        default:
            code = rv_note(hipErrorInvalidValue);
        }
    }
    return code;
}

RV_API hipError_t hipStreamAttachMemAsync(hipStream_t stream, void *address, size_t length, unsigned flags) {
    (void)length; /* an allocation is attached as a whole; here each is visible to all streams always */
    if (!address || (flags != 1 && flags != 2 && flags != 4)) return rv_note(hipErrorInvalidValue);
    if (!rv_known_stream(stream)) return rv_note(hipErrorInvalidHandle);
    return rv_is_shared(address) ? hipSuccess : rv_note(hipErrorInvalidValue);
}
