/* MUBUF and s_buffer_load: addresses through a buffer resource (V#), and its bounds.
 *
 * Source: RDNA3 ISA manual, "Buffer addressing" and "Range checking"; the fields that say how offsets add
 * up are also in LLVM's IntrinsicsAMDGPU.td (soffset is outside bounds checks and swizzling). Loads and
 * stores of several dwords are checked dword by dword, smaller ones and atomics as a whole. What is out of
 * range loads 0 and is not stored; what is in range, but in no allocation, is a fault. */
#include "runtime.h"

#define API __attribute__((visibility("default")))
#define LANES(exec) for (u64 left = (exec); left; left &= left - 1)
#define LANE ((u32)__builtin_ctzll(left))

enum Bounds { STRUCTURED = 0, INDEX_ONLY = 1, NOT_EMPTY = 2, RAW = 3 };

/* Where an instruction's operands stand: `index` and `offset` point at registers or are null, `low` and
 * `high` are the resource. Mirrored by translate/buffer.py. */
typedef struct {
    const u32 *index, *offset;
    u64 low, high;
    u32 scalar_offset, immediate;
} Operands;

typedef struct {
    u64 base;
    u32 stride, records, swizzle, index_stride, add_lane, bounds;
} Resource;

static Resource resource_of(u64 low, u64 high)
{
    Resource r = {
        .base = low & 0xffffffffffffull,
        .stride = (u32)(low >> 48) & 0x3fff,
        .swizzle = (u32)(low >> 62),
        .records = (u32)high,
        .index_stride = 8u << (high >> 53 & 3),
        .add_lane = (u32)(high >> 55) & 1,
        .bounds = (u32)(high >> 60) & 3,
    };
    return r;
}

static int in_range(const Resource *r, u64 index, u64 offset, u32 size)
{
    switch (r->bounds) {
    case STRUCTURED: return index < r->records && offset + size <= r->stride;
    case INDEX_ONLY: return index < r->records;
    case NOT_EMPTY: return r->records != 0;
    default:
        if (r->swizzle && r->stride)
            return index < r->records && offset + size <= r->stride;
        return index * r->stride + offset + size <= r->records;
    }
}

static u64 address_of(const Resource *r, u64 index, u64 offset, u32 scalar_offset)
{
    u64 place = index * r->stride + offset;
    if (r->swizzle) {
        u64 element = 2u << r->swizzle, block = index / r->index_stride;
        place = (block * r->stride + offset / element * element) * r->index_stride
                + index % r->index_stride * element + offset % element;
    }
    return r->base + scalar_offset + place;
}

/* Whether an access is one piece of memory: swizzling parts elements. */
static int in_one_piece(const Resource *r, u64 offset, u32 size)
{
    u64 element = 2u << r->swizzle;
    return !r->swizzle || offset % element + size <= element;
}

static u64 index_at(const Operands *o, const Resource *r, u32 lane)
{
    return (o->index ? (u64)o->index[lane] : 0) + (r->add_lane ? lane : 0);
}

static u64 offset_at(const Operands *o, u32 lane) { return (o->offset ? (u64)o->offset[lane] : 0) + o->immediate; }

/* Sets the addresses of the lanes whose access lies in range and returns those lanes; without those whose
 * dwords swizzling parts, if the access is `parted` into dwords at all. */
API u64 rt_buffer_addresses(Wave *s, const Operands *o, u64 exec, u32 size, u32 parted)
{
    Resource r = resource_of(o->low, o->high);
    u64 whole = 0;
    LANES(exec)
    {
        u32 lane = LANE;
        u64 index = index_at(o, &r, lane), offset = offset_at(o, lane);
        if (in_range(&r, index, offset, size) && (!parted || in_one_piece(&r, offset, size))) {
            whole |= 1ull << lane;
            s->addresses[lane] = address_of(&r, index, offset, o->scalar_offset);
        }
    }
    return whole;
}

/* The lanes that rt_buffer_addresses left out: dword by dword, zero where out of range. Of the first
 * register the bits of `keep` stay. Loads smaller than a dword are never in part in range. */
API int rt_buffer_load_rest(Worker *w, Wave *s, const Operands *o, u32 *data, u64 exec, u32 dwords, u32 keep,
                            u32 pc)
{
    Resource r = resource_of(o->low, o->high);
    u32 lanes = (u32)w->lanes;
    LANES(exec)
    {
        u32 lane = LANE, *d = data + lane;
        u64 index = index_at(o, &r, lane), offset = offset_at(o, lane);
        for (u32 k = 0; k < dwords; k++) {
            u32 value = 0;
            if (dwords > 1 && in_range(&r, index, offset + 4 * k, 4)) {
                u64 address = address_of(&r, index, offset + 4 * k, o->scalar_offset);
                const u8 *p = rt_global(w, address, 4);
                if (!p)
                    return rt_fault(w, s, FAULT_GLOBAL, ACCESS_LOAD, address, 4, lane, pc);
                __builtin_memcpy(&value, p, 4);
            }
            d[k * lanes] = (d[k * lanes] & keep) | value;
        }
    }
    return 0;
}

/* Likewise for stores of several dwords: what is in range is stored. */
API int rt_buffer_store_rest(Worker *w, Wave *s, const Operands *o, const u32 *data, u64 exec, u32 dwords,
                             u32 pc)
{
    Resource r = resource_of(o->low, o->high);
    u32 lanes = (u32)w->lanes;
    LANES(exec)
    {
        u32 lane = LANE;
        u64 index = index_at(o, &r, lane), offset = offset_at(o, lane);
        for (u32 k = 0; k < dwords; k++) {
            if (!in_range(&r, index, offset + 4 * k, 4))
                continue;
            u64 address = address_of(&r, index, offset + 4 * k, o->scalar_offset);
            u8 *p = rt_global(w, address, 4);
            if (!p)
                return rt_fault(w, s, FAULT_GLOBAL, ACCESS_STORE, address, 4, lane, pc);
            __builtin_memcpy(p, data + lane + k * lanes, 4);
        }
    }
    return 0;
}

/* s_buffer_load: base, stride and number of records count, nothing else of the resource. */
API int rt_scalar_buffer_load(Worker *w, Wave *s, u64 low, u64 high, u64 offset, u32 count, u32 sgpr, u32 pc)
{
    Resource r = resource_of(low, high);
    u64 size = r.stride ? (u64)r.stride * r.records : r.records;
    if ((r.base + offset) & 3)
        return rt_fault(w, s, FAULT_UNALIGNED, ACCESS_LOAD, r.base + offset, 4, 0, pc);
    for (u32 k = 0; k < count; k++, offset += 4) {
        u32 value = 0;
        if (offset + 4 <= size) {
            const u8 *p = rt_global(w, r.base + offset, 4);
            if (!p)
                return rt_fault(w, s, FAULT_GLOBAL, ACCESS_LOAD, r.base + offset, 4, 0, pc);
            __builtin_memcpy(&value, p, 4);
        }
        s->sgpr[sgpr + k] = value;
    }
    return 0;
}
