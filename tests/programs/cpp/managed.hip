// Managed memory: one address on both sides, with hints, and a __managed__ variable.
#include <hip/hip_runtime.h>

#include "verdict.h"

__managed__ int shared_counter = 7;

struct Node {
    int value;
    Node *next;
};

__global__ void increment(int *values, int count) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) values[at] += 1;
    if (at == 0) shared_counter += count;
}

__global__ void sum_list(const Node *head, int *sum) {
    for (const Node *node = head; node; node = node->next) *sum += node->value;
}

static void check_hints(int *values, size_t bytes) {
    HIP(hipMemAdvise(values, bytes, hipMemAdviseSetReadMostly, 0));
    int mostly = -1;
    HIP(hipMemRangeGetAttribute(&mostly, sizeof(mostly), hipMemRangeAttributeReadMostly, values, bytes));
    CHECK(mostly == 1);
    HIP(hipMemAdvise(values, bytes, hipMemAdviseUnsetReadMostly, 0));
    HIP(hipMemPrefetchAsync(values, bytes, 0, nullptr));
    HIP(hipMemPrefetchAsync(values, bytes, hipCpuDeviceId, nullptr));
}

int main() {
    const int count = 1500;
    int *values, *sum;
    Node *nodes;
    HIP(hipMallocManaged(&values, count * sizeof(int)));
    HIP(hipMallocManaged(&nodes, 20 * sizeof(Node), hipMemAttachGlobal));
    HIP(hipMallocManaged(&sum, sizeof(int)));
    for (int i = 0; i < count; ++i) values[i] = 3 * i;
    for (int i = 0; i < 20; ++i) nodes[i] = {i * i, i < 19 ? &nodes[i + 1] : nullptr};
    *sum = 100;
    check_hints(values, count * sizeof(int));
    for (int round = 0; round < 3; ++round) {
        increment<<<(count + 255) / 256, 256>>>(values, count);
        HIP(hipDeviceSynchronize());
        values[0] += 1000; // between kernels the host may write
    }
    sum_list<<<1, 1>>>(nodes, sum);
    HIP(hipDeviceSynchronize());
    CHECK(values[0] == 3003);
    for (int i = 1; i < count; ++i) CHECK(values[i] == 3 * i + 3);
    CHECK(*sum == 100 + 2470);
    CHECK(shared_counter == 7 + 3 * count);
    HIP(hipFree(values));
    HIP(hipFree(nodes));
    HIP(hipFree(sum));
    return verdict_close("managed");
}
