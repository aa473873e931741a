/* Wave matrix multiply-accumulate of RDNA 4 (V_WMMA_*, V_SWMMAC_*): D = A * B + C, where D and C are 16x16.
 *
 * Layout (RDNA4 ISA manual, "Wave Matrix Multiply Accumulate"): the lanes of a wave are groups of 16. Row m of A
 * lies in the lanes m of all groups, column n of B in their lanes n; the first group has the first elements
 * along k, the next group the next ones, packed from the low bits of the first register on. Of C and D, lane n
 * of a group has column n, and the first group the first rows, one after the other: a register each, or half
 * of one, the low half first.
 *
 * Of the sparse ones, A has two of every four elements along k: which of them, two bits an element say in the
 * register of the indices, in the lane that has the element.
 *
 * In which order hardware adds and rounds is not documented: as in matrix.c, a float result is C, then one
 * fused multiply-add in single precision for each element of A from 0 on; a 16-bit result is rounded once at
 * the end. */
#include "halves.h"

#define API __attribute__((visibility("default")))

enum { SIZE = 16, MOST = 64 };

enum Element { ELEMENT_F16, ELEMENT_BF16, ELEMENT_IU8, ELEMENT_IU4, ELEMENT_FP8, ELEMENT_BF8 };

static const u32 BITS[] = {16, 16, 8, 4, 8, 8};

/* Rows of A, or columns of B. */
typedef struct {
    const u32 *registers;
    u32 lanes, count, element; /* elements of a row along k */
    u32 low, high;             /* negates even and odd elements; of integers, low: signed */
} Side;

static u32 each_lane(const Side *o) { return o->count * SIZE / o->lanes; }

static u32 element_of(const Side *o, u32 row, u32 k)
{
    u32 bits = BITS[o->element], each = each_lane(o), lane = SIZE * (k / each) + row, place = k % each * bits;
    return o->registers[place / 32 * o->lanes + lane] >> place % 32 & ((1u << bits) - 1);
}

static float float_of(const Side *o, u32 row, u32 k)
{
    u32 bits = element_of(o, row, k);
    if (o->element == ELEMENT_FP8)
        return from_fp8(bits);
    if (o->element == ELEMENT_BF8)
        return from_bf8(bits);
    bits ^= (k & 1 ? o->high : o->low) << 15;
    return o->element == ELEMENT_F16 ? from_half(bits) : from_bfloat(bits);
}

static i32 integer_of(const Side *o, u32 row, u32 k)
{
    u32 value = element_of(o, row, k), top = 1u << (BITS[o->element] - 1);
    return o->low ? (i32)((value ^ top) - top) : (i32)value;
}

typedef struct {
    Side a, b;
    const u32 *c, *indices; /* null where C is the constant, and where A is dense */
    u32 constant, key, narrow, clamp, negate_c, absolute_c;
} Product;

/* Which element of B's column belongs to element j of A's row m. */
static u32 partner(const Product *p, u32 m, u32 j)
{
    if (!p->indices)
        return j;
    u32 each = each_lane(&p->a), lane = SIZE * (j / each) + m;
    return 4 * (j / 2) + (p->indices[lane] >> (p->key * 2 * each) >> 2 * (j % each) & 3u);
}

/* Register, as a number of dwords, and lowest bit of an element of C and D. */
static u32 place_of(const Product *p, u32 m, u32 n, u32 *shift)
{
    u32 lanes = p->a.lanes, rows = SIZE * SIZE / lanes, at = m % rows;
    *shift = p->narrow ? 16 * (at & 1) : 0;
    return (p->narrow ? at / 2 : at) * lanes + SIZE * (m / rows) + n;
}

static float addend(const Product *p, u32 m, u32 n)
{
    u32 shift, place = place_of(p, m, n, &shift), bits = p->c ? p->c[place] >> shift : p->constant;
    float value = as_float(bits);
    if (p->narrow)
        value = p->a.element == ELEMENT_F16 ? from_half(bits & 0xffffu) : from_bfloat(bits & 0xffffu);
    bits = float_bits(value);
    bits = p->absolute_c ? bits & 0x7fffffffu : bits;
    return as_float(bits ^ p->negate_c << 31);
}

static void multiply_floats(const Product *p, u32 *d)
{
    float b[SIZE][MOST], total[SIZE][SIZE];
    for (u32 n = 0; n < SIZE; n++)
        for (u32 k = 0; k < p->b.count; k++)
            b[n][k] = float_of(&p->b, n, k);
    for (u32 m = 0; m < SIZE; m++) {
        for (u32 n = 0; n < SIZE; n++)
            total[m][n] = addend(p, m, n);
        for (u32 j = 0; j < p->a.count; j++) {
            float a = float_of(&p->a, m, j);
            u32 k = partner(p, m, j);
            for (u32 n = 0; n < SIZE; n++)
                total[m][n] = __builtin_fmaf(a, b[n][k], total[m][n]);
        }
    }
    for (u32 m = 0; m < SIZE; m++)
        for (u32 n = 0; n < SIZE; n++) {
            u32 shift, *target = d + place_of(p, m, n, &shift);
            float value = total[m][n];
            u32 half = p->a.element == ELEMENT_F16 ? to_half(value) : to_bfloat(value);
            *target = p->narrow ? (*target & ~(0xffffu << shift)) | half << shift : float_bits(value);
        }
}

static void multiply_integers(const Product *p, u32 *d)
{
    i32 b[SIZE][MOST];
    u32 total[SIZE][SIZE];
    for (u32 n = 0; n < SIZE; n++)
        for (u32 k = 0; k < p->b.count; k++)
            b[n][k] = integer_of(&p->b, n, k);
    for (u32 m = 0; m < SIZE; m++) {
        i32 row[SIZE] = {0}; /* 32 products of 16 bits and less: no overflow */
        for (u32 j = 0; j < p->a.count; j++) {
            i32 a = integer_of(&p->a, m, j);
            u32 k = partner(p, m, j);
            for (u32 n = 0; n < SIZE; n++)
                row[n] += a * b[n][k];
        }
        for (u32 n = 0; n < SIZE; n++) {
            u32 shift, place = place_of(p, m, n, &shift);
            i64 sum = (i64)row[n] + (i32)(p->c ? p->c[place] : p->constant);
            i64 limited = sum > 0x7fffffff ? 0x7fffffff : sum < -0x80000000ll ? -0x80000000ll : sum;
            total[m][n] = (u32)(p->clamp ? limited : sum);
        }
    }
    for (u32 m = 0; m < SIZE; m++)
        for (u32 n = 0; n < SIZE; n++) {
            u32 shift, place = place_of(p, m, n, &shift);
            d[place] = total[m][n];
        }
}

/* `registers` has the first VGPRs of D, A, B and C (of the sparse ones: of the indices), a byte each from the low
 * one on; `form` the element of A in bits 0 to 2, that of B in bits 3 to 5, bit 6: a 16-bit result, 7: C is
 * `constant`, 8: clamp, 9: sparse, 10 to 11 which of the indices, 12 to 14 neg_lo, 16 to 18 neg_hi, and from 20
 * on the elements along k. */
API void rt_wmma_rdna4(const Worker *w, Wave *s, u32 registers, u32 form, u32 constant)
{
    u32 lanes = (u32)w->lanes, low = form >> 12, high = form >> 16, k = form >> 20, sparse = form >> 9 & 1u;
    u32 *d = s->vgpr + (registers & 255u) * lanes;
    const u32 *last = s->vgpr + (registers >> 24) * lanes;
    Product p = {
        .a = {s->vgpr + (registers >> 8 & 255u) * lanes, lanes, sparse ? k / 2 : k, form & 7u, low & 1u, high & 1u},
        .b = {s->vgpr + (registers >> 16 & 255u) * lanes, lanes, k, form >> 3 & 7u, low >> 1 & 1u, high >> 1 & 1u},
        .c = form >> 7 & 1u ? 0 : sparse ? d : last,
        .indices = sparse ? last : 0,
        .constant = constant,
        .key = form >> 10 & 3u,
        .narrow = form >> 6 & 1u,
        .clamp = form >> 8 & 1u,
        .negate_c = low >> 2 & 1u,
        .absolute_c = high >> 2 & 1u,
    };
    if (p.a.element == ELEMENT_IU8 || p.a.element == ELEMENT_IU4)
        multiply_integers(&p, d);
    else
        multiply_floats(&p, d);
}
