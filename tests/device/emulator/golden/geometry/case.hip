// Three-dimensional grids and blocks: every builtin index and size.
#include <hip/hip_runtime.h>

extern "C" __global__ void geometry(unsigned *out)
{
    unsigned inner = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    unsigned outer = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    unsigned size = blockDim.x * blockDim.y * blockDim.z;
    unsigned *row = out + 4 * (outer * size + inner);
    row[0] = threadIdx.x | threadIdx.y << 8 | threadIdx.z << 16;
    row[1] = blockIdx.x | blockIdx.y << 8 | blockIdx.z << 16;
    row[2] = blockDim.x | blockDim.y << 8 | blockDim.z << 16;
    row[3] = gridDim.x | gridDim.y << 8 | gridDim.z << 16;
}
