/* What compilers make a program say of its kernels before main: fat binaries, kernels' host stubs, device variables'
 * host shadows. Nothing is sent then: a fat binary is loaded when the first of its kernels or variables is used. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"
#include "map.h"

struct module;

struct function {
    struct function *next;
    struct module *module;
    const void *stub;
    const char *name; /* in the program's image */
    uint32_t loaded;  /* of which `epoch` the handle is */
    uint64_t handle;
};

struct variable {
    struct variable *next;
    struct module *module;
    const void *shadow;
    const char *name;
    void *managed; /* the pages of a __managed__ variable; its symbol on the device is a pointer to them */
    size_t bytes;
};

struct module {
    const void *wrapper;
    uint32_t loaded;
    int code; /* of loading it */
    uint64_t handle;
    struct function *functions;
    struct variable *variables;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* held while a module is loaded: others need it as well */
static struct rv_map functions, variables;               /* by stub, by shadow */
static _Atomic uint32_t epoch = 1;                       /* what was loaded in another one is not there any more */

void rv_modules_forget(void) {
    epoch++;
}

/* ---- registration */

RV_API void **__hipRegisterFatBinary(const void *wrapper) {
    struct module *module = calloc(1, sizeof *module);
    if (!module) abort();
    module->wrapper = wrapper;
    return (void **)module;
}

RV_API void __hipRegisterFunction(void **handle, const void *stub, char *unused_name, const char *name, unsigned limit,
                                  void *tid, void *bid, dim3 *block, dim3 *grid, int *wave_size) {
    (void)unused_name, (void)limit, (void)tid, (void)bid, (void)block, (void)grid, (void)wave_size;
    struct module *module = (struct module *)handle;
    struct function *function = calloc(1, sizeof *function);
    if (!function) abort();
    *function = (struct function){.next = module->functions, .module = module, .stub = stub, .name = name};
    pthread_mutex_lock(&lock);
    module->functions = function;
    rv_map_put(&functions, RV_N(stub), function);
    pthread_mutex_unlock(&lock);
}

static struct variable *add_variable(void **handle, const void *shadow, const char *name) {
    struct module *module = (struct module *)handle;
    struct variable *variable = calloc(1, sizeof *variable);
    if (!variable) abort();
    *variable = (struct variable){.next = module->variables, .module = module, .shadow = shadow, .name = name};
    pthread_mutex_lock(&lock);
    module->variables = variable;
    rv_map_put(&variables, RV_N(shadow), variable);
    pthread_mutex_unlock(&lock);
    return variable;
}

RV_API void __hipRegisterVar(void **handle, void *shadow, char *unused_name, const char *name, int external, size_t size,
                             int constant, int global) {
    (void)unused_name, (void)external, (void)size, (void)constant, (void)global;
    add_variable(handle, shadow, name);
}

/* The program may use the variable before any call: so it gets pages now, which the device shares from the load on. */
RV_API void __hipRegisterManagedVar(void **handle, void **pointer, void *initial, const char *name, size_t size,
                                    unsigned align) {
    (void)align;
    size_t bytes = (size + 4095) / 4096 * 4096;
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) abort();
    if (initial) memcpy(pages, initial, size);
    *pointer = pages;
    struct variable *variable = add_variable(handle, pointer, name);
    variable->managed = pages;
    variable->bytes = bytes;
}

/* Textures and surfaces are refused where they are bound. */
RV_API void __hipRegisterTexture(void **handle, const void *shadow, char *unused_name, const char *name, int type,
                                 int normalized, int external) {
    (void)handle, (void)shadow, (void)unused_name, (void)name, (void)type, (void)normalized, (void)external;
}

RV_API void __hipRegisterSurface(void **handle, const void *shadow, char *unused_name, const char *name, int type,
                                 int external) {
    (void)handle, (void)shadow, (void)unused_name, (void)name, (void)type, (void)external;
}

/* A plug-in's stubs may be another one's after it was closed. */
RV_API void __hipUnregisterFatBinary(void **handle) {
    struct module *module = (struct module *)handle;
    if (!module) return;
    pthread_mutex_lock(&lock);
    for (struct function *f = module->functions, *next; f; f = next) {
        next = f->next;
        if (rv_map_get(&functions, RV_N(f->stub)) == f) rv_map_remove(&functions, RV_N(f->stub));
        free(f);
    }
    for (struct variable *v = module->variables, *next; v; v = next) {
        next = v->next;
        if (rv_map_get(&variables, RV_N(v->shadow)) == v) rv_map_remove(&variables, RV_N(v->shadow));
        free(v); /* the pages of a managed variable stay: queued work may use them */
    }
    free(module);
    pthread_mutex_unlock(&lock);
}

/* ---- loading */

static int load_managed(const struct module *module, const struct variable *variable) {
    int code = rv_share_pages(RV_N(variable->managed), variable->bytes, 0);
    if (code) return code;
    char payload[4096 + 8];
    size_t length = strlen(variable->name);
    if (length > sizeof payload - 8) return hipErrorInvalidSymbol;
    memcpy(payload, variable->name, length);
    memcpy(payload + length, &variable->managed, 8);
    const uint64_t args[] = {module->handle, RV_N(&variable->managed), 8, 0, hipMemcpyHostToDevice, length};
    return rv_call_flags(NULL, RV_CALL_hipMemcpyToSymbol, args, 6, payload, (uint32_t)length + 8, RV_INLINE);
}

static int load_image(struct module *module) {
    const void *image;
    rv_reply reply;
    size_t size = rv_image(module->wrapper, &image);
    if (!size) return hipErrorInvalidImage;
    int code = RV_CALL_INTO(&reply, rv_load_fat_binary, RV_N(image), size);
    module->handle = reply.values[0];
    for (struct variable *v = module->variables; code == 0 && v; v = v->next)
        if (v->managed) code = load_managed(module, v);
    return code;
}

static int load(struct module *module) {
    uint32_t now = epoch;
    if (module->loaded == now) return module->code;
    int code = load_image(module);
    module->code = code;
    /* What every later call would meet again is kept; not that the device process was not there. */
    if (code != hipErrorDeinitialized && code != hipErrorNoDevice) module->loaded = now;
    return code;
}

static int find_handle(struct function *function) {
    int code = load(function->module);
    if (code) return code;
    rv_reply reply;
    code = RV_CALL_WITH(&reply, hipModuleGetFunction, function->name, strlen(function->name), function->module->handle);
    if (code) return code == hipErrorNotFound ? hipErrorInvalidDeviceFunction : code;
    function->handle = reply.values[0];
    rv_learn_kernel((const void *)(uintptr_t)function->handle, reply.payload, reply.payload_bytes);
    function->loaded = function->module->loaded;
    return 0;
}

/* ---- use */

static int load_function(const void *stub, uint64_t *function) {
    int code = hipErrorInvalidDeviceFunction;
    rv_site_begin();
    pthread_mutex_lock(&lock);
    struct function *found = rv_map_get(&functions, RV_N(stub));
    if (found) code = found->loaded == epoch ? 0 : find_handle(found);
    if (code == 0) *function = found->handle;
    pthread_mutex_unlock(&lock);
    rv_site_end();
    return code;
}

int rv_function_of(const void *stub, uint64_t *function) {
    int code = hipErrorInvalidDeviceFunction;
    if (!stub) return code;
    if (!rv_connected()) return rv_connect();
    pthread_mutex_lock(&lock);
    const struct function *known = rv_map_get(&functions, RV_N(stub));
    bool loaded = known && known->loaded == epoch;
    if (loaded) *function = known->handle;
    pthread_mutex_unlock(&lock);
    if (loaded) return 0;
    if (known) return load_function(stub, function);
    if (!rv_known_kernel(stub)) return code;
    *function = RV_N(stub);
    return 0;
}

const void *rv_stub_of(uint64_t handle) {
    const void *stub = NULL;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < functions.room && !stub; i++) {
        const struct function *one = functions.pairs[i].value;
        if (one && one->loaded == epoch && one->handle == handle) stub = one->stub;
    }
    pthread_mutex_unlock(&lock);
    return stub;
}

int rv_variable_of(const void *shadow, uint64_t *module, const char **name) {
    int code = hipErrorInvalidSymbol;
    if (!shadow) return code;
    if (!rv_connected()) return rv_connect();
    rv_site_begin();
    pthread_mutex_lock(&lock);
    struct variable *found = rv_map_get(&variables, RV_N(shadow));
    if (found && (code = load(found->module)) == 0) {
        *module = found->module->handle;
        *name = found->name;
    }
    pthread_mutex_unlock(&lock);
    rv_site_end();
    return code;
}

void *rv_managed_pages(const void *shadow) {
    pthread_mutex_lock(&lock);
    struct variable *found = rv_map_get(&variables, RV_N(shadow));
    void *pages = found ? found->managed : NULL;
    pthread_mutex_unlock(&lock);
    return pages;
}

/* ---- triple chevrons: what stands between them waits here until the stub takes it */

RV_API hipError_t __hipPushCallConfiguration(dim3 grid, dim3 block, size_t shared, hipStream_t stream) {
    struct rv_thread *t = rv_thread();
    if (!t || t->configurations == RV_CONFIGURATIONS) return rv_note(hipErrorOutOfMemory);
    t->configuration[t->configurations++] = (struct rv_configuration){grid, block, shared, stream};
    return hipSuccess;
}

RV_API hipError_t __hipPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, hipStream_t *stream) {
    struct rv_thread *t = rv_thread();
    if (!t || !t->configurations) return rv_note(hipErrorMissingConfiguration);
    const struct rv_configuration *top = &t->configuration[--t->configurations];
    *grid = top->grid;
    *block = top->block;
    *shared = top->shared;
    *stream = top->stream;
    return hipSuccess;
}
