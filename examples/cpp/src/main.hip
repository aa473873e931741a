// A program with its kernel in it: y += a * x on the device, compared on the host.
#include <hip/hip_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../kernels/saxpy.hip"

// Device pointers to n floats; does not wait for the kernel.
hipError_t add_scaled(float a, const float* x, float* y, int n) {
  saxpy<<<(n + 255) / 256, 256>>>(a, x, y, n);
  return hipGetLastError();
}

#define CHECK(call) \
  if (hipError_t error = (call)) return std::printf("%s\n", hipGetErrorString(error)), 1

int main(int argc, char** argv) {
  int n = argc > 1 ? std::atoi(argv[1]) : 1000;
  size_t bytes = n * sizeof(float);
  std::vector<float> x(n, 1.0f), y(n, 2.0f);
  float *on_device_x, *on_device_y;
  CHECK(hipMalloc((void**)&on_device_x, bytes));
  CHECK(hipMalloc((void**)&on_device_y, bytes));
  CHECK(hipMemcpy(on_device_x, x.data(), bytes, hipMemcpyHostToDevice));
  CHECK(hipMemcpy(on_device_y, y.data(), bytes, hipMemcpyHostToDevice));
  CHECK(add_scaled(3.0f, on_device_x, on_device_y, n));
  CHECK(hipMemcpy(y.data(), on_device_y, bytes, hipMemcpyDeviceToHost));
  CHECK(hipFree(on_device_x));
  CHECK(hipFree(on_device_y));
  for (float value : y)
    if (value != 5.0f) return std::puts("FAIL"), 1;
  return std::puts("PASS"), 0;
}
