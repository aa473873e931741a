// Kernels that print, assert and ask for memory; and what they know of their launch.
#include <hip/hip_runtime.h>
#include <cassert>

__constant__ float table[4] = {1, 2, 3, 4};
__device__ int counter = 5;

extern "C" __global__ void say(int n, double d, const char *unused, unsigned long long big)
{
    int me = threadIdx.x;
    printf("%d|%5d|%-5d|%05d|%+d|%x|%#X|%o|%u|%lld|%llx|%zu\n", n + me, n, n, n, n, n, n, n, n, (long long)big,
           big, (size_t)big);
    printf("%f|%.2f|%10.3e|%g|%G|%a|%.*f|%*d|%%|%c|%s|%8s|%-8s|%.2s\n", d, d, d, d, d, d, 3, d, 6, n, 'q',
           "text", "text", "text", "text");
    printf("%p|%hhd|%hd|%ld\n", (void *)0x1234, n + 256, n + 65536, (long)n);
}

extern "C" __global__ void in_turn(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        if (threadIdx.x % warpSize == 0)
            printf("group %d wave %d round %d\n", (int)blockIdx.x, (int)(threadIdx.x / warpSize), i);
        __syncthreads();
    }
}

extern "C" __global__ void long_text(int *length)
{
    *length = printf("0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 %s\n",
                     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
}

extern "C" __global__ void padded(int width)
{
    printf("%*d", width, 1);
}

extern "C" __global__ void checked(const int *x, int n)
{
    int i = threadIdx.x;
    assert(x[i] < n); // the assertion
}

typedef long pair __attribute__((ext_vector_type(2)));
extern "C" __device__ pair __ockl_hostcall_internal(void *, unsigned, unsigned long, unsigned long, unsigned long,
                                                    unsigned long, unsigned long, unsigned long, unsigned long,
                                                    unsigned long);

__device__ pair call(unsigned service, unsigned long a, unsigned long b)
{
    auto hidden = (unsigned long const __attribute__((address_space(4))) *)__builtin_amdgcn_implicitarg_ptr();
    return __ockl_hostcall_internal((void *)hidden[CODE_OBJECT_VERSION >= 5 ? 10 : 3], service, a, b, 0, 0, 0, 0, 0,
                                    0);
}

extern "C" __global__ void other_service(unsigned service)
{
    call(service, 0, 0);
}

extern "C" __global__ void ask_for_memory(unsigned **kept)
{
    unsigned *own = (unsigned *)call(3, 0, 64).x;
    own[threadIdx.x] = threadIdx.x * 3;
    kept[threadIdx.x] = own;
}

extern "C" __global__ void give_back(unsigned **kept, unsigned *out)
{
    out[threadIdx.x] = kept[threadIdx.x][threadIdx.x];
    call(3, (unsigned long)kept[threadIdx.x], 0);
}

extern "C" __global__ void use_after_giving_back(unsigned **kept)
{
    unsigned *own = (unsigned *)call(3, 0, 64).x;
    own[0] = 1;
    call(3, (unsigned long)own, 0);
    own[1] = 2; // too late
}

extern "C" __global__ void queue_user(unsigned *out)
{
    auto hidden = (unsigned long const __attribute__((address_space(4))) *)__builtin_amdgcn_implicitarg_ptr();
    out[0] = *(volatile unsigned *)hidden[13]; // hidden_default_queue from version 5 on
}

extern "C" __global__ void variables(float *out)
{
    out[threadIdx.x] = table[threadIdx.x % 4] + counter;
    if (threadIdx.x == 0)
        counter += 1;
}

extern "C" __device__ size_t __ockl_get_local_size(unsigned);
extern "C" __device__ size_t __ockl_get_global_size(unsigned);
extern "C" __device__ size_t __ockl_get_num_groups(unsigned);
extern "C" __device__ size_t __ockl_get_global_id(unsigned);
extern "C" __device__ size_t __ockl_get_global_offset(unsigned);
extern "C" __device__ unsigned __ockl_get_work_dim(void);

extern "C" __global__ void launch_facts(unsigned *out)
{
    if (threadIdx.x | threadIdx.y | threadIdx.z | blockIdx.x | blockIdx.y | blockIdx.z)
        return;
    unsigned at = 0;
    for (unsigned axis = 0; axis < 3; axis++) {
        out[at++] = __ockl_get_local_size(axis);
        out[at++] = __ockl_get_global_size(axis);
        out[at++] = __ockl_get_num_groups(axis);
        out[at++] = __ockl_get_global_offset(axis);
    }
    out[at++] = __ockl_get_work_dim();
    out[at++] = blockDim.x * 10000 + blockDim.y * 100 + blockDim.z;
    out[at++] = gridDim.x * 10000 + gridDim.y * 100 + gridDim.z;
}
