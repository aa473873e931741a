/* Checked memory access for one instruction of one wave. Each function takes the addresses from
 * `s->addresses`, moves data between memory and the vector registers at `data` (`lanes` dwords a
 * register) for the lanes of `exec`, and returns nonzero after recording a fault. */
#include "runtime.h"

#define API __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))
#define LANES(exec) for (u64 left = (exec); left; left &= left - 1)
#define LANE ((u32)__builtin_ctzll(left))

/* The first fault ends the launch, or what is left of it; of accesses that stray all are counted. */
int rt_fault(Worker *w, Wave *s, u32 kind, u32 access, u64 address, u32 size, u32 lane, u32 pc)
{
    Fault f = {.kind = kind, .access = access, .address = address, .size = size, .lane = lane, .pc = pc,
               .wave = s->index, .group = {w->group[0], w->group[1], w->group[2]}};
    w->faulting += (u64)is_stray(kind);
    if (w->fault.kind == FAULT_NONE) {
        w->fault = f;
        return 1;
    }
    if (!is_stray(kind) || w->fault.pc == pc)
        return 1;
    for (u32 i = 0; i < MORE_FAULTS; i++) {
        if (w->more[i].kind == FAULT_NONE)
            w->more[i] = f;
        if (w->more[i].pc == pc)
            break;
    }
    return 1;
}

/* The last range that starts at or before the address, by bisection. */
u8 *rt_global(Worker *w, u64 address, u64 size)
{
    if (address >= w->cached.base && address < w->cached.end && w->cached.end - address >= size)
        return (u8 *)address;
    const Range *ranges = w->launch->ranges;
    u64 low = 0, high = w->launch->range_count;
    while (low < high) {
        u64 middle = (low + high) / 2;
        if (ranges[middle].base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address >= ranges[low - 1].end || ranges[low - 1].end - address < size)
        return 0;
    w->cached = ranges[low - 1];
    return (u8 *)address;
}

INLINE u8 *at_global(Worker *w, Wave *s, u64 address, u32 lane, u32 size)
{
    (void)s, (void)lane;
    return rt_global(w, address, size);
}

INLINE u8 *at_lds(Worker *w, Wave *s, u64 address, u32 lane, u32 size)
{
    (void)w, (void)lane;
    return address < s->lds_bytes && s->lds_bytes - address >= size ? (u8 *)(s->lds + address) : 0;
}

INLINE u8 *at_scratch(Worker *w, Wave *s, u64 address, u32 lane, u32 size)
{
    (void)w;
    if (address >= s->scratch_bytes || s->scratch_bytes - address < size)
        return 0;
    return (u8 *)(s->scratch + lane * s->scratch_bytes + address);
}

INLINE u8 *at_flat(Worker *w, Wave *s, u64 address, u32 lane, u32 size)
{
    u32 aperture = (u32)(address >> 32);
    if (aperture == SHARED_APERTURE_HI)
        return at_lds(w, s, (u32)address, lane, size);
    if (aperture == PRIVATE_APERTURE_HI)
        return at_scratch(w, s, (u32)address, lane, size);
    return rt_global(w, address, size);
}

INLINE u32 flat_kind(u64 address)
{
    u32 aperture = (u32)(address >> 32);
    return aperture == SHARED_APERTURE_HI ? FAULT_LDS
                                          : aperture == PRIVATE_APERTURE_HI ? FAULT_SCRATCH : FAULT_GLOBAL;
}

#define KIND_global(a) FAULT_GLOBAL
#define KIND_lds(a) FAULT_LDS
#define KIND_scratch(a) FAULT_SCRATCH
#define KIND_flat(a) flat_kind(a)

INLINE u32 load_u32(const u8 *p) { u32 v; __builtin_memcpy(&v, p, 4); return v; }
INLINE u16 load_u16(const u8 *p) { u16 v; __builtin_memcpy(&v, p, 2); return v; }

/* All lanes active, one element after the other: the coalesced access. */
INLINE int coalesced(const u64 *address, u32 lanes, u32 size)
{
    u64 differs = 0;
    for (u32 i = 0; i < lanes; i++)
        differs |= address[i] ^ (address[0] + (u64)i * size);
    return differs == 0;
}

INLINE int full(u64 exec, u32 lanes) { return exec == (lanes == 64 ? ~0ull : (1ull << lanes) - 1); }

#define LOAD(space, name, size, statement)                                                             \
    API int rt_##space##_load_##name(Worker *w, Wave *s, u32 *data, u64 exec, u32 pc)                  \
    {                                                                                                  \
        u32 lanes = (u32)w->lanes;                                                                     \
        int faulted = 0;                                                                               \
        (void)lanes;                                                                                   \
        LANES(exec)                                                                                    \
        {                                                                                              \
            u32 lane = LANE;                                                                           \
            u64 address = s->addresses[lane];                                                          \
            const u8 *p = at_##space(w, s, address, lane, size);                                       \
            if (!p) {                                                                                  \
                faulted |= rt_fault(w, s, KIND_##space(address), ACCESS_LOAD, address, size, lane, pc);   \
                continue;                                                                              \
            }                                                                                          \
            u32 *d = data + lane;                                                                      \
            statement;                                                                                 \
        }                                                                                              \
        return faulted;                                                                                \
    }

#define STORE(space, name, size, statement)                                                            \
    API int rt_##space##_store_##name(Worker *w, Wave *s, const u32 *data, u64 exec, u32 pc)           \
    {                                                                                                  \
        u32 lanes = (u32)w->lanes;                                                                     \
        int faulted = 0;                                                                               \
        (void)lanes;                                                                                   \
        LANES(exec)                                                                                    \
        {                                                                                              \
            u32 lane = LANE;                                                                           \
            u64 address = s->addresses[lane];                                                          \
            u8 *p = at_##space(w, s, address, lane, size);                                             \
            if (!p) {                                                                                  \
                faulted |= rt_fault(w, s, KIND_##space(address), ACCESS_STORE, address, size, lane, pc); \
                continue;                                                                              \
            }                                                                                          \
            const u32 *d = data + lane;                                                                \
            statement;                                                                                 \
        }                                                                                              \
        return faulted;                                                                                \
    }

#define LOW_HALF(value) *d = (*d & 0xffff0000u) | ((u32)(value) & 0xffffu)
#define HIGH_HALF(value) *d = (*d & 0xffffu) | ((u32)(value) << 16)
#define DWORDS_IN(n) for (u32 k = 0; k < n; k++) d[k * lanes] = load_u32(p + 4 * k)
#define DWORDS_OUT(n) for (u32 k = 0; k < n; k++) __builtin_memcpy(p + 4 * k, d + k * lanes, 4)
#define BYTES_OUT(value, n) u32 v = (value); __builtin_memcpy(p, &v, n)

#define SPACE(space)                                        \
    LOAD(space, u8, 1, *d = *p)                             \
    LOAD(space, i8, 1, *d = (u32)(i32)(i8)*p)               \
    LOAD(space, u16, 2, *d = load_u16(p))                   \
    LOAD(space, i16, 2, *d = (u32)(i32)(i16)load_u16(p))    \
    LOAD(space, d16_u8, 1, LOW_HALF(*p))                    \
    LOAD(space, d16_i8, 1, LOW_HALF((i32)(i8)*p))           \
    LOAD(space, d16_b16, 2, LOW_HALF(load_u16(p)))          \
    LOAD(space, d16_hi_u8, 1, HIGH_HALF(*p))                \
    LOAD(space, d16_hi_i8, 1, HIGH_HALF((i32)(i8)*p))       \
    LOAD(space, d16_hi_b16, 2, HIGH_HALF(load_u16(p)))      \
    LOAD(space, b64, 8, DWORDS_IN(2))                       \
    LOAD(space, b96, 12, DWORDS_IN(3))                      \
    LOAD(space, b128, 16, DWORDS_IN(4))                     \
    STORE(space, b8, 1, *p = (u8)*d)                        \
    STORE(space, b16, 2, BYTES_OUT(*d, 2))                  \
    STORE(space, d16_hi_b8, 1, *p = (u8)(*d >> 16))         \
    STORE(space, d16_hi_b16, 2, BYTES_OUT(*d >> 16, 2))     \
    STORE(space, b64, 8, DWORDS_OUT(2))                     \
    STORE(space, b96, 12, DWORDS_OUT(3))                    \
    STORE(space, b128, 16, DWORDS_OUT(4))

SPACE(global)
SPACE(lds)
SPACE(scratch)
SPACE(flat)

LOAD(lds, b32, 4, *d = load_u32(p))
LOAD(scratch, b32, 4, *d = load_u32(p))
LOAD(flat, b32, 4, *d = load_u32(p))
STORE(lds, b32, 4, BYTES_OUT(*d, 4))
STORE(scratch, b32, 4, BYTES_OUT(*d, 4))
STORE(flat, b32, 4, BYTES_OUT(*d, 4))

static LOAD(global, b32_each, 4, *d = load_u32(p))
static STORE(global, b32_each, 4, BYTES_OUT(*d, 4))

API int rt_global_load_b32(Worker *w, Wave *s, u32 *data, u64 exec, u32 pc)
{
    u32 lanes = (u32)w->lanes;
    if (full(exec, lanes) && coalesced(s->addresses, lanes, 4)) {
        const u8 *p = rt_global(w, s->addresses[0], 4ull * lanes);
        if (p) {
            for (u32 i = 0; i < lanes; i++)
                data[i] = load_u32(p + 4 * i);
            return 0;
        }
    }
    return rt_global_load_b32_each(w, s, data, exec, pc);
}

API int rt_global_store_b32(Worker *w, Wave *s, const u32 *data, u64 exec, u32 pc)
{
    u32 lanes = (u32)w->lanes;
    if (full(exec, lanes) && coalesced(s->addresses, lanes, 4)) {
        u8 *p = rt_global(w, s->addresses[0], 4ull * lanes);
        if (p) {
            for (u32 i = 0; i < lanes; i++)
                __builtin_memcpy(p + 4 * i, data + i, 4);
            return 0;
        }
    }
    return rt_global_store_b32_each(w, s, data, exec, pc);
}

/* SMEM of less than a dword, from any byte on; `form`: bytes, and from bit 8 on whether it has a sign. */
API int rt_scalar_load_narrow(Worker *w, Wave *s, u64 address, u32 form, u32 sgpr, u32 pc)
{
    u32 size = form & 255u, value = 0;
    const u8 *p = rt_global(w, address, size);
    if (!p)
        return rt_fault(w, s, FAULT_GLOBAL, ACCESS_LOAD, address, size, 0, pc);
    __builtin_memcpy(&value, p, size);
    if (form >> 8 && value >> (8 * size - 1))
        value |= ~0u << 8 * size;
    s->sgpr[sgpr] = value;
    return 0;
}

/* SMEM: `count` dwords from one address into consecutive scalar registers. */
API int rt_scalar_load(Worker *w, Wave *s, u64 address, u32 count, u32 sgpr, u32 pc)
{
    const u8 *p = rt_global(w, address, 4ull * count);
    if (address & 3)
        return rt_fault(w, s, FAULT_UNALIGNED, ACCESS_LOAD, address, 4 * count, 0, pc);
    if (!p)
        return rt_fault(w, s, FAULT_GLOBAL, ACCESS_LOAD, address, 4 * count, 0, pc);
    for (u32 i = 0; i < count; i++)
        s->sgpr[sgpr + i] = load_u32(p + 4 * i);
    return 0;
}
