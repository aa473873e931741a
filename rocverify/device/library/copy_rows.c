/* Copies of rows: 2D, 3D, and of arrays, whose memory is rows too. */
#include <string.h>

#include "copy.h"

static int finished(int code) {
    return code ? code : RV_CALL(hipStreamSynchronize, RV_N(hipStreamPerThread));
}

static int later(enum rv_call call, const uint64_t *args, unsigned nargs, uint64_t to, uint64_t from, int kind,
                 hipStream_t stream) {
    bool sure = rv_copy_is_sure((const void *)(uintptr_t)to, (const void *)(uintptr_t)from, kind, stream);
    return rv_queue(sure, call, args, nargs, NULL, 0);
}

/* ---- 2D */

RV_API hipError_t hipMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              int kind) {
    return RV_CALL(hipMemcpy2D, RV_N(to), to_pitch, RV_N(from), from_pitch, width, height, RV_S(kind));
}

RV_API hipError_t hipMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                                   size_t height, int kind, hipStream_t stream) {
    return later(RV_CALL_hipMemcpy2DAsync,
                 RV_ARGS(RV_N(to), to_pitch, RV_N(from), from_pitch, width, height, RV_S(kind), RV_N(stream)),
                 RV_N(to), RV_N(from), kind, stream);
}

RV_API hipError_t hipMemcpy2D_spt(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                                  size_t height, int kind) {
    return finished(hipMemcpy2DAsync(to, to_pitch, from, from_pitch, width, height, kind, hipStreamPerThread));
}

RV_API hipError_t hipMemcpy2DAsync_spt(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                                       size_t height, int kind, hipStream_t stream) {
    return hipMemcpy2DAsync(to, to_pitch, from, from_pitch, width, height, kind, rv_per_thread(stream));
}

/* ---- one side of a copy */

struct side {
    uint64_t address, pitch, rows; /* rows from slice to slice */
    bool on_host, is_array;
    size_t element;
};

/* A place in an array, x in bytes, and whether what is to be copied lies in it. */
static bool place_in_array(const void *array, hipPos at, hipExtent bytes, struct side *side) {
    struct rv_array a;
    if (!rv_array_memory(array, &a)) return false;
    uint64_t height = a.height ? a.height : 1, depth = a.depth ? a.depth : 1;
    bool inside = at.x + bytes.width <= a.width * a.element && at.y + bytes.height <= height && at.z + bytes.depth <= depth;
    *side = (struct side){a.address + (at.z * height + at.y) * a.pitch + at.x, a.pitch, height, false, true, a.element};
    return inside || !bytes.width || !bytes.height || !bytes.depth;
}

static struct side place_in_memory(const void *start, size_t pitch, size_t rows, hipPos at, bool on_host) {
    return (struct side){RV_N(start) + (at.z * rows + at.y) * pitch + at.x, pitch, rows, on_host, false, 1};
}

static int kind_between(const struct side *to, const struct side *from) {
    if (to->on_host) return from->on_host ? hipMemcpyHostToHost : hipMemcpyDeviceToHost;
    return from->on_host ? hipMemcpyHostToDevice : hipMemcpyDeviceToDevice;
}

static void fill_box(struct rv_box *box, const struct side *to, const struct side *from, hipExtent bytes, int kind) {
    *box = (struct rv_box){to->address, to->pitch, to->rows, from->address, from->pitch, from->rows,
                           bytes.width, bytes.height, bytes.depth, RV_S(kind)};
}

static int copy_box(const struct rv_box *box, hipStream_t stream, bool queued) {
    uint64_t args[RV_BOX_WORDS + 1];
    memcpy(args, box, sizeof *box);
    args[RV_BOX_WORDS] = RV_N(stream);
    if (queued)
        return later(RV_CALL_hipMemcpy3DAsync, args, RV_BOX_WORDS + 1, box->to, box->from, (int)(int64_t)box->kind, stream);
    return rv_call(NULL, RV_CALL_hipMemcpy3D, args, RV_BOX_WORDS, NULL, 0);
}

static int copy_plane(const struct side *to, const struct side *from, hipExtent bytes, int kind, hipStream_t stream,
                      bool queued) {
    void *target = (void *)(uintptr_t)to->address;
    const void *source = (const void *)(uintptr_t)from->address;
    if (queued) return hipMemcpy2DAsync(target, to->pitch, source, from->pitch, bytes.width, bytes.height, kind, stream);
    return hipMemcpy2D(target, to->pitch, source, from->pitch, bytes.width, bytes.height, kind);
}

/* ---- 3D: places are in elements where an array is, else in bytes */

static size_t element_of(const void *array) {
    struct rv_array a;
    return array && rv_array_memory(array, &a) ? a.element : 0;
}

static bool parms_side(const void *array, hipPos at, hipPitchedPtr p, hipExtent bytes, struct side *side) {
    if ((array != NULL) == (p.ptr != NULL)) return false;
    if (array) {
        at.x *= element_of(array);
        return place_in_array(array, at, bytes, side);
    }
    *side = place_in_memory(p.ptr, p.pitch, p.ysize ? p.ysize : bytes.height, at, false);
    return true;
}

bool rv_box_of(const hipMemcpy3DParms *parms, struct rv_box *box) {
    hipMemcpy3DParms p;
    struct side to, from;
    if (!parms || !rv_copy_guarded(&p, parms, sizeof p)) return false;
    size_t element = p.srcArray ? element_of(p.srcArray) : p.dstArray ? element_of(p.dstArray) : 1;
    hipExtent bytes = {p.extent.width * element, p.extent.height, p.extent.depth};
    if (!parms_side(p.srcArray, p.srcPos, p.srcPtr, bytes, &from) || !parms_side(p.dstArray, p.dstPos, p.dstPtr, bytes, &to))
        return false;
    fill_box(box, &to, &from, bytes, p.kind);
    return true;
}

static int copy_parms(const hipMemcpy3DParms *parms, hipStream_t stream, bool queued) {
    struct rv_box box;
    return rv_box_of(parms, &box) ? copy_box(&box, stream, queued) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipMemcpy3D(const hipMemcpy3DParms *parms) {
    return copy_parms(parms, NULL, false);
}

RV_API hipError_t hipMemcpy3DAsync(const hipMemcpy3DParms *parms, hipStream_t stream) {
    return copy_parms(parms, stream, true);
}

RV_API hipError_t hipMemcpy3D_spt(const hipMemcpy3DParms *parms) {
    return finished(hipMemcpy3DAsync(parms, hipStreamPerThread));
}

RV_API hipError_t hipMemcpy3DAsync_spt(const hipMemcpy3DParms *parms, hipStream_t stream) {
    return hipMemcpy3DAsync(parms, rv_per_thread(stream));
}

static int copy_peer(const hipMemcpy3DPeerParms *parms, hipStream_t stream, bool queued) {
    hipMemcpy3DPeerParms p;
    if (!parms || !rv_copy_guarded(&p, parms, sizeof p)) return rv_note(hipErrorInvalidValue);
    if (p.srcDevice || p.dstDevice) return rv_note(hipErrorInvalidDevice); /* a program sees one */
    hipMemcpy3DParms one = {p.srcArray, p.srcPos, p.srcPtr, p.dstArray, p.dstPos, p.dstPtr, p.extent, hipMemcpyDeviceToDevice};
    return copy_parms(&one, stream, queued);
}

RV_API hipError_t hipMemcpy3DPeer(hipMemcpy3DPeerParms *parms) {
    return copy_peer(parms, NULL, false);
}

RV_API hipError_t hipMemcpy3DPeerAsync(hipMemcpy3DPeerParms *parms, hipStream_t stream) {
    return copy_peer(parms, stream, true);
}

/* ---- the driver's structures: places are in bytes, memory types name the sides */

static bool typed_side(int type, const void *host, const void *device, const void *array, size_t pitch, size_t rows, hipPos at,
                       hipExtent bytes, struct side *side) {
    type = rv_memory_type(type);
    if (type == hipMemoryTypeArray) return place_in_array(array, at, bytes, side);
    bool on_host = type == hipMemoryTypeHost;
    const void *start = on_host ? host : device;
    if (!start) return false;
    if (!pitch) pitch = at.x + bytes.width;
    *side = place_in_memory(start, pitch, rows ? rows : at.y + bytes.height, at, on_host);
    return pitch >= bytes.width;
}

static int typed_kind(int to_type, int from_type, const struct side *to, const struct side *from) {
    bool unified = rv_memory_type(to_type) == hipMemoryTypeUnified || rv_memory_type(from_type) == hipMemoryTypeUnified;
    return unified ? hipMemcpyDefault : kind_between(to, from);
}

static int copy_param_2d(const hip_Memcpy2D *copy, hipStream_t stream, bool queued) {
    hip_Memcpy2D c;
    struct side to, from;
    if (!copy || !rv_copy_guarded(&c, copy, sizeof c)) return rv_note(hipErrorInvalidValue);
    hipExtent bytes = {c.WidthInBytes, c.Height, 1};
    if (!typed_side(c.srcMemoryType, c.srcHost, c.srcDevice, c.srcArray, c.srcPitch, 0, (hipPos){c.srcXInBytes, c.srcY, 0},
                    bytes, &from) ||
        !typed_side(c.dstMemoryType, c.dstHost, c.dstDevice, c.dstArray, c.dstPitch, 0, (hipPos){c.dstXInBytes, c.dstY, 0},
                    bytes, &to))
        return rv_note(hipErrorInvalidValue);
    return copy_plane(&to, &from, bytes, typed_kind(c.dstMemoryType, c.srcMemoryType, &to, &from), stream, queued);
}

RV_API hipError_t hipMemcpyParam2D(const hip_Memcpy2D *copy) {
    return copy_param_2d(copy, NULL, false);
}

RV_API hipError_t hipMemcpyParam2DAsync(const hip_Memcpy2D *copy, hipStream_t stream) {
    return copy_param_2d(copy, stream, true);
}

RV_API hipError_t hipDrvMemcpy2DUnaligned(const hip_Memcpy2D *copy) {
    return copy_param_2d(copy, NULL, false);
}

/* ROCm 5 has its sizes in 32 bits. */
static bool read_memcpy_3d(const void *copy, HIP_MEMCPY3D *c) {
    HIP_MEMCPY3D_5 o;
    if (!copy) return false;
    if (rv_abi() != 5) return rv_copy_guarded(c, copy, sizeof *c);
    if (!rv_copy_guarded(&o, copy, sizeof o)) return false;
    *c = (HIP_MEMCPY3D){
        o.srcXInBytes, o.srcY, o.srcZ, o.srcLOD, o.srcMemoryType, o.srcHost, o.srcDevice, o.srcArray, o.srcPitch, o.srcHeight,
        o.dstXInBytes, o.dstY, o.dstZ, o.dstLOD, o.dstMemoryType, o.dstHost, o.dstDevice, o.dstArray, o.dstPitch, o.dstHeight,
        o.WidthInBytes, o.Height, o.Depth,
    };
    return true;
}

bool rv_box_of_driver(const void *copy, struct rv_box *box) {
    HIP_MEMCPY3D c;
    struct side to, from;
    if (!read_memcpy_3d(copy, &c)) return false;
    hipExtent bytes = {c.WidthInBytes, c.Height, c.Depth};
    if (!typed_side(c.srcMemoryType, c.srcHost, c.srcDevice, c.srcArray, c.srcPitch, c.srcHeight,
                    (hipPos){c.srcXInBytes, c.srcY, c.srcZ}, bytes, &from) ||
        !typed_side(c.dstMemoryType, c.dstHost, c.dstDevice, c.dstArray, c.dstPitch, c.dstHeight,
                    (hipPos){c.dstXInBytes, c.dstY, c.dstZ}, bytes, &to))
        return false;
    fill_box(box, &to, &from, bytes, typed_kind(c.dstMemoryType, c.srcMemoryType, &to, &from));
    return true;
}

static int copy_memcpy_3d(const void *copy, hipStream_t stream, bool queued) {
    struct rv_box box;
    return rv_box_of_driver(copy, &box) ? copy_box(&box, stream, queued) : rv_note(hipErrorInvalidValue);
}

RV_API hipError_t hipDrvMemcpy3D(const HIP_MEMCPY3D *copy) {
    return copy_memcpy_3d(copy, NULL, false);
}

RV_API hipError_t hipDrvMemcpy3DAsync(const HIP_MEMCPY3D *copy, hipStream_t stream) {
    return copy_memcpy_3d(copy, stream, true);
}
