// LLVM's buffer intrinsics on resources made by hand: past their end loads give 0 and stores do nothing.
#include <hip/hip_runtime.h>

typedef int i32x4 __attribute__((ext_vector_type(4)));
typedef float f32x2 __attribute__((ext_vector_type(2)));
typedef float f32x4 __attribute__((ext_vector_type(4)));

__device__ float raw_load(i32x4, int offset, int soffset, int cache) __asm("llvm.amdgcn.raw.buffer.load.f32");
__device__ f32x4 raw_load4(i32x4, int offset, int soffset, int cache) __asm("llvm.amdgcn.raw.buffer.load.v4f32");
__device__ void raw_store(float, i32x4, int offset, int soffset, int cache)
    __asm("llvm.amdgcn.raw.buffer.store.f32");
__device__ int raw_add(int, i32x4, int offset, int soffset, int cache) __asm("llvm.amdgcn.raw.buffer.atomic.add.i32");
__device__ f32x2 struct_load(i32x4, int index, int offset, int soffset, int cache)
    __asm("llvm.amdgcn.struct.buffer.load.v2f32");
__device__ int scalar_load(i32x4, int offset, int cache) __asm("llvm.amdgcn.s.buffer.load.i32");

__device__ i32x4 resource(const void *base, int stride, int records, int flags)
{
    unsigned long long address = (unsigned long long)base;
    return i32x4{(int)address, (int)(address >> 32) | stride << 16, records, flags};
}

extern "C" __global__ void buffers(const float *in, float *out, float *sums, float *pairs, int *counters, int held,
                                   int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int raw = 0x31004000, structured = 0x01004000;
    i32x4 source = resource(in, 0, 4 * held, raw), target = resource(out, 0, 4 * held, raw);
    raw_store(raw_load(source, 4 * i, 0, 0) + 1.0f, target, 4 * i, 0, 0);
    f32x4 four = raw_load4(source, 16 * i, 8, 0);
    sums[i] = four.x + four.y + four.z + four.w;
    f32x2 pair = struct_load(resource(in, 12, held / 3, structured), i, 4, 0, 0);
    pairs[2 * i] = pair.x;
    pairs[2 * i + 1] = pair.y;
    counters[4 + i] = raw_add(i, resource(counters, 0, 16, raw), 4 * (i % 5), 0, 0) >= 0;
    if (i == 0)
        counters[4 + n] = scalar_load(source, 8, 0) + scalar_load(source, 4 * held, 0);
}
