// What lanes of a wave tell each other: votes, shuffles, scans, matches. Every result is brought into a form
// that does not depend on the wave's width: masks by 32 lanes, answers and sums by workgroup. On RDNA a shuffle
// reaches no farther than 32 lanes, also in waves of 64.
#include <hip/hip_runtime.h>

// The 32 bits of a wave's mask that belong to this lane's half, or to the whole wave of 32.
__device__ static unsigned half_of(unsigned long long mask) { return (unsigned)(mask >> (threadIdx.x % warpSize & 32)); }

// Ballot, any and all, in full waves and among the lanes that are left after a branch (which ask something else:
// clang 15 takes a second ballot of the same comparison from the first one).
extern "C" __global__ void votes(const int *in, unsigned *ballots, int *answers)
{
    __shared__ int some[2], every[2];
    int i = blockIdx.x * blockDim.x + threadIdx.x, v = in[i];
    if (threadIdx.x < 2) {
        some[threadIdx.x] = 0;
        every[threadIdx.x] = 1;
    }
    __syncthreads();
    ballots[2 * i] = half_of(__ballot(v > 0));
    atomicOr(&some[0], __any(v > 90));
    atomicAnd(&every[0], __all(v > -90));
    unsigned among = 0xffffffffu;
    if (v & 1) {
        among = half_of(__ballot(v > 5));
        atomicOr(&some[1], __any(v > 60));
        atomicAnd(&every[1], __all(v > -60));
    }
    ballots[2 * i + 1] = among;
    __syncthreads();
    if (threadIdx.x < 4)
        answers[4 * blockIdx.x + threadIdx.x] = threadIdx.x < 2 ? some[threadIdx.x] : every[threadIdx.x - 2];
}

// The four shuffles of words, doubles and 64-bit integers, over 32 lanes and over parts of them.
extern "C" __global__ void shuffles(const int *in, int *out, double *real, long long *wide)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, v = in[i];
    int *row = out + 8 * i;
    row[0] = __shfl(v, 5, 32);
    row[1] = __shfl(v, v & 31, 32);
    row[2] = __shfl_up(v, 3, 32);
    row[3] = __shfl_down(v, 7, 32);
    row[4] = __shfl_xor(v, 17);
    row[5] = __shfl(v, 3, 8);
    row[6] = __shfl_up(v, 1, 16);
    row[7] = __shfl_down(v, 2, 4);
    real[i] = __shfl_xor(v * 0.5, 9);
    wide[i] = __shfl_up((long long)v << 33, 1u, 32);
}

// Inclusive scan of a workgroup: 32 lanes by shuffles, joined over LDS.
extern "C" __global__ void wave_scan(const int *in, int *out)
{
    __shared__ int totals[4];
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32, group = threadIdx.x / 32;
    int sum = in[i];
    for (int step = 1; step < 32; step *= 2) {
        int before = __shfl_up(sum, step, 32);
        if (lane >= step)
            sum += before;
    }
    if (lane == 31)
        totals[group] = sum;
    __syncthreads();
    for (int w = 0; w < group; w++)
        sum += totals[w];
    out[i] = sum;
}

// Each lane takes as many turns as its value says: loops with different ends, break and continue.
extern "C" __global__ void divergent_loops(const int *in, int *turns, unsigned *together)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x, left = in[i] & 15, taken = 0;
    unsigned seen = 0;
    while (true) {
        if (left == 0)
            break;
        left--;
        if (left % 3 == 1)
            continue;
        seen = seen * 31 + __popc(half_of(__ballot(left > 4)));
        for (int j = 0; j < left; j++)
            taken += j & 1 ? 2 : 1;
    }
    turns[i] = taken;
    together[i] = seen;
}

// How often each value occurs in a workgroup: a leader found by ffs counts its peers, which drop out.
extern "C" __global__ void match_any(const int *in, int *counts)
{
    __shared__ int count[8];
    int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % warpSize, v = in[i] & 7;
    if (threadIdx.x < 8)
        count[threadIdx.x] = 0;
    __syncthreads();
    unsigned long long left = __ballot(1);
    while (left) {
        int leader = __ffsll(left) - 1;
        unsigned long long same = __ballot(v == __builtin_amdgcn_readlane(v, leader));
        if (lane == leader)
            atomicAdd(&count[v], __popcll(same));
        left &= ~same;
    }
    __syncthreads();
    if (threadIdx.x < 8)
        counts[8 * blockIdx.x + threadIdx.x] = count[threadIdx.x];
}
