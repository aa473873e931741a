// Atomics of every kind. What a result depends on order for is turned into something that does not: tickets
// are counted, exchanged values are collected by exclusive or.
#include <hip/hip_runtime.h>

// What atomicInc and atomicDec are: the headers of HIP 5.2 name an intrinsic that clang 19 has no more.
#define wrapping_inc(place, limit) __builtin_amdgcn_atomic_inc32(place, limit, __ATOMIC_RELAXED, "agent")
#define wrapping_dec(place, limit) __builtin_amdgcn_atomic_dec32(place, limit, __ATOMIC_RELAXED, "agent")

// 32-bit integers in global memory, none of the results used.
extern "C" __global__ void atomics_plain(const int *in, int *out, unsigned *bare, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    int v = in[i];
    atomicAdd(&out[0], v);
    atomicSub(&out[1], v);
    atomicMin(&out[2], v);
    atomicMax(&out[3], v);
    atomicAnd(&out[4], v);
    atomicOr(&out[5], v);
    atomicXor(&out[6], v);
    atomicMin(&bare[0], (unsigned)v);
    atomicMax(&bare[1], (unsigned)v);
    wrapping_inc(&bare[2], 36u);
    wrapping_dec(&bare[3], 36u);
}

// Results used: every ticket is drawn once, every value that goes in comes out.
extern "C" __global__ void atomics_returning(const unsigned *in, unsigned *state, unsigned *drawn, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    atomicAdd(&drawn[atomicAdd(&state[0], 1u)], 1u);
    atomicXor(&state[1], atomicExch(&state[2], in[i]));
    atomicAdd(&state[4], wrapping_inc(&state[3], 6u));
    atomicAdd(&state[6], wrapping_dec(&state[5], 6u));
    if (atomicOr(&state[7], 1u << (in[i] & 31)) >> (in[i] & 31) & 1)
        atomicAdd(&state[8], 1u);
    unsigned seen = __atomic_load_n(&state[9], __ATOMIC_RELAXED), next;
    do {
        next = seen;
        seen = atomicCAS(&state[9], next, next * 5u + 3u);
    } while (seen != next);
}

// 64-bit integers in global memory.
extern "C" __global__ void atomics_wide(const unsigned long long *in, unsigned long long *out, unsigned *drawn, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    unsigned long long v = in[i];
    atomicAdd(&out[0], v);
    atomicMin(&out[1], v);
    atomicMax(&out[2], v);
    atomicAnd(&out[3], v);
    atomicOr(&out[4], v);
    atomicXor(&out[5], v);
    atomicXor(&out[6], atomicExch(&out[7], v));
    unsigned long long ticket = atomicAdd(&out[8], 1ull << 33);
    atomicAdd(&drawn[ticket >> 33], 1u);
    unsigned long long seen = __atomic_load_n(&out[9], __ATOMIC_RELAXED), next;
    do {
        next = seen;
        seen = atomicCAS(&out[9], next, next + (v | 1));
    } while (seen != next);
}

// Floating point: sums of numbers whose sums are exact, and extremes by compare-and-swap of the bits.
extern "C" __global__ void atomics_float(const float *in, float *single, double *twice, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    atomicAdd(&single[0], in[i]);
    atomicExch(&single[1], 7.5f);
    atomicAdd(&twice[0], (double)in[i]);
    unsigned long long *bits = (unsigned long long *)&twice[1], next;
    unsigned long long seen = __atomic_load_n(bits, __ATOMIC_RELAXED);
    do {
        next = seen;
        if (__longlong_as_double(next) >= (double)in[i])
            break;
        seen = atomicCAS(bits, next, (unsigned long long)__double_as_longlong(in[i]));
    } while (seen != next);
    unsigned *word = (unsigned *)&single[2], before = __atomic_load_n(word, __ATOMIC_RELAXED), held;
    do {
        held = before;
        before = atomicCAS(word, held, __float_as_uint(fminf(__uint_as_float(held), in[i])));
    } while (before != held);
}

typedef __attribute__((address_space(3))) float LdsFloat;

// All kinds again in LDS, of all three sorts; the block's results go out at the end.
extern "C" __global__ void atomics_lds(const unsigned *in, unsigned *out, unsigned long long *wide, float *real, int n)
{
    __shared__ unsigned word[9], drawn[128];
    __shared__ unsigned long long pair[4];
    __shared__ float sum, low, high;
    __shared__ int least, most;
    int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    if (t < 9)
        word[t] = t == 1 || t == 3 ? ~0u : 0;
    if (t < 4)
        pair[t] = t == 1 ? ~0ull : 0;
    if (t == 0) {
        sum = 0.0f;
        low = INFINITY;
        high = -INFINITY;
        least = 0x7fffffff;
        most = -0x7fffffff - 1;
    }
    drawn[t] = 0;
    __syncthreads();
    if (i < n) {
        unsigned v = in[i];
        atomicAdd(&word[0], v);
        atomicMin(&word[1], v);
        atomicMax(&word[2], v);
        atomicAnd(&word[3], v);
        atomicOr(&word[4], v);
        atomicXor(&word[5], v);
        atomicXor(&word[6], atomicExch(&word[7], v));
        atomicAdd(&drawn[wrapping_inc(&word[8], 10u)], 1u);
        atomicMin(&least, (int)v);
        atomicMax(&most, (int)v);
        atomicAdd(&pair[0], (unsigned long long)v << 20);
        atomicMin(&pair[1], (unsigned long long)v << 20);
        atomicMax(&pair[2], (unsigned long long)v << 20);
        atomicXor(&pair[3], (unsigned long long)v << 20);
        float f = ((int)(v & 255) - 128) * 0.25f;
        atomicAdd(&sum, f);
        __builtin_amdgcn_ds_fminf((LdsFloat *)&low, f, 0, 0, false);
        __builtin_amdgcn_ds_fmaxf((LdsFloat *)&high, f, 0, 0, false);
    }
    __syncthreads();
    unsigned *row = out + 24 * blockIdx.x;
    if (t < 24)
        row[t] = t < 6 ? word[t] : t == 6 ? word[6] ^ word[7] : t == 7 ? word[8] : t == 8 ? least : t == 9 ? most
                                                                                         : drawn[t - 10];
    if (t < 4)
        wide[4 * blockIdx.x + t] = pair[t];
    if (t < 3)
        real[3 * blockIdx.x + t] = t == 0 ? sum : t == 1 ? low : high;
}
