// Packed and aggregate data: half2, bfloat16, bytes, structures by value, private arrays.
#include <hip/hip_bfloat16.h>
#include <hip/hip_fp16.h>
#include <hip/hip_runtime.h>

#include "../signed_dots.h"

// Pairs of halves: sum, product, fused product, extremes, negation; the odd one left over alone.
extern "C" __global__ void half2_math(const __half *x, const __half *y, const __half *z, __half *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (2 * i + 1 < n) {
        __half2 a = ((const __half2 *)x)[i], b = ((const __half2 *)y)[i], c = ((const __half2 *)z)[i];
        __half2 *row = (__half2 *)out + i;
        int pairs = n / 2;
        row[0] = __hadd2(a, b);
        row[pairs] = __hmul2(a, b);
        row[2 * pairs] = __hfma2(a, b, c);
        row[3 * pairs] = __hsub2(__hneg2(a), c);
    } else if (2 * i < n) {
        __half *last = out + 4 * (n - 1);
        last[0] = __hadd(x[n - 1], y[n - 1]);
        last[1] = __hmul(x[n - 1], y[n - 1]);
        last[2] = __hfma(x[n - 1], y[n - 1], z[n - 1]);
        last[3] = __hsub(__hneg(x[n - 1]), z[n - 1]);
    }
}

typedef _Float16 half4 __attribute__((ext_vector_type(4)));

// Four halves a lane by vector operators; comparisons select, a pair is swapped and broadcast.
extern "C" __global__ void half4_select(const half4 *x, const half4 *y, half4 *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    half4 a = x[i], b = y[i];
    half4 more = a > b ? a : b;
    half4 less = __builtin_elementwise_min(a, b);
    out[3 * i] = more.yxwz;
    out[3 * i + 1] = less * (_Float16)0.5f + a.xxzz;
    out[3 * i + 2] = __builtin_elementwise_abs(a) - b.wzyx;
}

// y = a x + y in bfloat16, rounded after the product and after the sum.
extern "C" __global__ void bfloat16_axpy(const hip_bfloat16 *x, hip_bfloat16 *y, float a, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] = hip_bfloat16(a) * x[i] + y[i];
}

// Dot products of four signed or unsigned bytes, accumulated; and bytes averaged one by one.
extern "C" __global__ void byte_dots(const unsigned *x, const unsigned *y, int *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    unsigned a = x[i], b = y[i];
    out[4 * i] = dot4<true, true>(a, b, -7);
    out[4 * i + 1] = __builtin_amdgcn_udot4(a, b, 9u, false);
    out[4 * i + 2] = dot4<true, false>(a, b, 1);
    uchar4 p = ((const uchar4 *)x)[i], q = ((const uchar4 *)y)[i];
    uchar4 mean = make_uchar4((p.x + q.x + 1) / 2, (p.y + q.y + 1) / 2, (p.z + q.z + 1) / 2, (p.w + q.w + 1) / 2);
    out[4 * i + 3] = mean.x | mean.y << 8 | mean.z << 16 | mean.w << 24;
}

struct Inner {
    char sign;
    double scale;
    short offsets[3];
};

struct Settings {
    unsigned char mode;
    Inner inner;
    float4 weights;
    long long limit;
    unsigned flag : 3, step : 7;
};

__device__ __noinline__ double applied(Settings s, double x) { return s.inner.sign * s.inner.scale * x + s.weights.w; }

// Structures by value as kernel arguments and as an argument of a function, with an array indexed by data.
extern "C" __global__ void struct_arguments(Settings first, Settings second, const double *x, double *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    Settings &chosen = i % 3 ? first : second;
    double value = applied(chosen, x[i]) + chosen.inner.offsets[i % 3] + chosen.mode;
    value += chosen.weights.x - chosen.weights.y * chosen.weights.z + chosen.flag + 8.0 * chosen.step;
    out[i] = value > (double)chosen.limit ? (double)chosen.limit : value;
}

#define SLOTS 96

// A permutation followed from slot to slot in private memory too large and too varied for registers.
extern "C" __global__ void private_arrays(const int *permutation, const int *starts, int *out, int n, int turns)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    int next[SLOTS];
    unsigned char visits[SLOTS];
    short last[SLOTS];
    for (int s = 0; s < SLOTS; s++) {
        next[s] = permutation[s];
        visits[s] = s & 1;
        last[s] = -1;
    }
    int at = starts[i], sum = 0;
    for (int turn = 0; turn < turns; turn++) {
        int to = next[at];
        visits[at]++;
        last[to] = at;
        next[at] = next[(to + i) % SLOTS];
        at = (to + 1) % SLOTS;
    }
    for (int s = 0; s < SLOTS; s++)
        sum += next[s] * (s + 1) + visits[s] * 1000 + last[s] * 3;
    out[i] = sum;
}
