/* Atomic read-modify-write, a lane at a time in lane order. `data` is the operand's register (for
 * cmpswap the new value, and `other` that of the compared one), `result` the destination or null. */
#include "halves.h"

#define API __attribute__((visibility("default")))

enum Operation {
    OP_SWAP, OP_CMPSWAP, OP_ADD, OP_SUB, OP_SMIN, OP_UMIN, OP_SMAX, OP_UMAX, OP_AND, OP_OR, OP_XOR,
    OP_INC, OP_DEC, OP_FADD, OP_FMIN, OP_FMAX, OP_CSUB, OP_FCMPSWAP, OP_RSUB, OP_MSKOR, OP_WRAP,
    OP_FADD_FLUSHED, OP_FADD_DENORMALS, OP_COND_SUB, OP_MIN_NUM, OP_MAX_NUM, OP_PK_ADD_F16, OP_PK_ADD_BF16,
};

enum Space { SPACE_GLOBAL, SPACE_LDS, SPACE_FLAT };

static double as_double(u64 v) { double f; __builtin_memcpy(&f, &v, 8); return f; }
static u64 double_bits(double f) { u64 v; __builtin_memcpy(&v, &f, 8); return v; }

/* Denormals of f32 as zeros of their sign; nothing asks for it in 64 bits. */
static u64 flushed(u64 bits) { return bits >> 32 || bits & 0x7f800000u ? bits : bits & 0x80000000u; }

/* Sums of the halves of two dwords, each rounded once: a single has more than twice their bits. */
static u32 add_halves(u32 a, u32 b)
{
    u32 low = to_half(from_half(a & 0xffffu) + from_half(b & 0xffffu));
    return low | to_half(from_half(a >> 16) + from_half(b >> 16)) << 16;
}

static u32 add_bfloats(u32 a, u32 b)
{
    u32 low = to_bfloat(from_bfloat(a & 0xffffu) + from_bfloat(b & 0xffffu));
    return low | to_bfloat(from_bfloat(a >> 16) + from_bfloat(b >> 16)) << 16;
}

/* A number where one is; -0 is below +0. Of two NaNs, a quiet one (x + x). */
#define BELOW(a, b) ((a) < (b) || ((a) == (b) && __builtin_signbit(a) && !__builtin_signbit(b)))
#define MIN_NUM(a, b) ((a) != (a) ? ((b) != (b) ? (b) + (b) : (b)) : (b) != (b) || BELOW(a, b) ? (a) : (b))
#define MAX_NUM(a, b) ((a) != (a) ? ((b) != (b) ? (b) + (b) : (b)) : (b) != (b) || BELOW(b, a) ? (a) : (b))

#define MINIMUM(a, b) ((a) != (a) ? (b) : (b) != (b) ? (a) : (b) < (a) ? (b) : (a))
#define MAXIMUM(a, b) ((a) != (a) ? (b) : (b) != (b) ? (a) : (b) > (a) ? (b) : (a))

#define APPLY(T, S, F, to_float, to_bits)                                   \
    static T apply_##T(u32 op, T old, T data, T compare)                    \
    {                                                                       \
        switch (op) {                                                       \
        case OP_SWAP: return data;                                          \
        case OP_CMPSWAP: return old == compare ? data : old;                \
        case OP_ADD: return old + data;                                     \
        case OP_SUB: return old - data;                                     \
        case OP_SMIN: return (S)data < (S)old ? data : old;                 \
        case OP_UMIN: return data < old ? data : old;                       \
        case OP_SMAX: return (S)data > (S)old ? data : old;                 \
        case OP_UMAX: return data > old ? data : old;                       \
        case OP_AND: return old & data;                                     \
        case OP_OR: return old | data;                                      \
        case OP_XOR: return old ^ data;                                     \
        case OP_INC: return old >= data ? 0 : old + 1;                      \
        case OP_DEC: return old == 0 || old > data ? data : old - 1;        \
        case OP_FADD: return to_bits(to_float(old) + to_float(data));       \
        case OP_FADD_FLUSHED:                                               \
            return flushed(to_bits(to_float(flushed(old)) + to_float(flushed(data)))); \
        case OP_FMIN: return to_bits(MINIMUM(to_float(old), to_float(data))); \
        case OP_FMAX: return to_bits(MAXIMUM(to_float(old), to_float(data))); \
        case OP_COND_SUB: return old >= data ? old - data : old;            \
        case OP_MIN_NUM: return to_bits(MIN_NUM(to_float(old), to_float(data))); \
        case OP_MAX_NUM: return to_bits(MAX_NUM(to_float(old), to_float(data))); \
        case OP_PK_ADD_F16: return add_halves((u32)old, (u32)data);         \
        case OP_PK_ADD_BF16: return add_bfloats((u32)old, (u32)data);       \
        case OP_FCMPSWAP: return to_float(old) == to_float(compare) ? data : old; \
        case OP_RSUB: return data - old;                                    \
        case OP_MSKOR: return (old & ~data) | compare;                      \
        case OP_WRAP: return old >= data ? old - data : old + compare;      \
        default: return old >= data ? old - data : 0;                       \
        }                                                                   \
    }

APPLY(u32, i32, float, as_float, float_bits)
APPLY(u64, i64, double, as_double, double_bits)

/* gfx11 adds f32 without denormals in memory, gfx12 with them, and both in LDS as MODE says (LLVM: gfx12 has
 * FeatureMemoryAtomicFAddF32DenormalSupport). */
static u32 operation(const Wave *s, u32 op, u32 bits, u32 kind)
{
    if ((op != OP_FADD && op != OP_FADD_DENORMALS) || bits != 32)
        return op;
    if (kind == FAULT_LDS)
        return (s->mode >> 4 & 3) == 3 ? OP_FADD : OP_FADD_FLUSHED;
    return op == OP_FADD_DENORMALS ? OP_FADD : OP_FADD_FLUSHED;
}

static int two_operands(u32 op)
{
    return op == OP_CMPSWAP || op == OP_FCMPSWAP || op == OP_MSKOR || op == OP_WRAP;
}

static u8 *resolve(Worker *w, Wave *s, u32 space, u64 address, u32 size, u32 *kind)
{
    u32 aperture = (u32)(address >> 32);
    if (space == SPACE_FLAT && aperture == SHARED_APERTURE_HI) {
        space = SPACE_LDS;
        address = (u32)address;
    }
    *kind = space == SPACE_LDS ? FAULT_LDS : FAULT_GLOBAL;
    u8 *p;
    if (space == SPACE_LDS)
        p = address < s->lds_bytes && s->lds_bytes - address >= size ? (u8 *)(s->lds + address) : 0;
    else
        p = rt_global(w, address, size);
    if (p && ((u64)p & (size - 1))) {
        *kind = FAULT_UNALIGNED;
        return 0;
    }
    return p;
}

#define ATOMIC(T, bits, dwords, read)                                                                    \
    API int rt_atomic_b##bits(Worker *w, Wave *s, const u32 *data, const u32 *other, u32 *result,        \
                              u64 exec, u32 op, u32 space, u32 pc)                                       \
    {                                                                                                    \
        u32 lanes = (u32)w->lanes;                                                                       \
        int faulted = 0;                                                                                 \
        for (u64 left = exec; left; left &= left - 1) {                                                  \
            u32 lane = (u32)__builtin_ctzll(left), kind;                                                 \
            u64 address = s->addresses[lane];                                                            \
            T *p = (T *)resolve(w, s, space, address, sizeof(T), &kind);                                 \
            if (!p) {                                                                                    \
                faulted |= rt_fault(w, s, kind, ACCESS_ATOMIC, address, sizeof(T), lane, pc);            \
                continue;                                                                                \
            }                                                                                            \
            const u32 *d = data + lane, *e = other + lane;                                               \
            T value = read(d, 0), compare = two_operands(op) ? read(e, 0) : 0;                               \
            T old = __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                \
            u32 what = operation(s, op, bits, kind);                                                      \
            while (!__atomic_compare_exchange_n(p, &old, apply_##T(what, old, value, compare), 0,         \
                                                __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))                     \
                ;                                                                                        \
            for (u32 k = 0; result && k < dwords; k++)                                                   \
                result[lane + k * lanes] = (u32)((u64)old >> (32 * k));                                  \
        }                                                                                                \
        return faulted;                                                                                  \
    }

#define READ32(d, k) (d)[(k)*lanes]
#define READ64(d, k) ((u64)(d)[(k)*lanes] | (u64)(d)[((k) + 1) * lanes] << 32)

ATOMIC(u32, 32, 1, READ32)
ATOMIC(u64, 64, 2, READ64)

static u32 *lds_dword(Wave *s, u64 address, u32 size)
{
    return address < s->lds_bytes && s->lds_bytes - address >= size ? (u32 *)(s->lds + address) : 0;
}

/* ds_storexchg_2addr: both operands of a lane are read before its results are written. The addresses
 * of the wave have the base; `offsets` holds two of 32 bits. */
API int rt_lds_exchange_two(Worker *w, Wave *s, const u32 *first, const u32 *second, u32 *result, u64 exec,
                            u64 offsets, u32 dwords, u32 pc)
{
    u32 lanes = (u32)w->lanes, size = 4 * dwords;
    for (u64 left = exec; left; left &= left - 1) {
        u32 lane = (u32)__builtin_ctzll(left);
        u32 *at[2], kept[4];
        for (u32 i = 0; i < 2; i++) {
            u64 address = s->addresses[lane] + (u32)(offsets >> 32 * i);
            at[i] = lds_dword(s, address, size);
            if (address & (size - 1) || !at[i])
                return rt_fault(w, s, at[i] ? FAULT_UNALIGNED : FAULT_LDS, ACCESS_ATOMIC, address, size, lane, pc);
        }
        for (u32 i = 0; i < 2; i++)
            for (u32 k = 0; k < dwords; k++) {
                u32 data = (i ? second : first)[lane + k * lanes];
                kept[i * dwords + k] = at[i][k];
                at[i][k] = data;
            }
        for (u32 k = 0; k < 2 * dwords; k++)
            result[lane + k * lanes] = kept[k];
    }
    return 0;
}

/* ds_condxchg32: each half of a quadword takes the operand's 31 low bits if its top bit is set. */
API int rt_lds_exchange_if(Worker *w, Wave *s, const u32 *data, u32 *result, u64 exec, u32 pc)
{
    u32 lanes = (u32)w->lanes;
    for (u64 left = exec; left; left &= left - 1) {
        u32 lane = (u32)__builtin_ctzll(left);
        u64 address = s->addresses[lane];
        u32 *p = lds_dword(s, address, 8);
        if (!p)
            return rt_fault(w, s, FAULT_LDS, ACCESS_ATOMIC, address, 8, lane, pc);
        u32 operand[2] = {data[lane], data[lane + lanes]};
        for (u32 k = 0; k < 2; k++) {
            result[lane + k * lanes] = p[k];
            if (operand[k] >> 31)
                p[k] = operand[k] & 0x7fffffffu;
        }
    }
    return 0;
}

/* ds_append and ds_consume: one counter for all lanes, which get what it was before. */
API int rt_lds_count(Worker *w, Wave *s, u32 *result, u64 exec, u32 subtract, u32 pc)
{
    if (!exec)
        return 0;
    u32 first = (u32)__builtin_ctzll(exec), lanes = (u32)__builtin_popcountll(exec);
    u64 address = s->addresses[first];
    u32 *p = lds_dword(s, address, 4);
    if (address & 3 || !p)
        return rt_fault(w, s, p ? FAULT_UNALIGNED : FAULT_LDS, ACCESS_ATOMIC, address, 4, first, pc);
    u32 before = *p;
    *p = subtract ? before - lanes : before + lanes;
    for (u64 left = exec; left; left &= left - 1)
        result[__builtin_ctzll(left)] = before;
    return 0;
}
