/* Modules, and ROCm 7's libraries and kernels, which are modules and functions under other names. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

enum { NAME_LIMIT = 16384, PATH_LIMIT = 4096 };

static int load(enum rv_call call, hipModule_t *module, const void *image, size_t size, const char *path) {
    rv_reply reply;
    size_t bytes = path ? strlen(path) : 0;
    int code = rv_call(&reply, call, RV_ARGS(RV_N(image), RV_N(size)), path, (uint32_t)bytes);
    if (code == hipSuccess) *module = (hipModule_t)reply.values[0];
    return code;
}

/* The device process reads a module's file out of this process's memory: it may see other files than the program. */
static int load_file(hipModule_t *module, const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return rv_note(errno == EMFILE || errno == ENFILE ? hipErrorOperatingSystem : hipErrorFileNotFound);
    struct stat status;
    void *image = MAP_FAILED;
    bool plain = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    size_t size = plain ? (size_t)status.st_size : 0;
    if (size) image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (!plain) return rv_note(hipErrorFileNotFound);
    if (size && image == MAP_FAILED) return rv_note(hipErrorOutOfMemory);
    int code = load(RV_CALL_hipModuleLoad, module, size ? image : NULL, size, path);
    if (size) munmap(image, size);
    return code;
}

static int load_data(enum rv_call call, hipModule_t *module, const void *data) {
    if (!module || !data) return rv_note(hipErrorInvalidValue);
    const void *image = data;
    size_t size = rv_image(data, &image); /* 0 where it is no code: the device process refuses it, and says why */
    return load(call, module, image, size, NULL);
}

RV_API hipError_t hipModuleLoad(hipModule_t *module, const char *path) {
    if (!module || rv_text_length(path, PATH_LIMIT) == SIZE_MAX) return rv_note(hipErrorInvalidValue);
    if (!rv_connected()) return hipErrorNoDevice;
    return load_file(module, path);
}

RV_API hipError_t hipModuleLoadData(hipModule_t *module, const void *image) {
    return load_data(RV_CALL_hipModuleLoadData, module, image);
}

/* The options are those of a just-in-time compiler, which a code object does not need. */
RV_API hipError_t hipModuleLoadDataEx(hipModule_t *module, const void *image, unsigned count, int *options,
                                      void **values) {
    if (count && (!options || !values)) return rv_note(hipErrorInvalidValue);
    return load_data(RV_CALL_hipModuleLoadData, module, image);
}

RV_API hipError_t hipModuleLoadFatBinary(hipModule_t *module, const void *binary) {
    return load_data(RV_CALL_hipModuleLoadFatBinary, module, binary);
}

RV_API hipError_t hipModuleUnload(hipModule_t module) {
    if (!module) return rv_note(hipErrorInvalidHandle);
    int code = RV_CALL(hipModuleUnload, RV_N(module));
    if (code == hipSuccess) rv_forget_kernels();
    return code;
}

/* The length of a name that goes into a call, or SIZE_MAX (noted) where it is not one. */
static size_t name_length(const char *name) {
    size_t length = rv_text_length(name, NAME_LIMIT);
    if (length == 0) length = SIZE_MAX;
    if (length == SIZE_MAX) rv_note(hipErrorInvalidValue);
    return length;
}

RV_API hipError_t hipModuleGetFunction(hipFunction_t *function, hipModule_t module, const char *name) {
    if (!function) return rv_note(hipErrorInvalidValue);
    size_t length = name_length(name);
    if (length == SIZE_MAX) return hipErrorInvalidValue;
    if (!module) return rv_note(hipErrorInvalidHandle);
    rv_reply reply;
    int code = RV_CALL_WITH(&reply, hipModuleGetFunction, name, length, RV_N(module));
    if (code) return code;
    *function = (hipFunction_t)reply.values[0];
    rv_learn_kernel(*function, reply.payload, reply.payload_bytes);
    return hipSuccess;
}

RV_API hipError_t hipModuleGetGlobal(hipDeviceptr_t *address, size_t *bytes, hipModule_t module, const char *name) {
    if (!address && !bytes) return rv_note(hipErrorInvalidValue);
    size_t length = name_length(name);
    if (length == SIZE_MAX) return hipErrorInvalidValue;
    if (!module) return rv_note(hipErrorInvalidHandle);
    rv_reply reply;
    int code = RV_CALL_WITH(&reply, hipModuleGetGlobal, name, length, RV_N(module));
    if (code) return code;
    if (address) *address = (hipDeviceptr_t)reply.values[0];
    if (bytes) *bytes = reply.values[1];
    return hipSuccess;
}

RV_API hipError_t hipModuleGetFunctionCount(unsigned *count, hipModule_t module) {
    if (!count) return rv_note(hipErrorInvalidValue);
    if (!module) return rv_note(hipErrorInvalidHandle);
    return RV_GET(count, hipModuleGetFunctionCount, RV_N(module));
}

/* ---- ROCm 7: hipLibrary_t is a hipModule_t, hipKernel_t a hipFunction_t */

typedef hipModule_t hipLibrary_t;
typedef hipFunction_t hipKernel_t;

RV_API hipError_t hipLibraryLoadData(hipLibrary_t *library, const void *code, int *jit_options, void **jit_values,
                                     unsigned jit_count, int *options, void **values, unsigned count) {
    (void)jit_options, (void)jit_values, (void)jit_count, (void)options, (void)values, (void)count; /* hints */
    return load_data(RV_CALL_hipModuleLoadData, library, code);
}

RV_API hipError_t hipLibraryLoadFromFile(hipLibrary_t *library, const char *path, int *jit_options,
                                         void **jit_values, unsigned jit_count, int *options, void **values,
                                         unsigned count) {
    (void)jit_options, (void)jit_values, (void)jit_count, (void)options, (void)values, (void)count;
    return hipModuleLoad(library, path);
}

RV_API hipError_t hipLibraryUnload(hipLibrary_t library) {
    return hipModuleUnload(library);
}

RV_API hipError_t hipLibraryGetKernel(hipKernel_t *kernel, hipLibrary_t library, const char *name) {
    return hipModuleGetFunction(kernel, library, name);
}

RV_API hipError_t hipLibraryGetKernelCount(unsigned *count, hipLibrary_t library) {
    return hipModuleGetFunctionCount(count, library);
}

RV_API hipError_t hipLibraryGetGlobal(hipDeviceptr_t *address, size_t *bytes, hipLibrary_t library,
                                      const char *name) {
    return hipModuleGetGlobal(address, bytes, library, name);
}

RV_API hipError_t hipLibraryGetManaged(hipDeviceptr_t *address, size_t *bytes, hipLibrary_t library,
                                       const char *name) {
    return hipModuleGetGlobal(address, bytes, library, name);
}

RV_API hipError_t hipKernelGetFunction(hipFunction_t *function, hipKernel_t kernel) {
    if (!function) return rv_note(hipErrorInvalidValue);
    if (!kernel) return rv_note(hipErrorInvalidHandle);
    *function = kernel;
    return hipSuccess;
}
