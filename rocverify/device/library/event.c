/* Events. */
#include <string.h>

#include "client.h"

/* Blocking waits, no timing, another process's, and the scopes of release. */
#define EVENT_FLAGS (0x1u | 0x2u | 0x4u | 0x20000000u | 0x40000000u | 0x80000000u)
#define EVENT_RELEASES (0x40000000u | 0x80000000u)

enum { EVENT_NO_TIMING = 0x2, EVENT_INTERPROCESS = 0x4, RECORD_EXTERNAL = 0x1 };

static int made(int code, const rv_reply *reply, hipEvent_t *event) {
    if (code) return code;
    *event = (hipEvent_t)reply->values[0];
    rv_remember(RV_EVENT, *event);
    return hipSuccess;
}

RV_API hipError_t hipEventCreate(hipEvent_t *event) {
    if (!event) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return made(RV_CALL_INTO(&reply, hipEventCreate), &reply, event);
}

RV_API hipError_t hipEventCreateWithFlags(hipEvent_t *event, unsigned flags) {
    if (!event || flags & ~EVENT_FLAGS || (flags & EVENT_RELEASES) == EVENT_RELEASES ||
        (flags & EVENT_INTERPROCESS && !(flags & EVENT_NO_TIMING)))
        return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    return made(RV_CALL_INTO(&reply, hipEventCreateWithFlags, RV_N(flags)), &reply, event);
}

RV_API hipError_t hipEventDestroy(hipEvent_t event) {
    if (!event) return rv_note(hipErrorInvalidHandle);
    int code = RV_CALL(hipEventDestroy, RV_N(event));
    rv_forget(RV_EVENT, event);
    return code;
}

RV_API hipError_t hipEventRecord(hipEvent_t event, hipStream_t stream) {
    if (!event) return rv_note(hipErrorInvalidHandle);
    return RV_QUEUE(rv_known_event(event) && rv_known_stream(stream), hipEventRecord, RV_N(event), RV_N(stream));
}

RV_API hipError_t hipEventRecord_spt(hipEvent_t event, hipStream_t stream) {
    return hipEventRecord(event, stream ? stream : hipStreamPerThread);
}

RV_API hipError_t hipEventRecordWithFlags(hipEvent_t event, hipStream_t stream, unsigned flags) {
    if (flags & ~(unsigned)RECORD_EXTERNAL) return rv_note(hipErrorInvalidValue);
    return hipEventRecord(event, stream);
}

RV_API hipError_t hipEventSynchronize(hipEvent_t event) {
    return event ? RV_CALL(hipEventSynchronize, RV_N(event)) : rv_note(hipErrorInvalidHandle);
}

RV_API hipError_t hipEventQuery(hipEvent_t event) {
    return event ? RV_CALL(hipEventQuery, RV_N(event)) : rv_note(hipErrorInvalidHandle);
}

RV_API hipError_t hipEventElapsedTime(float *milliseconds, hipEvent_t start, hipEvent_t stop) {
    if (!milliseconds) return rv_note(hipErrorInvalidValue);
    if (!start || !stop) return rv_note(hipErrorInvalidHandle);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipEventElapsedTime, RV_N(start), RV_N(stop));
    if (code) return code;
    uint32_t bits = (uint32_t)reply.values[0];
    memcpy(milliseconds, &bits, sizeof bits);
    return hipSuccess;
}
