// Private arrays indexed out of their bounds, and atomics off their alignment.
#include <hip/hip_runtime.h>

// launch beyond_a_private_array: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:out --arg i32:100000
extern "C" __global__ void beyond_a_private_array(const int *x, int *y, int n)
{
    volatile int kept[16];
    for (int i = 0; i < 16; i++)
        kept[i] = x[i];
    y[threadIdx.x] = kept[(x[threadIdx.x] & 15) + n]; // FAULTS scratch
}

extern "C" __global__ void beyond_a_private_array_fixed(const int *x, int *y, int n)
{
    volatile int kept[16];
    for (int i = 0; i < 16; i++)
        kept[i] = x[i];
    y[threadIdx.x] = kept[(x[threadIdx.x] + n) & 15];
}

// launch stack_too_deep: --grid 1 --block 32 --arg i32[32]:range --arg i32[32]:out --arg i32:70000
extern "C" __global__ void stack_too_deep(const int *x, int *y, int depth)
{
    volatile int stack[8];
    stack[0] = x[threadIdx.x];
    for (int top = 1; top < depth; top++)
        stack[top] = top; // FAULTS scratch
    y[threadIdx.x] = stack[0];
}

extern "C" __global__ void stack_too_deep_fixed(const int *x, int *y, int depth)
{
    volatile int stack[8];
    stack[0] = x[threadIdx.x];
    for (int top = 1; top < depth && top < 8; top++)
        stack[top] = top;
    y[threadIdx.x] = stack[0];
}

// launch packed_counters: --grid 1 --block 1 --arg u8[64]:zeros
extern "C" __global__ void packed_counters(unsigned char *bytes)
{
    atomicAdd(reinterpret_cast<unsigned *>(bytes + 1), 1u); // FAULTS unaligned
}

extern "C" __global__ void packed_counters_fixed(unsigned char *bytes)
{
    atomicAdd(reinterpret_cast<unsigned *>(bytes + 4), 1u);
}

// launch wide_counter_between_words: --grid 1 --block 1 --arg u32[64]:zeros
extern "C" __global__ void wide_counter_between_words(unsigned *words)
{
    atomicAdd(reinterpret_cast<unsigned long long *>(words + 1), 1ull); // FAULTS unaligned
}

extern "C" __global__ void wide_counter_between_words_fixed(unsigned *words)
{
    atomicAdd(reinterpret_cast<unsigned long long *>(words + 2), 1ull);
}
