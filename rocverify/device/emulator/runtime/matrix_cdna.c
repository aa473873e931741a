/* Matrix fused multiply-add of CDNA (V_MFMA_*, V_SMFMAC_*): D = A * B + C, of one or several blocks of M x N.
 *
 * Layout (AMD's Matrix Instruction Calculator): of A, element k of row i of block b lies in lane
 * i + M * (b + blocks * (k / each)), where `each` elements along k lie in one lane, packed from the low bits of
 * the first register on; B has columns in place of rows. Of C and D, where a register holds the row i and the
 * lanes its columns beside each other: see row_of.
 *
 * In which order hardware adds and rounds is not documented: a float result is C, then one fused multiply-add,
 * in single (or double) precision, for each element along k from 0 on. */
#include "halves.h"

#define API __attribute__((visibility("default")))

enum { LANES = 64, MOST_ROWS = 32, MOST_DEPTH = 64 };

enum Kind { KIND_F32, KIND_F16, KIND_BF16, KIND_I8, KIND_XF32, KIND_FP8_FNUZ, KIND_BF8_FNUZ, KIND_F64, KIND_FP8, KIND_BF8 };

static const u32 BITS[] = {32, 16, 16, 8, 32, 8, 8, 64, 8, 8};

/* `depth`: elements along k; of the sparse ones, of B. */
typedef struct {
    u32 *d;
    const u32 *a, *b, *c, *indices; /* C is null where it is the constant */
    u32 rows, depth, blocks, kind_a, kind_b, sparse, flushes;
    u32 broadcast, chosen, lanes, negate, set;
    u64 constant;
} Product;

/* Elements of a row of A; those of them, or of a column of B, in one lane. */
static u32 length_of_a(const Product *p) { return p->sparse ? p->depth / 2 : p->depth; }
static u32 each_of(const Product *p, u32 length) { return p->blocks * p->rows * length / LANES; }

static u32 lane_of(const Product *p, u32 row, u32 block, u32 group)
{
    return row + p->rows * (block + p->blocks * group);
}

/* The block of A that stands for a block: CBSZ shares one among 2^CBSZ of them, which ABID chooses. */
static u32 block_of_a(const Product *p, u32 block)
{
    return p->broadcast ? (block >> p->broadcast << p->broadcast) + p->chosen : block;
}

/* The lane of B that stands for a lane, by BLGP: the first or second half for both, a rotation by 16 lanes, or
 * one of four quarters for all. */
static u32 lane_of_b(const Product *p, u32 lane)
{
    switch (p->lanes) {
    case 0: return lane;
    case 1: return lane % 32;
    case 2: return lane % 32 + 32;
    case 3: return (lane + 16) % LANES;
    default: return lane % 16 + 16 * (p->lanes - 4);
    }
}

static u32 bits_at(const u32 *registers, u32 lane, u32 place, u32 bits)
{
    u32 at = place * bits, dword = registers[at / 32 * LANES + lane];
    return bits == 32 ? dword : dword >> at % 32 & ((1u << bits) - 1);
}

/* A single of 19 bits: rounded to nearest even. */
static float to_xf32(u32 bits)
{
    if ((bits & 0x7f800000u) != 0x7f800000u)
        bits += 0xfffu + (bits >> 13 & 1u);
    return as_float(bits & ~0x1fffu);
}

static float from_fnuz(u32 byte, u32 shift, float scale)
{
    float value = as_float((byte & 0x7fu) << shift) * scale;
    u32 number = float_bits(value) | (byte & 0x80u) << 24;
    return as_float(byte == 0x80u ? 0x7fc00000u : number);
}

static float without_denormals(float value)
{
    u32 bits = float_bits(value);
    return as_float(bits & 0x7f800000u ? bits : bits & 0x80000000u);
}

static float float_of(const Product *p, u32 bits, u32 kind)
{
    switch (kind) {
    case KIND_F16: return p->flushes && !(bits & 0x7c00u) ? as_float((bits & 0x8000u) << 16) : from_half(bits);
    case KIND_BF16: return p->flushes ? without_denormals(from_bfloat(bits)) : from_bfloat(bits);
    case KIND_XF32: return to_xf32(bits);
    case KIND_FP8_FNUZ: return from_fnuz(bits, 20, 0x1p119f);
    case KIND_BF8_FNUZ: return from_fnuz(bits, 21, 0x1p111f);
    case KIND_FP8: return from_fp8(bits);
    case KIND_BF8: return from_bf8(bits);
    default: return as_float(bits);
    }
}

/* Where a row of C and D begins: a number of dwords from the first register on; columns follow lane by lane. */
static u32 row_of(const Product *p, u32 row, u32 block)
{
    if (p->kind_a == KIND_F64) /* registers come in pairs: dwords of the low ones */
        return p->rows == 4 ? 16 * row + 4 * block : 2 * LANES * (row / 4) + 16 * (row % 4);
    if (p->rows == 4)
        return LANES * row + 4 * block;
    u32 groups = LANES / p->rows, registers = p->rows / groups;
    return LANES * (row % 4 + 4 * (row / (4 * groups)) + registers * block) + p->rows * (row / 4 % groups);
}

/* Which element of B's column belongs to element j of A's row: of the sparse ones, A has two of every four, and
 * the indices say which, two bits an element, in the lane that has it. */
static u32 partner(const Product *p, u32 row, u32 j)
{
    if (!p->sparse)
        return j;
    u32 each = each_of(p, length_of_a(p)), lane = lane_of(p, row, 0, j / each);
    return 4 * (j / 2) + (p->indices[lane] >> 2 * each * p->set >> 2 * (j % each) & 3u);
}

/* The columns of one block of B, element after element along k. */
#define UNPACK_B(type, value)                                                              \
    for (u32 k = 0, each = each_of(p, p->depth); k < p->depth; k++)                        \
        for (u32 n = 0; n < p->rows; n++) {                                                \
            u32 lane = lane_of_b(p, lane_of(p, n, block, k / each)), place = k % each;     \
            columns[k][n] = (type)(value);                                                 \
        }

/* A float is as good as its bits: blocks are read whole before one is written, as registers may be shared. */
static void multiply_floats(const Product *p, u32 *results)
{
    float columns[MOST_DEPTH][MOST_ROWS], total[MOST_ROWS];
    u32 m = p->rows, length = length_of_a(p), each = each_of(p, length), bits = BITS[p->kind_a];
    for (u32 block = 0; block < p->blocks; block++) {
        UNPACK_B(float, float_of(p, bits_at(p->b, lane, place, BITS[p->kind_b]), p->kind_b))
        for (u32 i = 0; i < m; i++) {
            u32 start = row_of(p, i, block);
            for (u32 n = 0; n < m; n++)
                total[n] = as_float(p->c ? p->c[start + n] : (u32)p->constant);
            if (p->flushes)
                for (u32 n = 0; n < m; n++)
                    total[n] = without_denormals(total[n]);
            for (u32 j = 0; j < length; j++) {
                u32 lane = lane_of(p, i, block_of_a(p, block), j / each);
                float a = float_of(p, bits_at(p->a, lane, j % each, bits), p->kind_a);
                const float *column = columns[partner(p, i, j)];
                for (u32 n = 0; n < m; n++)
                    total[n] = __builtin_fmaf(a, column[n], total[n]);
            }
            for (u32 n = 0; n < m; n++)
                results[start + n] = float_bits(p->flushes ? without_denormals(total[n]) : total[n]);
        }
    }
}

static void multiply_integers(const Product *p, u32 *results)
{
    i32 columns[MOST_DEPTH][MOST_ROWS];
    u32 total[MOST_ROWS], m = p->rows, length = length_of_a(p), each = each_of(p, length);
    for (u32 block = 0; block < p->blocks; block++) {
        UNPACK_B(i32, (i8)bits_at(p->b, lane, place, 8))
        for (u32 i = 0; i < m; i++) {
            u32 start = row_of(p, i, block);
            for (u32 n = 0; n < m; n++)
                total[n] = p->c ? p->c[start + n] : (u32)p->constant;
            for (u32 j = 0; j < length; j++) {
                u32 lane = lane_of(p, i, block_of_a(p, block), j / each);
                i32 a = (i8)bits_at(p->a, lane, j % each, 8);
                const i32 *column = columns[partner(p, i, j)];
                for (u32 n = 0; n < m; n++)
                    total[n] += (u32)(a * column[n]);
            }
            for (u32 n = 0; n < m; n++)
                results[start + n] = total[n];
        }
    }
}

static double double_at(const u32 *low, u32 at, u32 negative)
{
    u64 bits = (low[at] | (u64)low[at + LANES] << 32) ^ (u64)negative << 63;
    double value;
    __builtin_memcpy(&value, &bits, 8);
    return value;
}

/* BLGP negates A, B and C here. */
static void multiply_doubles(const Product *p, u32 *results)
{
    u32 m = p->rows;
    for (u32 block = 0; block < p->blocks; block++)
        for (u32 i = 0; i < m; i++)
            for (u32 n = 0; n < m; n++) {
                u32 at = row_of(p, i, block) + n, constant[LANES + 1] = {0};
                constant[0] = (u32)p->constant;
                constant[LANES] = (u32)(p->constant >> 32);
                double total = double_at(p->c ? p->c : constant, p->c ? at : 0, p->negate >> 2 & 1u);
                for (u32 k = 0; k < p->depth; k++) {
                    double a = double_at(p->a, lane_of(p, i, block_of_a(p, block), k), p->negate & 1u);
                    double b = double_at(p->b, lane_of(p, n, block, k), p->negate >> 1 & 1u);
                    total = __builtin_fma(a, b, total);
                }
                u64 bits;
                __builtin_memcpy(&bits, &total, 8);
                results[at] = (u32)bits;
                results[at + LANES] = (u32)(bits >> 32);
            }
}

static Product product_of(u32 *vgpr, u64 registers, u64 form, u64 modifiers, u64 constant)
{
    u32 *first[4];
    for (u32 place = 0; place < 4; place++)
        first[place] = vgpr + (registers >> 16 * place & 0xffffu) * LANES;
    u32 sparse = form >> 40 & 1u, is_constant = form >> 41 & 1u;
    return (Product){
        .d = first[0],
        .a = first[1],
        .b = first[2],
        .c = is_constant ? 0 : sparse ? first[0] : first[3],
        .indices = sparse ? first[3] : 0,
        .rows = form & 0xffu,
        .depth = form >> 8 & 0xffu,
        .blocks = form >> 16 & 0xffu,
        .kind_a = form >> 24 & 0xffu,
        .kind_b = form >> 32 & 0xffu,
        .sparse = sparse,
        .flushes = form >> 42 & 1u,
        .broadcast = modifiers & 0xffu,
        .chosen = modifiers >> 8 & 0xffu,
        .lanes = modifiers >> 16 & 0xffu,
        .negate = modifiers >> 24 & 0xffu,
        .set = modifiers >> 32 & 0xffu,
        .constant = constant,
    };
}

/* Dwords of D. */
static u32 size_of(const Product *p) { return p->rows * p->rows * p->blocks * (p->kind_a == KIND_F64 ? 2 : 1); }

/* `registers` has the first vector registers of D, A, B and C (of the sparse ones: of the indices), 16 bits each;
 * `form` a byte each for M, the elements along k, blocks, the kinds of A and B, then bits: sparse, C is
 * `constant`, denormals of A, B, C and D are zeros; `modifiers` a byte each for CBSZ, ABID, what lanes of B stand
 * for others, what is negated, and which of the indices. */
API void rt_mfma(Wave *s, u64 registers, u64 form, u64 modifiers, u64 constant)
{
    u32 results[2 * 1024];
    Product p = product_of(s->vgpr, registers, form, modifiers, constant);
    if (p.kind_a == KIND_F64)
        multiply_doubles(&p, results);
    else if (p.kind_a == KIND_I8)
        multiply_integers(&p, results);
    else
        multiply_floats(&p, results);
    __builtin_memcpy(p.d, results, 4 * size_of(&p));
}

static u32 undefined_in(const u32 *registers, u32 lane, u32 count)
{
    u32 found = 0;
    for (u32 place = 0; place < count; place++)
        found |= registers[place * LANES + lane];
    return found;
}

/* The same among the shadows: an element of D is undefined where something of A's row, B's column or its own
 * element of C is. */
API void rt_mfma_shadow(Wave *s, u64 registers, u64 form, u64 modifiers)
{
    u32 results[2 * 1024];
    Product p = product_of(s->vgpr + VECTOR_REGISTERS * LANES, registers, form, modifiers, 0);
    u32 length = length_of_a(&p), a_each = each_of(&p, length), b_each = each_of(&p, p.depth);
    u32 a_dwords = (a_each * BITS[p.kind_a] + 31) / 32, b_dwords = (b_each * BITS[p.kind_b] + 31) / 32;
    u32 wide = p.kind_a == KIND_F64, m = p.rows;
    for (u32 block = 0; block < p.blocks; block++) {
        u32 rows[MOST_ROWS], columns[MOST_ROWS];
        for (u32 i = 0; i < m; i++) {
            rows[i] = columns[i] = 0;
            for (u32 group = 0; group < length / a_each; group++) {
                u32 lane = lane_of(&p, i, block_of_a(&p, block), group);
                rows[i] |= undefined_in(p.a, lane, a_dwords);
                if (p.sparse) /* of the register, one set is used */
                    rows[i] |= p.indices[lane] >> 2 * a_each * p.set & ((1u << 2 * a_each) - 1);
            }
            for (u32 group = 0; group < p.depth / b_each; group++)
                columns[i] |= undefined_in(p.b, lane_of_b(&p, lane_of(&p, i, block, group)), b_dwords);
        }
        for (u32 i = 0; i < m; i++)
            for (u32 n = 0; n < m; n++) {
                u32 at = row_of(&p, i, block) + n, own = 0;
                for (u32 half = 0; half <= wide; half++)
                    own |= p.c ? p.c[at + half * LANES] : 0;
                for (u32 half = 0; half <= wide; half++)
                    results[at + half * LANES] = rows[i] | columns[n] | own ? ~0u : 0;
            }
    }
    __builtin_memcpy(p.d, results, 4 * size_of(&p));
}
