/* Float arithmetic in every rounding mode, lane by lane in integers: for MODEs that do not round to
 * nearest even, which translated code does with the host's own instructions. Operands are 64 bits a
 * lane, of which a format takes the low ones. Denormals are kept: translated code flushes. */
#include "runtime.h"

#define API __attribute__((visibility("default")))

typedef unsigned __int128 u128;

enum Operation { ROUND_ADD, ROUND_MUL, ROUND_FMA, ROUND_CONVERT, ROUND_INTEGER, ROUND_SCALE };
enum Rounding { NEAREST_EVEN, UPWARD, DOWNWARD, TOWARDS_ZERO };

typedef struct {
    u32 bits, mantissa;
} Format;

static const Format FORMATS[] = {{16, 10}, {32, 23}, {64, 52}};

/* A finite value: sign, and mantissa * 2**exponent. */
typedef struct {
    u32 sign;
    u128 mantissa;
    i32 exponent;
} Number;

#define TOP 125 /* the highest bit of a normalised mantissa: two are left for sums */

static inline u64 exponent_ones(Format f) { return (1ull << (f.bits - 1 - f.mantissa)) - 1; }
static inline u64 infinity(Format f) { return exponent_ones(f) << f.mantissa; }
static inline u64 quiet_nan(Format f) { return infinity(f) | 1ull << (f.mantissa - 1); }
static inline u64 sign_bit(Format f) { return 1ull << (f.bits - 1); }
static inline u64 magnitude(Format f, u64 x) { return x & (sign_bit(f) - 1); }
static inline u32 is_nan(Format f, u64 x) { return magnitude(f, x) > infinity(f); }
static inline u32 is_infinite(Format f, u64 x) { return magnitude(f, x) == infinity(f); }
static inline u32 sign_of(Format f, u64 x) { return x >> (f.bits - 1) & 1; }
static inline i32 least_exponent(Format f) { return 1 - (i32)(exponent_ones(f) >> 1) - (i32)f.mantissa; }

static inline u32 bit_length(u128 v)
{
    u64 high = (u64)(v >> 64), low = (u64)v;
    return high ? 128 - (u32)__builtin_clzll(high) : low ? 64 - (u32)__builtin_clzll(low) : 0;
}

static Number unpack(Format f, u64 x)
{
    u64 exponent = x >> f.mantissa & exponent_ones(f), fraction = x & ((1ull << f.mantissa) - 1);
    Number n = {sign_of(f, x), fraction | (u64)(exponent != 0) << f.mantissa,
                least_exponent(f) + (i32)(exponent ? exponent - 1 : 0)};
    return n;
}

static u64 overflow(Format f, u32 sign, u32 rounding)
{
    u32 away = rounding == NEAREST_EVEN || rounding == (sign ? DOWNWARD : UPWARD);
    return (u64)sign << (f.bits - 1) | (away ? infinity(f) : infinity(f) - 1);
}

/* Rounds once. */
static u64 pack(Format f, Number n, u32 rounding)
{
    u64 top = (u64)n.sign << (f.bits - 1);
    if (!n.mantissa)
        return top;
    i32 least = least_exponent(f), length = (i32)bit_length(n.mantissa);
    i32 drop = length - ((i32)f.mantissa + 1);
    if (drop < least - n.exponent)
        drop = least - n.exponent;
    u64 kept;
    if (drop <= 0) {
        kept = (u64)(n.mantissa << -drop);
    } else {
        u32 gone = drop > length; /* less than half a unit */
        u128 rest = gone ? 1 : n.mantissa & (((u128)1 << drop) - 1), half = gone ? 2 : (u128)1 << (drop - 1);
        kept = gone ? 0 : (u64)(n.mantissa >> drop);
        u32 up = rounding == NEAREST_EVEN ? rest > half || (rest == half && (kept & 1))
                                          : rest && rounding == (n.sign ? DOWNWARD : UPWARD);
        kept += up;
    }
    i32 exponent = n.exponent + drop;
    if (kept >> (f.mantissa + 1)) {
        kept >>= 1;
        exponent++;
    }
    if (!(kept >> f.mantissa))
        return top | kept;
    u64 biased = (u64)(exponent - least + 1);
    if (biased >= exponent_ones(f))
        return overflow(f, n.sign, rounding);
    return top | biased << f.mantissa | (kept & ((1ull << f.mantissa) - 1));
}

static Number normalised(Number n)
{
    i32 shift = TOP + 1 - (i32)bit_length(n.mantissa);
    n.mantissa <<= shift;
    n.exponent -= shift;
    return n;
}

/* What is shifted out stays as a lowest bit that is set: it decides rounding, and no more. */
static inline u128 shifted(u128 v, i32 count)
{
    if (count > TOP)
        return v != 0;
    return v >> count | ((v & (((u128)1 << count) - 1)) != 0);
}

static Number sum(Number a, Number b, u32 rounding)
{
    if (!a.mantissa && !b.mantissa) {
        a.sign = a.sign == b.sign ? a.sign : rounding == DOWNWARD;
        return a;
    }
    if (!a.mantissa)
        return b;
    if (!b.mantissa)
        return a;
    a = normalised(a);
    b = normalised(b);
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.mantissa < b.mantissa)) {
        Number t = a;
        a = b;
        b = t;
    }
    u128 other = shifted(b.mantissa, a.exponent - b.exponent);
    if (a.sign == b.sign) {
        a.mantissa += other;
    } else {
        a.mantissa -= other;
        if (!a.mantissa)
            a.sign = rounding == DOWNWARD;
    }
    return a;
}

static Number product(Number a, Number b)
{
    Number n = {a.sign ^ b.sign, a.mantissa * b.mantissa, a.exponent + b.exponent};
    return n;
}

static u64 add(Format f, u64 a, u64 b, u32 rounding)
{
    if (is_nan(f, a) || is_nan(f, b))
        return quiet_nan(f);
    if (is_infinite(f, a))
        return is_infinite(f, b) && sign_of(f, a) != sign_of(f, b) ? quiet_nan(f) : a;
    if (is_infinite(f, b))
        return b;
    return pack(f, sum(unpack(f, a), unpack(f, b), rounding), rounding);
}

static u64 multiply(Format f, u64 a, u64 b, u32 rounding)
{
    if (is_nan(f, a) || is_nan(f, b))
        return quiet_nan(f);
    if (is_infinite(f, a) || is_infinite(f, b)) {
        u64 sign = (a ^ b) & sign_bit(f);
        return !magnitude(f, a) || !magnitude(f, b) ? quiet_nan(f) : sign | infinity(f);
    }
    return pack(f, product(unpack(f, a), unpack(f, b)), rounding);
}

/* (a * b + c) * 2**scale */
static u64 fused(Format f, u64 a, u64 b, u64 c, i32 scale, u32 rounding)
{
    if (is_nan(f, a) || is_nan(f, b) || is_nan(f, c))
        return quiet_nan(f);
    u32 sign = sign_of(f, a) ^ sign_of(f, b);
    if (is_infinite(f, a) || is_infinite(f, b)) {
        u32 invalid = !magnitude(f, a) || !magnitude(f, b) || (is_infinite(f, c) && sign_of(f, c) != sign);
        return invalid ? quiet_nan(f) : (u64)sign << (f.bits - 1) | infinity(f);
    }
    if (is_infinite(f, c))
        return c;
    Number n = sum(product(unpack(f, a), unpack(f, b)), unpack(f, c), rounding);
    n.exponent += scale;
    return pack(f, n, rounding);
}

static u64 convert(Format from, Format to, u64 x, u32 rounding)
{
    if (is_nan(from, x))
        return quiet_nan(to);
    if (is_infinite(from, x))
        return (u64)sign_of(from, x) << (to.bits - 1) | infinity(to);
    return pack(to, unpack(from, x), rounding);
}

static u64 from_integer(Format f, i64 value, u32 rounding)
{
    Number n = {value < 0, value < 0 ? 0 - (u64)value : (u64)value, 0};
    return pack(f, n, rounding);
}

static u64 scaled(Format f, u64 x, i64 scale, u32 rounding)
{
    if (is_nan(f, x))
        return quiet_nan(f);
    if (is_infinite(f, x))
        return x;
    Number n = unpack(f, x);
    n.exponent += (i32)(scale < -8192 ? -8192 : scale > 8192 ? 8192 : scale);
    return pack(f, n, rounding);
}

/* `operands` holds four rows of `lanes`: a, b, c and a scale; results replace a. */
API void rt_directed(u64 *operands, u32 lanes, u64 exec, u32 operation, u32 format, u32 source, u32 rounding)
{
    Format f = FORMATS[format];
    u64 *a = operands, *b = a + lanes, *c = b + lanes, *d = c + lanes;
    for (u64 left = exec; left; left &= left - 1) {
        u32 i = (u32)__builtin_ctzll(left);
        switch (operation) {
        case ROUND_ADD: a[i] = add(f, a[i], b[i], rounding); break;
        case ROUND_MUL: a[i] = multiply(f, a[i], b[i], rounding); break;
        case ROUND_FMA: a[i] = fused(f, a[i], b[i], c[i], (i32)d[i], rounding); break;
        case ROUND_CONVERT: a[i] = convert(FORMATS[source], f, a[i], rounding); break;
        case ROUND_INTEGER: a[i] = from_integer(f, (i64)a[i], rounding); break;
        default: a[i] = scaled(f, a[i], (i64)d[i], rounding); break;
        }
    }
}
