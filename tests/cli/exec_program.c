/* A HIP program for the tests of `rocverify exec`: what it does is its first argument. */
#define __HIP_PLATFORM_AMD__
#include <hip/hip_runtime_api.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT 1000

static int scaled(const char *module_path, int workitems) {
  float host[COUNT], *device = NULL, factor = 3.0f;
  int count = workitems;
  hipModule_t module;
  hipFunction_t function;
  for (int i = 0; i < COUNT; i++) host[i] = 1.0f;
  if (hipModuleLoad(&module, module_path) || hipModuleGetFunction(&function, module, "scale")) return 2;
  if (hipMalloc((void **)&device, sizeof host)) return 3;
  if (hipMemcpy(device, host, sizeof host, hipMemcpyHostToDevice)) return 4;
  void *parameters[] = {&device, &factor, &count};
  if (hipModuleLaunchKernel(function, 4, 1, 1, 256, 1, 1, 0, NULL, parameters, NULL)) return 5;
  hipError_t error = hipMemcpy(host, device, sizeof host, hipMemcpyDeviceToHost);
  if (error) {
    printf("%s\n", hipGetErrorString(error));
    return 0;
  }
  for (int i = 0; i < COUNT; i++)
    if (host[i] != 3.0f) return 6;
  hipFree(device);
  hipModuleUnload(module);
  puts("PASS");
  return 0;
}

static void on_signal(int number) {
  (void)number;
  _exit(9);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  int devices = 0;
  if (!strcmp(what, "launch")) return scaled(argv[2], COUNT);
  if (!strcmp(what, "fault")) return scaled(argv[2], 1024);
  if (!strcmp(what, "fault-and-reset")) return scaled(argv[2], 1024), hipDeviceReset(), 0;
  if (!strcmp(what, "exit")) return hipGetDeviceCount(&devices), atoi(argv[2]);
  if (!strcmp(what, "abort")) abort();
  if (!strcmp(what, "unseen")) {
    void *much;
    (void)hipMalloc(&much, (size_t)1 << 60);
    return 0;
  }
  if (!strcmp(what, "wait")) {
    signal(SIGUSR1, on_signal);
    puts("ready");
    fflush(stdout);
    for (;;) pause();
  }
  return 0;
}
