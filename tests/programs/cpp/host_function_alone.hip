// A program may wait for what a function in a stream says, and make no further call meanwhile.
#include <hip/hip_runtime.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "later.h"
#include "verdict.h"

constexpr int COUNT = 64;

struct Mailbox {
    std::mutex lock;
    std::condition_variable changed;
    int *pinned;
    int sum = -1;
};

__global__ void put(int *values) { values[threadIdx.x] = threadIdx.x; }

static void tell(void *data) {
    Mailbox *box = (Mailbox *)data;
    int sum = 0;
    for (int i = 0; i < COUNT; ++i) sum += box->pinned[i];
    std::lock_guard<std::mutex> held(box->lock);
    box->sum = sum;
    box->changed.notify_all();
}

int main() {
    auto launch_host = later<hipError_t(hipStream_t, hipHostFn_t, void *)>("hipLaunchHostFunc");
    hipStream_t stream;
    HIP(hipStreamCreate(&stream));
    Mailbox box;
    HIP(hipHostMalloc((void **)&box.pinned, COUNT * sizeof(int), 0));
    for (int round = 0; round < 3; ++round) {
        put<<<1, COUNT, 0, stream>>>(box.pinned);
        HIP(launch_host(stream, tell, &box));
        std::unique_lock<std::mutex> held(box.lock);
        CHECK(box.changed.wait_for(held, std::chrono::seconds(60), [&] { return box.sum >= 0; }));
        CHECK(box.sum == COUNT * (COUNT - 1) / 2);
        box.sum = -1;
    }
    HIP(hipStreamDestroy(stream));
    HIP(hipHostFree(box.pinned));
    return verdict_close("host_function_alone");
}
