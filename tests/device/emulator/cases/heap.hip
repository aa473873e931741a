// Device malloc and free, new and delete.
#include <hip/hip_runtime.h>

extern "C" __global__ void small(int *out)
{
    int *p = (int *)malloc(4 * sizeof(int));
    for (int i = 0; i < 4; ++i)
        p[i] = i + threadIdx.x;
    out[blockIdx.x * blockDim.x + threadIdx.x] = p[0] + p[3];
    free(p);
}

struct Node {
    int value;
    Node *next;
    __device__ Node(int v, Node *n) : value(v), next(n) {}
    __device__ virtual ~Node() { value = -1; }
};

extern "C" __global__ void list(int *out, int n)
{
    Node *head = nullptr;
    for (int i = 0; i < n; i++)
        head = new Node(i + threadIdx.x, head);
    int sum = 0;
    while (head) {
        sum += head->value;
        Node *next = head->next;
        delete head;
        head = next;
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

extern "C" __global__ void keep(int **slots, size_t bytes)
{
    int *p = (int *)malloc(bytes);
    if (p)
        p[0] = threadIdx.x, p[bytes / 4 - 1] = threadIdx.x + 1000;
    slots[threadIdx.x] = p;
}

extern "C" __global__ void give_back(int **slots, int *out, size_t bytes)
{
    int *p = slots[threadIdx.x];
    out[threadIdx.x] = p[0] + p[bytes / 4 - 1];
    free(p);
}

extern "C" __global__ void used_after_free(int **slots, int *out)
{
    out[threadIdx.x] = slots[threadIdx.x][0];
}
