// Graphs node by node: fills, copies, kernels and host functions with their order; asked about, and changed.
#include <hip/hip_runtime.h>

#include <vector>

#include "verdict.h"

constexpr int COUNT = 300;

__global__ void raise(int *values, int count, int amount) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) values[at] += amount * at;
}

static void note(void *data) { *(int *)data += 1; }

struct Work {
    int *block, count = COUNT, amount = 3;
    void *arguments[3] = {&block, &count, &amount};
    std::vector<int> host = std::vector<int>(COUNT, -1);
    int notes = 0;
    hipGraph_t graph;
    hipGraphNode_t fill, kernel, copy, said;
    hipKernelNodeParams kernel_params = {};
};

static void build(Work &work) {
    HIP(hipGraphCreate(&work.graph, 0));
    hipMemsetParams fill = {};
    fill.dst = work.block;
    fill.value = 5;
    fill.elementSize = 4;
    fill.width = COUNT;
    fill.height = 1;
    HIP(hipGraphAddMemsetNode(&work.fill, work.graph, nullptr, 0, &fill));
    work.kernel_params.func = (void *)raise;
    work.kernel_params.gridDim = dim3(3);
    work.kernel_params.blockDim = dim3(128);
    work.kernel_params.kernelParams = work.arguments;
    HIP(hipGraphAddKernelNode(&work.kernel, work.graph, &work.fill, 1, &work.kernel_params));
    HIP(hipGraphAddMemcpyNode1D(&work.copy, work.graph, nullptr, 0, work.host.data(), work.block, COUNT * 4,
                                hipMemcpyDeviceToHost));
    HIP(hipGraphAddDependencies(work.graph, &work.kernel, &work.copy, 1));
    hipHostNodeParams said = {note, &work.notes};
    HIP(hipGraphAddHostNode(&work.said, work.graph, &work.copy, 1, &said));
}

static void check_shape(const Work &work) {
    size_t nodes = 0, roots = 0, edges = 0;
    HIP(hipGraphGetNodes(work.graph, nullptr, &nodes));
    HIP(hipGraphGetRootNodes(work.graph, nullptr, &roots));
    HIP(hipGraphGetEdges(work.graph, nullptr, nullptr, &edges));
    CHECK(nodes == 4 && roots == 1 && edges == 3);
    hipGraphNodeType type;
    HIP(hipGraphNodeGetType(work.kernel, &type));
    CHECK(type == hipGraphNodeTypeKernel);
    hipGraphNode_t before = nullptr;
    size_t count = 1;
    HIP(hipGraphNodeGetDependencies(work.copy, &before, &count));
    CHECK(count == 1 && before == work.kernel);
}

static void run(hipGraphExec_t exec, const Work &work, int amount, int notes) {
    HIP(hipGraphLaunch(exec, nullptr));
    HIP(hipDeviceSynchronize());
    for (int i = 0; i < COUNT; ++i) CHECK(work.host[i] == 5 + amount * i);
    CHECK(work.notes == notes);
}

int main() {
    Work work;
    HIP(hipMalloc(&work.block, COUNT * 4));
    build(work);
    check_shape(work);
    hipGraphExec_t exec;
    HIP(hipGraphInstantiate(&exec, work.graph, nullptr, nullptr, 0));
    work.amount = 1000; // arguments were copied into the node
    run(exec, work, 3, 1);
    run(exec, work, 3, 2);
    work.amount = 8;
    HIP(hipGraphExecKernelNodeSetParams(exec, work.kernel, &work.kernel_params));
    run(exec, work, 8, 3);

    hipGraph_t clone;
    hipGraphExec_t of_clone;
    HIP(hipGraphClone(&clone, work.graph));
    HIP(hipGraphInstantiate(&of_clone, clone, nullptr, nullptr, 0));
    run(of_clone, work, 3, 4); // the graph itself is as it was built
    HIP(hipGraphExecDestroy(of_clone));
    HIP(hipGraphDestroy(clone));

    hipGraphNode_t nested;
    hipGraph_t outer;
    HIP(hipGraphCreate(&outer, 0));
    HIP(hipGraphAddChildGraphNode(&nested, outer, nullptr, 0, work.graph));
    hipGraphExec_t of_outer;
    HIP(hipGraphInstantiate(&of_outer, outer, nullptr, nullptr, 0));
    run(of_outer, work, 3, 5);
    HIP(hipGraphExecDestroy(of_outer));
    HIP(hipGraphDestroy(outer));

    // A circle cannot be run.
    CHECK(hipGraphAddDependencies(work.graph, &work.copy, &work.copy, 1) != hipSuccess);
    (void)hipGetLastError();
    HIP(hipGraphExecDestroy(exec));
    HIP(hipGraphDestroy(work.graph));
    HIP(hipFree(work.block));
    return verdict_close("graph_nodes");
}
