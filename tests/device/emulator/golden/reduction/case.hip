// Several waves, static and dynamic LDS, barriers, shuffles and a ballot.
#include <hip/hip_runtime.h>

extern "C" __global__ void reduction(const int *in, int *sums, unsigned *ballots, int n)
{
    __shared__ int partial[8];
    extern __shared__ int staged[];
    int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    staged[t] = i < n ? in[i] : 0;
    __syncthreads();
    int value = staged[blockDim.x - 1 - t];
    for (int step = warpSize / 2; step > 0; step /= 2)
        value += __shfl_xor(value, step);
    if (t % warpSize == 0)
        partial[t / warpSize] = value;
    unsigned votes = (unsigned)__ballot(staged[t] & 1);
    if (t % warpSize == 0)
        ballots[i / warpSize] = votes;
    __syncthreads();
    if (t == 0) {
        int total = 0;
        for (unsigned w = 0; w < blockDim.x / warpSize; w++)
            total += partial[w];
        sums[blockIdx.x] = total + __shfl(value, 0);
    }
}
