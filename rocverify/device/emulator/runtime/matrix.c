/* Wave matrix multiply-accumulate (V_WMMA_*_16X16X16): D = A * B + C of 16x16 matrices in VGPRs.
 *
 * Layout, from the RDNA3 ISA manual and AMD's matrix instruction calculator: row m of A lies in lane m,
 * column n of B in lane n, each packed along k from the low bits of the first register on; every further
 * group of 16 lanes has a copy of its own. Element (m, n) of C and D is in register m / (lanes / 16), lane
 * 16 * (m % (lanes / 16)) + n: with registers one after the other in memory that is a row-major matrix. It is
 * computed from the copies that its own group of lanes has: the groups may have k in different orders, as
 * rocWMMA leaves them. EXEC and MODE have no effect.
 *
 * In which order hardware adds and rounds is not documented. Here a float result is C, then one fused
 * multiply-add in single precision for each k from 0 on, to nearest even with denormals kept; a 16-bit
 * result is rounded once at the end. With u = 2**-24 that is within 16 u / (1 - 16 u) * (|C| + the sum of
 * |A||B|) of the exact value, and every order of single-precision additions that rounds at most 16 times
 * keeps that same bound, so two of them differ by twice as much at most. */
#include "halves.h"

#define API __attribute__((visibility("default")))

enum { SIZE = 16, MAX_COPIES = MAX_LANES / SIZE };

enum Element { ELEMENT_F16, ELEMENT_BF16, ELEMENT_IU8, ELEMENT_IU4 };

typedef struct {
    const u32 *a, *b, *c; /* first registers; c null where the matrix is the constant */
    u32 constant, lanes;
    u32 copies; /* of A and B that differ: 1, or one for each group of 16 lanes */
    u32 negate[2];          /* of A, B: bit 0 the low halves, bit 1 the high ones; for integers: signed */
    u32 negate_c, absolute_c;
    u32 shift; /* where a 16-bit C and D lie in their registers */
} Operands;

/* Whether every group of 16 lanes holds the same. */
static int is_repeated(const u32 *registers, u32 count, u32 lanes)
{
    u32 differs = 0;
    for (u32 r = 0; r < count; r++)
        for (u32 lane = SIZE; lane < lanes; lane++)
            differs |= registers[r * lanes + lane] ^ registers[r * lanes + lane % SIZE];
    return !differs;
}

static u32 element_of(const u32 *registers, u32 lanes, u32 bits, u32 k, u32 lane)
{
    u32 place = k * bits;
    return registers[place / 32 * lanes + lane] >> place % 32 & ((1u << bits) - 1);
}

static float float_of(const u32 *registers, u32 lanes, u32 element, u32 negate, u32 k, u32 lane)
{
    u32 bits = element_of(registers, lanes, 16, k, lane) ^ (negate >> (k & 1) & 1u) << 15;
    return element == ELEMENT_F16 ? from_half(bits) : from_bfloat(bits);
}

static float accumulator(const Operands *o, u32 element, u32 narrow, u32 place)
{
    u32 bits = o->c ? o->c[place] : o->constant;
    float value = as_float(bits);
    if (narrow)
        value = element == ELEMENT_F16 ? from_half(bits >> o->shift & 0xffffu)
                                       : from_bfloat(bits >> o->shift & 0xffffu);
    bits = float_bits(value);
    bits = o->absolute_c ? bits & 0x7fffffffu : bits;
    return as_float(bits ^ o->negate_c << 31);
}

static void multiply_floats(const Operands *o, u32 element, u32 narrow, u32 *d)
{
    float b[MAX_COPIES][SIZE][SIZE], total[SIZE][SIZE];
    for (u32 copy = 0; copy < o->copies; copy++)
        for (u32 k = 0; k < SIZE; k++)
            for (u32 n = 0; n < SIZE; n++)
                b[copy][k][n] = float_of(o->b, o->lanes, element, o->negate[1], k, SIZE * copy + n);
    for (u32 m = 0; m < SIZE; m++) {
        u32 copy = m % o->copies;
        float row[SIZE];
        for (u32 n = 0; n < SIZE; n++)
            row[n] = accumulator(o, element, narrow, m * SIZE + n);
        for (u32 k = 0; k < SIZE; k++) {
            float a = float_of(o->a, o->lanes, element, o->negate[0], k, SIZE * copy + m);
            for (u32 n = 0; n < SIZE; n++)
                row[n] = __builtin_fmaf(a, b[copy][k][n], row[n]);
        }
        __builtin_memcpy(total[m], row, sizeof row);
    }
    for (u32 m = 0; m < SIZE; m++)
        for (u32 n = 0; n < SIZE; n++) {
            float value = total[m][n];
            u32 *target = d + m * SIZE + n;
            u32 half = element == ELEMENT_F16 ? to_half(value) : to_bfloat(value);
            *target = narrow ? (*target & ~(0xffffu << o->shift)) | half << o->shift : float_bits(value);
        }
}

static i32 integer_of(const u32 *registers, u32 lanes, u32 bits, u32 is_signed, u32 k, u32 lane)
{
    u32 value = element_of(registers, lanes, bits, k, lane), top = 1u << (bits - 1);
    return is_signed ? (i32)((value ^ top) - top) : (i32)value;
}

static void multiply_integers(const Operands *o, u32 bits, u32 clamp, u32 *d)
{
    i32 b[MAX_COPIES][SIZE][SIZE];
    u32 total[SIZE * SIZE];
    for (u32 copy = 0; copy < o->copies; copy++)
        for (u32 k = 0; k < SIZE; k++)
            for (u32 n = 0; n < SIZE; n++)
                b[copy][k][n] = integer_of(o->b, o->lanes, bits, o->negate[1], k, SIZE * copy + n);
    for (u32 m = 0; m < SIZE; m++) {
        u32 copy = m % o->copies;
        i32 row[SIZE] = {0};
        for (u32 k = 0; k < SIZE; k++) {
            i32 a = integer_of(o->a, o->lanes, bits, o->negate[0], k, SIZE * copy + m);
            for (u32 n = 0; n < SIZE; n++)
                row[n] += a * b[copy][k][n]; /* 16 products of 16 bits and less: no overflow */
        }
        for (u32 n = 0; n < SIZE; n++) {
            i64 sum = (i64)row[n] + (i32)(o->c ? o->c[m * SIZE + n] : o->constant);
            i64 limited = sum > 0x7fffffff ? 0x7fffffff : sum < -0x80000000ll ? -0x80000000ll : sum;
            total[m * SIZE + n] = (u32)(clamp ? limited : sum);
        }
    }
    __builtin_memcpy(d, total, sizeof total);
}

/* `registers` has the first VGPRs of D, A, B and C, a byte each from the low one on; `form` the element
 * in bits 0 to 1, then bit 2: a 16-bit result, 3: C is `constant`, 4: clamp, 5: op_sel[2], 8 to 10 neg_lo,
 * 12 to 14 neg_hi. */
API void rt_wmma(const Worker *w, Wave *s, u32 registers, u32 form, u32 constant)
{
    static const u32 dwords[] = {8, 8, 4, 2};
    u32 lanes = (u32)w->lanes, element = form & 3u;
    u32 low = form >> 8, high = form >> 12, integers = element >= ELEMENT_IU8;
    Operands o = {
        .a = s->vgpr + (registers >> 8 & 255u) * lanes,
        .b = s->vgpr + (registers >> 16 & 255u) * lanes,
        .c = form >> 3 & 1u ? 0 : s->vgpr + (registers >> 24) * lanes,
        .constant = constant,
        .lanes = lanes,
        .negate = {(low & 1u) | (high & 1u) << 1, (low >> 1 & 1u) | (high >> 1 & 1u) << 1},
        .negate_c = low >> 2 & 1u,
        .absolute_c = high >> 2 & 1u,
        .shift = 16 * (form >> 5 & 1u),
    };
    int repeated = is_repeated(o.a, dwords[element], lanes) && is_repeated(o.b, dwords[element], lanes);
    o.copies = repeated ? 1 : lanes / SIZE;
    u32 *d = s->vgpr + (registers & 255u) * lanes;
    if (integers)
        multiply_integers(&o, element == ELEMENT_IU8 ? 8 : 4, form >> 4 & 1u, d);
    else
        multiply_floats(&o, element, form >> 2 & 1u, d);
}
