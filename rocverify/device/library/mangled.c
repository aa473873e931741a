/* Names of the library that are no plain C functions of HIP: C++ ones, and the two conversions of half precision
 * that code of old compilers asks for. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RV_API __attribute__((visibility("default")))

int hipCreateSurfaceObject(void **object, const void *description);
int hipDestroySurfaceObject(void *object);
int hipExtModuleLaunchKernel(void *function, uint32_t x, uint32_t y, uint32_t z, uint32_t block_x, uint32_t block_y,
                             uint32_t block_z, size_t shared, void *stream, void **params, void **extra, void *start,
                             void *stop, uint32_t flags);

RV_API int rv_mangled_create_surface(void **object, const void *description) __asm__(
    "_Z22hipCreateSurfaceObjectPP13__hip_surfacePK15hipResourceDesc");
int rv_mangled_create_surface(void **object, const void *description) {
    return hipCreateSurfaceObject(object, description);
}

RV_API int rv_mangled_destroy_surface(void *object) __asm__("_Z23hipDestroySurfaceObjectP13__hip_surface");
int rv_mangled_destroy_surface(void *object) { return hipDestroySurfaceObject(object); }

RV_API int rv_mangled_launch(void *function, uint32_t x, uint32_t y, uint32_t z, uint32_t block_x, uint32_t block_y,
                             uint32_t block_z, size_t shared, void *stream, void **params, void **extra, void *start,
                             void *stop, uint32_t flags)
    __asm__("_Z24hipExtModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_j");
int rv_mangled_launch(void *function, uint32_t x, uint32_t y, uint32_t z, uint32_t block_x, uint32_t block_y,
                      uint32_t block_z, size_t shared, void *stream, void **params, void **extra, void *start,
                      void *stop, uint32_t flags) {
    return hipExtModuleLaunchKernel(function, x, y, z, block_x, block_y, block_z, shared, stream, params, extra, start,
                                    stop, flags);
}

RV_API int rv_mangled_old_launch(void *function, uint32_t x, uint32_t y, uint32_t z, uint32_t block_x,
                                 uint32_t block_y, uint32_t block_z, size_t shared, void *stream, void **params,
                                 void **extra, void *start, void *stop)
    __asm__("_Z24hipHccModuleLaunchKernelP18ihipModuleSymbol_tjjjjjjmP12ihipStream_tPPvS4_P11ihipEvent_tS6_");
int rv_mangled_old_launch(void *function, uint32_t x, uint32_t y, uint32_t z, uint32_t block_x, uint32_t block_y,
                          uint32_t block_z, size_t shared, void *stream, void **params, void **extra, void *start,
                          void *stop) {
    return hipExtModuleLaunchKernel(function, x, y, z, block_x, block_y, block_z, shared, stream, params, extra, start,
                                    stop, 0);
}

/* A float of the bits of a half. */
RV_API float __gnu_h2f_ieee(unsigned short half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 1023, bits;
    float value;
    if (exponent == 0) {
        value = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &value, 4);
        bits |= sign;
    } else {
        bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13;
    }
    memcpy(&value, &bits, 4);
    return value;
}

/* The half next to a float, ties to even; what is too large becomes infinite. */
RV_API unsigned short __gnu_f2h_ieee(float value) {
    uint32_t bits, magnitude;
    memcpy(&bits, &value, 4);
    uint32_t sign = bits >> 16 & 0x8000;
    magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (unsigned short)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x47800000) return (unsigned short)(sign | 0x7c00);
    if (magnitude < 0x38800000) { /* below the least normal half: the float unit rounds a sum to its multiples */
        float sum, shift = 0.5f;
        memcpy(&sum, &magnitude, 4);
        sum += shift;
        memcpy(&bits, &sum, 4);
        return (unsigned short)(sign | (bits - 0x3f000000));
    }
    magnitude += 0x0fff + (magnitude >> 13 & 1);
    return (unsigned short)(sign | (magnitude - 0x38000000) >> 13);
}
