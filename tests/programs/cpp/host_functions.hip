// Callbacks and host functions run in their stream's order, between what was queued around them.
#include <hip/hip_runtime.h>

#include <atomic>

#include "later.h"
#include "verdict.h"

constexpr int COUNT = 256;

struct Notes {
    int *pinned;
    std::atomic<int> seen[3];
    std::atomic<int> calls;
    hipError_t status;
    hipStream_t stream;
};

__global__ void put(int *values, int value) { values[threadIdx.x] = value; }

static void look(void *data) {
    Notes *notes = (Notes *)data;
    notes->seen[notes->calls++] = notes->pinned[COUNT - 1];
}

static void called_back(hipStream_t stream, hipError_t status, void *data) {
    Notes *notes = (Notes *)data;
    notes->stream = stream;
    notes->status = status;
    look(data);
    notes->pinned[0] = 1000; // what follows in the stream sees it
}

__global__ void add_first(const int *first, int *last) { *last = *first + 1; }

int main() {
    Notes notes = {};
    notes.status = hipErrorUnknown;
    hipStream_t stream;
    auto launch_host = later<hipError_t(hipStream_t, hipHostFn_t, void *)>("hipLaunchHostFunc");
    HIP(hipStreamCreate(&stream));
    HIP(hipHostMalloc((void **)&notes.pinned, COUNT * sizeof(int), 0));
    put<<<1, COUNT, 0, stream>>>(notes.pinned, 1);
    HIP(launch_host(stream, look, &notes));
    put<<<1, COUNT, 0, stream>>>(notes.pinned, 2);
    HIP(launch_host(stream, look, &notes));
    put<<<1, COUNT, 0, stream>>>(notes.pinned, 3);
    HIP(hipStreamAddCallback(stream, called_back, &notes, 0));
    HIP(hipMemcpyAsync(notes.pinned + 1, notes.pinned, sizeof(int), hipMemcpyHostToHost, stream));
    HIP(hipStreamSynchronize(stream));
    CHECK(notes.calls == 3);
    for (int i = 0; i < 3; ++i) CHECK(notes.seen[i] == i + 1);
    CHECK(notes.status == hipSuccess && notes.stream == stream);
    CHECK(notes.pinned[0] == 1000 && notes.pinned[1] == 1000 && notes.pinned[2] == 3);
    add_first<<<1, 1, 0, stream>>>(notes.pinned, notes.pinned + COUNT - 1);
    HIP(hipDeviceSynchronize());
    CHECK(notes.pinned[COUNT - 1] == 1001);
    HIP_GIVES(hipErrorInvalidValue, launch_host(stream, nullptr, nullptr));
    (void)hipGetLastError();
    HIP(hipStreamDestroy(stream));
    HIP(hipHostFree(notes.pinned));
    return verdict_close("host_functions");
}
