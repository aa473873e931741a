/* Devices, their properties and limits, and memory information. A process has one device, number 0. What cannot change
 * is asked for once in a connection. */
#include <pthread.h>
#include <string.h>

#include "client.h"

enum {
    PROPERTIES_5_BYTES = 792,  /* hipDeviceProp_t until ROCm 5 */
    PROPERTIES_6_BYTES = 1472, /* from ROCm 6 on */
    NAME_BYTES = 256,
    ATTRIBUTES = 512,
    ATTRIBUTE_MAJOR = 23,
    ATTRIBUTE_TEXTURE_1D_LINEAR = 41,
    ATTRIBUTE_MINOR = 61,
    CACHE_CONFIGS = 4,
    SHARED_CONFIGS = 3,
    DEVICE_FLAGS = 0x7 | 0x8 | 0x16, /* scheduling, mapped host memory, local memory kept */
};

struct known_text {
    bool known;
    char text[PROPERTIES_6_BYTES];
    uint32_t bytes;
};

static struct device_cache {
    pthread_mutex_t lock;
    uint32_t connection; /* of which all below is */
    int count, driver_version, runtime_version;
    uint64_t total;
    struct known_text name, uuid, bus, properties_5, properties_6;
    struct { int attribute, value; bool known; } attributes[ATTRIBUTES];
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static unsigned device_flags;

/* Locks the cache, emptied where it is another connection's. False (not locked; noted): there is no device. */
static bool open_cache(void) {
    if (!rv_connected()) return false;
    pthread_mutex_lock(&cache.lock);
    if (cache.connection != rv_connection()) {
        memset(&cache.connection, 0, sizeof cache - offsetof(struct device_cache, connection));
        cache.connection = rv_connection();
    }
    return true;
}

static void close_cache(void) {
    pthread_mutex_unlock(&cache.lock);
}

/* 0, or the error (noted): `device` is not one. */
static int check_device(int device) {
    if (device == 0) return rv_connected() ? hipSuccess : hipErrorNoDevice;
    return rv_note(hipErrorInvalidDevice);
}

/* A number that never changes, which is 0 only while it is not known. */
static int constant(enum rv_call call, int *known, int *result) {
    if (!result) return rv_note(hipErrorInvalidValue);
    if (!open_cache()) return hipErrorNoDevice;
    int value = *known;
    close_cache();
    if (value == 0) {
        rv_reply reply;
        int code = rv_call(&reply, call, NULL, 0, NULL, 0);
        if (code) return code;
        value = (int)reply.values[0];
        if (open_cache()) {
            *known = value;
            close_cache();
        }
    }
    *result = value;
    return hipSuccess;
}

/* Bytes that never change: of a call whose reply has them as its payload. */
static int constant_bytes(enum rv_call call, const uint64_t *args, unsigned nargs, struct known_text *known,
                          void *into, size_t room) {
    if (!open_cache()) return hipErrorNoDevice;
    bool have = known->known;
    if (have) memcpy(into, known->text, known->bytes < room ? known->bytes : room);
    close_cache();
    if (have) return hipSuccess;
    rv_reply reply;
    int code = rv_call(&reply, call, args, nargs, NULL, 0);
    if (code) return code;
    uint32_t bytes = reply.payload_bytes < sizeof known->text ? reply.payload_bytes : sizeof known->text;
    memcpy(into, reply.payload, bytes < room ? bytes : room);
    if (open_cache()) {
        memcpy(known->text, reply.payload, bytes);
        known->bytes = bytes;
        known->known = true;
        close_cache();
    }
    return hipSuccess;
}

RV_API hipError_t hipInit(unsigned flags) {
    return RV_CALL(hipInit, RV_N(flags));
}

RV_API hipError_t hipDriverGetVersion(int *version) {
    return constant(RV_CALL_hipDriverGetVersion, &cache.driver_version, version);
}

RV_API hipError_t hipRuntimeGetVersion(int *version) {
    return constant(RV_CALL_hipRuntimeGetVersion, &cache.runtime_version, version);
}

RV_API hipError_t hipGetDeviceCount(int *count) {
    if (count) *count = 0;
    return constant(RV_CALL_hipGetDeviceCount, &cache.count, count);
}

RV_API hipError_t hipSetDevice(int device) {
    return check_device(device);
}

RV_API hipError_t hipGetDevice(int *device) {
    if (!device) return rv_note(hipErrorInvalidValue);
    if (!rv_connected()) return hipErrorNoDevice;
    *device = 0;
    return hipSuccess;
}

RV_API hipError_t hipSetValidDevices(int *devices, int count) {
    if (count < 0 || (count > 0 && !devices) || count > 1) return rv_note(hipErrorInvalidValue);
    return count == 0 ? hipSuccess : check_device(devices[0]);
}

RV_API hipError_t hipDeviceGet(hipDevice_t *device, int ordinal) {
    if (!device) return rv_note(hipErrorInvalidValue);
    int code = check_device(ordinal);
    if (code == hipSuccess) *device = ordinal;
    return code;
}

static int properties(enum rv_call call, struct known_text *known, void *result, size_t bytes, int device) {
    if (!result) return rv_note(hipErrorInvalidValue);
    int code = check_device(device);
    return code ? code : constant_bytes(call, RV_ARGS(RV_S(device)), known, result, bytes);
}

RV_API hipError_t hipGetDeviceProperties(void *result, int device) { /* programs of ROCm 6 ask by the name R0600 */
    return properties(RV_CALL_hipGetDevicePropertiesR0000, &cache.properties_5, result, PROPERTIES_5_BYTES, device);
}

RV_API hipError_t hipGetDevicePropertiesR0000(void *result, int device) {
    return properties(RV_CALL_hipGetDevicePropertiesR0000, &cache.properties_5, result, PROPERTIES_5_BYTES, device);
}

RV_API hipError_t hipGetDevicePropertiesR0600(void *result, int device) {
    return properties(RV_CALL_hipGetDevicePropertiesR0600, &cache.properties_6, result, PROPERTIES_6_BYTES, device);
}

static int choose(int *device, const void *wanted) {
    if (!device || !wanted) return rv_note(hipErrorInvalidValue);
    return hipGetDevice(device);
}

RV_API hipError_t hipChooseDevice(int *device, const void *wanted) {
    return choose(device, wanted);
}

RV_API hipError_t hipChooseDeviceR0000(int *device, const void *wanted) {
    return choose(device, wanted);
}

RV_API hipError_t hipChooseDeviceR0600(int *device, const void *wanted) {
    return choose(device, wanted);
}

RV_API hipError_t hipDeviceGetAttribute(int *value, int attribute, int device) {
    if (!value) return rv_note(hipErrorInvalidValue);
    int code = check_device(device);
    if (code) return code;
    if (!open_cache()) return hipErrorNoDevice;
    unsigned place = (unsigned)attribute % ATTRIBUTES;
    bool known = cache.attributes[place].known && cache.attributes[place].attribute == attribute;
    if (known) *value = cache.attributes[place].value;
    close_cache();
    if (known) return hipSuccess;
    rv_reply reply;
    code = RV_CALL_INTO(&reply, hipDeviceGetAttribute, RV_S(attribute), RV_S(device));
    if (code) return code;
    *value = (int)reply.values[0];
    if (open_cache()) {
        cache.attributes[place].attribute = attribute;
        cache.attributes[place].value = *value;
        cache.attributes[place].known = true;
        close_cache();
    }
    return hipSuccess;
}

RV_API hipError_t hipDeviceComputeCapability(int *major, int *minor, hipDevice_t device) {
    if (!major || !minor) return rv_note(hipErrorInvalidValue);
    int code = hipDeviceGetAttribute(major, ATTRIBUTE_MAJOR, device);
    return code ? code : hipDeviceGetAttribute(minor, ATTRIBUTE_MINOR, device);
}

RV_API hipError_t hipDeviceGetTexture1DLinearMaxWidth(size_t *width, const hipChannelFormatDesc *desc, int device) {
    if (!width || !desc) return rv_note(hipErrorInvalidValue);
    int value;
    int code = hipDeviceGetAttribute(&value, ATTRIBUTE_TEXTURE_1D_LINEAR, device);
    if (code == hipSuccess) *width = (size_t)value;
    return code;
}

/* A text of the device into a buffer of `length` bytes, cut off there, with its NUL. */
static int text(enum rv_call call, struct known_text *known, char *into, int length, int device) {
    char whole[NAME_BYTES] = {0};
    if (!into || length <= 0) return rv_note(hipErrorInvalidValue);
    int code = check_device(device);
    if (code) return code;
    code = constant_bytes(call, RV_ARGS(RV_S(NAME_BYTES), RV_S(device)), known, whole, sizeof whole - 1);
    if (code) return code;
    size_t bytes = strnlen(whole, (size_t)length - 1);
    memcpy(into, whole, bytes);
    into[bytes] = 0;
    return hipSuccess;
}

RV_API hipError_t hipDeviceGetName(char *name, int length, hipDevice_t device) {
    return text(RV_CALL_hipDeviceGetName, &cache.name, name, length, device);
}

RV_API hipError_t hipDeviceGetPCIBusId(char *bus, int length, int device) {
    return text(RV_CALL_hipDeviceGetPCIBusId, &cache.bus, bus, length, device);
}

RV_API hipError_t hipDeviceGetByPCIBusId(int *device, const char *bus) {
    char own[NAME_BYTES];
    if (!device || rv_text_length(bus, NAME_BYTES) == SIZE_MAX) return rv_note(hipErrorInvalidValue);
    int code = hipDeviceGetPCIBusId(own, sizeof own, 0);
    if (code) return code;
    if (strcmp(own, bus)) return rv_note(hipErrorInvalidValue);
    *device = 0;
    return hipSuccess;
}

RV_API hipError_t hipDeviceGetUuid(void *uuid, hipDevice_t device) {
    if (!uuid) return rv_note(hipErrorInvalidValue);
    int code = check_device(device);
    return code ? code : constant_bytes(RV_CALL_hipDeviceGetUuid, RV_ARGS(RV_S(device)), &cache.uuid, uuid, 16);
}

RV_API hipError_t hipDeviceTotalMem(size_t *bytes, hipDevice_t device) {
    if (!bytes) return rv_note(hipErrorInvalidValue);
    int code = check_device(device);
    if (code) return code;
    if (!open_cache()) return hipErrorNoDevice;
    *bytes = cache.total;
    close_cache();
    if (*bytes) return hipSuccess;
    rv_reply reply;
    code = RV_CALL_INTO(&reply, hipDeviceTotalMem, RV_S(device));
    if (code) return code;
    *bytes = reply.values[0];
    if (open_cache()) {
        cache.total = *bytes;
        close_cache();
    }
    return hipSuccess;
}

RV_API hipError_t hipMemGetInfo(size_t *available, size_t *total) {
    if (!available && !total) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipMemGetInfo);
    if (code) return code;
    if (available) *available = reply.values[0];
    if (total) *total = reply.values[1];
    return hipSuccess;
}

RV_API hipError_t hipDeviceSynchronize(void) {
    return RV_CALL(hipDeviceSynchronize);
}

RV_API hipError_t hipDeviceReset(void) {
    int code = RV_CALL(hipDeviceReset);
    rv_forget_kernels();
    return code;
}

RV_API hipError_t hipDeviceGetLimit(size_t *value, int limit) {
    if (!value) return rv_note(hipErrorInvalidValue);
    rv_reply reply;
    int code = RV_CALL_INTO(&reply, hipDeviceGetLimit, RV_S(limit));
    if (code == hipSuccess) *value = reply.values[0];
    return code;
}

RV_API hipError_t hipDeviceSetLimit(int limit, size_t value) {
    return RV_CALL(hipDeviceSetLimit, RV_S(limit), RV_N(value));
}

/* ---- hints, which AMD's devices ignore: checked, and answered here */

RV_API hipError_t hipDeviceSetCacheConfig(int config) {
    if (config < 0 || config >= CACHE_CONFIGS) return rv_note(hipErrorInvalidValue);
    return check_device(0);
}

RV_API hipError_t hipDeviceGetCacheConfig(int *config) {
    if (!config) return rv_note(hipErrorInvalidValue);
    *config = 0; /* no preference */
    return check_device(0);
}

RV_API hipError_t hipDeviceSetSharedMemConfig(int config) {
    if (config < 0 || config >= SHARED_CONFIGS) return rv_note(hipErrorInvalidValue);
    return check_device(0);
}

RV_API hipError_t hipDeviceGetSharedMemConfig(int *config) {
    if (!config) return rv_note(hipErrorInvalidValue);
    *config = 1; /* banks of four bytes */
    return check_device(0);
}

RV_API hipError_t hipSetDeviceFlags(unsigned flags) {
    if (flags & ~(unsigned)DEVICE_FLAGS) return rv_note(hipErrorInvalidValue);
    int code = check_device(0);
    if (code == hipSuccess) __atomic_store_n(&device_flags, flags, __ATOMIC_RELAXED);
    return code;
}

RV_API hipError_t hipGetDeviceFlags(unsigned *flags) {
    if (!flags) return rv_note(hipErrorInvalidValue);
    *flags = __atomic_load_n(&device_flags, __ATOMIC_RELAXED);
    return check_device(0);
}
