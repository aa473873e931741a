// Memory that kernels allocate themselves, kept from one launch to the next.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

struct Item {
    int value;
    Item *next;
};

__global__ void build(Item **heads, int length) {
    Item *head = nullptr;
    for (int i = 0; i < length; ++i) {
        Item *item = (Item *)malloc(sizeof(Item));
        if (item == nullptr) break;
        item->value = threadIdx.x * 100 + i;
        item->next = head;
        head = item;
    }
    heads[threadIdx.x] = head;
}

__global__ void consume(Item **heads, int *sums) {
    int sum = 0;
    for (Item *item = heads[threadIdx.x]; item != nullptr;) {
        Item *next = item->next;
        sum += item->value;
        free(item);
        item = next;
    }
    sums[threadIdx.x] = sum;
}

int main() {
    Item **heads;
    int *sums, seen[64];
    HIP(hipMalloc(&heads, 64 * sizeof(Item *)));
    HIP(hipMalloc(&sums, sizeof(seen)));
    for (int round = 1; round < 4; ++round) {
        build<<<1, 64>>>(heads, 5 * round);
        consume<<<1, 64>>>(heads, sums);
        HIP(hipMemcpy(seen, sums, sizeof(seen), hipMemcpyDeviceToHost));
        const int n = 5 * round;
        for (int i = 0; i < 64; ++i) CHECK(seen[i] == i * 100 * n + n * (n - 1) / 2);
    }
    HIP(hipFree(heads));
    HIP(hipFree(sums));
    return verdict_close("device_heap");
}
