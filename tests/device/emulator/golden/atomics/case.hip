// Atomics on global memory and LDS, with and without a result.
#include <hip/hip_runtime.h>

extern "C" __global__ void atomics(const unsigned *in, unsigned *out, unsigned long long *wide, float *real, int n)
{
    __shared__ unsigned local[4];
    int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    if (t < 4)
        local[t] = t == 1 ? 0xffffffffu : 0;
    __syncthreads();
    if (i < n) {
        atomicAdd(&local[0], in[i]);
        atomicMin(&local[1], in[i]);
        atomicMax(&local[2], in[i]);
        unsigned order = atomicAdd(&out[0], 1u);
        atomicOr(&out[4 + order / 32], 1u << (order % 32));
        atomicXor(&out[1], in[i]);
        atomicAdd(wide, (unsigned long long)in[i] << 20);
        atomicMax(&wide[1], (unsigned long long)in[i] << 31);
        atomicAdd(real, 0.5f);
        unsigned seen = out[2], next;
        do {
            next = seen;
            seen = atomicCAS(&out[2], next, next + (in[i] & 3));
        } while (seen != next);
        if (in[i] == 12345u)
            atomicExch(&out[3], 777u);
    }
    __syncthreads();
    if (t < 3)
        out[32 + 4 * blockIdx.x + t] = local[t];
}
