// Functions that are really called: recursion, pointers, virtual members, an interpreter's switch.
#include <hip/hip_runtime.h>

__device__ __noinline__ unsigned ackermann_of(unsigned m, unsigned n)
{
    if (m == 0)
        return n + 1;
    return n == 0 ? ackermann_of(m - 1, 1) : ackermann_of(m - 1, ackermann_of(m, n - 1));
}

extern "C" __global__ void ackermann(const unsigned *m, const unsigned *n, unsigned *out, int count)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count)
        out[i] = ackermann_of(m[i], n[i]);
}

__device__ __noinline__ void sort_part(int *data, int first, int last)
{
    if (first >= last)
        return;
    int pivot = data[(first + last) / 2], low = first, high = last;
    while (low <= high) {
        while (data[low] < pivot)
            low++;
        while (data[high] > pivot)
            high--;
        if (low <= high) {
            int swap = data[low];
            data[low++] = data[high];
            data[high--] = swap;
        }
    }
    sort_part(data, first, high);
    sort_part(data, low, last);
}

// Each thread sorts a row of its own, in place in global memory.
extern "C" __global__ void quick_sort(int *rows, int count, int length)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count)
        sort_part(rows + (size_t)i * length, 0, length - 1);
}

struct Node {
    int left, right, value;
};

// In-order walk; `seen` is a local of the caller, reached through a pointer into its frame.
__device__ __noinline__ void walk(const Node *nodes, int at, unsigned *seen)
{
    if (at < 0)
        return;
    walk(nodes, nodes[at].left, seen);
    *seen = *seen * 31 + nodes[at].value;
    walk(nodes, nodes[at].right, seen);
}

extern "C" __global__ void tree_walk(const Node *nodes, const int *roots, unsigned *out, int count)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    unsigned seen = 7;
    walk(nodes, roots[i], &seen);
    out[i] = seen;
}

__device__ __noinline__ float scaled(float x, float y) { return x * 4.0f + y; }
__device__ __noinline__ float larger(float x, float y) { return x > y ? x : y; }
__device__ __noinline__ float product(float x, float y) { return x * y; }
__device__ __noinline__ float nested(float x, float y) { return larger(x, 0.0f) - scaled(y, x); }

typedef float (*Binary)(float, float);
__device__ Binary functions[4] = {scaled, larger, product, nested};

// Lanes of a wave call different functions, chosen by their data, and hand one on to a third.
__device__ __noinline__ float twice(Binary f, float x, float y) { return f(f(x, y), y); }

extern "C" __global__ void function_table(const int *which, const float *x, const float *y, float *out, int count)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count)
        out[i] = twice(functions[which[i]], x[i], y[i]);
}

struct Shape {
    __device__ virtual int area() const { return -1; }
    __device__ virtual int corners() const { return 0; }
};

struct Square : Shape {
    int side;
    __device__ Square(int n) : side(n) {}
    __device__ int area() const override { return side * side; }
    __device__ int corners() const override { return 4; }
};

struct Frame : Square {
    __device__ Frame(int n) : Square(n) {}
    __device__ int area() const override { return 4 * (side - 1); }
    __device__ int corners() const override { return 2 * Square::corners(); }
};

struct Disc : Shape {
    int radius;
    __device__ Disc(int n) : radius(n) {}
    __device__ int area() const override { return 3 * radius * radius; }
};

__device__ __noinline__ int described(const Shape *shape) { return shape->area() * 10 + shape->corners(); }

// Objects in private memory, their functions found by the table each carries.
extern "C" __global__ void virtual_calls(const int *kind, const int *size, int *out, int count)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    Square square(size[i]);
    Frame frame(size[i]);
    Disc disc(size[i]);
    const Shape *shapes[3] = {&square, &frame, &disc};
    out[i] = described(shapes[kind[i]]);
}

#define STACK 8

// A stack machine: each thread runs a program of its own; operations and arguments alternate.
extern "C" __global__ void interpreter(const int *programs, int *out, int count, int length)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    const int *program = programs + (size_t)i * length;
    int stack[STACK] = {0}, top = 0, accumulator = 1;
    for (int at = 0; at + 1 < length; at += 2) {
        int argument = program[at + 1];
        switch (program[at]) {
        case 0: accumulator += argument; break;
        case 1: accumulator *= argument; break;
        case 2: accumulator ^= argument; break;
        case 3: accumulator = accumulator << (argument & 7) | 1; break;
        case 4: stack[top] = accumulator; top = (top + 1) % STACK; break;
        case 5: top = (top + STACK - 1) % STACK; accumulator -= stack[top]; break;
        case 6: if (accumulator & 1) at += 2; break;
        case 7: accumulator = accumulator / 3 + argument; break;
        case 8: accumulator = stack[argument & (STACK - 1)]; break;
        case 20: accumulator = -accumulator;
        // falls through
        case 21: accumulator += 5; break;
        default: accumulator = ~accumulator;
        }
    }
    out[i] = accumulator;
}
