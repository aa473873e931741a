/* Floats of 16 and 8 bits, and singles; what is rounded is rounded to nearest even, with denormals kept. */
#ifndef ROCVERIFY_HALVES_H
#define ROCVERIFY_HALVES_H

#include "runtime.h"

static inline float as_float(u32 v) { float f; __builtin_memcpy(&f, &v, 4); return f; }
static inline u32 float_bits(float f) { u32 v; __builtin_memcpy(&v, &f, 4); return v; }

/* The exponent is moved by a multiplication, which normalises what is denormal in 16 bits. */
static inline float from_half(u32 h)
{
    u32 magnitude = (h & 0x7fffu) << 13, sign = (h & 0x8000u) << 16;
    u32 finite = float_bits(as_float(magnitude) * 0x1p112f);
    return as_float(sign | (magnitude >= 0x0f800000u ? magnitude | 0x7f800000u : finite));
}

static inline u32 to_half(float f)
{
    u32 bits = float_bits(f), magnitude = bits & 0x7fffffffu, sign = bits >> 16 & 0x8000u;
    if (magnitude > 0x7f800000u)
        return sign | 0x7e00u;
    if (magnitude >= 0x47800000u)
        return sign | 0x7c00u;
    if (magnitude < 0x38800000u) /* the sum's last place is that of a denormal in 16 bits */
        return sign | (float_bits(as_float(magnitude) + 0.5f) - 0x3f000000u);
    return sign | (magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13;
}

static inline float from_bfloat(u32 h) { return as_float(h << 16); }

static inline u32 to_bfloat(float f)
{
    u32 bits = float_bits(f);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return bits >> 16 | 0x40u;
    return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

/* FP8 is E4M3 without infinities, BF8 E5M2. */
static inline float from_fp8(u32 b)
{
    u32 magnitude = (b & 0x7fu) << 20, sign = (b & 0x80u) << 24;
    u32 finite = float_bits(as_float(magnitude) * 0x1p120f);
    return as_float(sign | ((b & 0x7fu) == 0x7fu ? 0x7fc00000u : finite));
}

static inline float from_bf8(u32 b) { return from_half(b << 8); }

#endif
