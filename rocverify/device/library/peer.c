/* What programs ask of other devices. There is none: a process has one. */
#include "client.h"

static bool is_device(int device) {
    return device == 0;
}

RV_API hipError_t hipDeviceCanAccessPeer(int *can, int device, int peer) {
    if (!can) return rv_note(hipErrorInvalidValue);
    if (!rv_connected()) return hipErrorNoDevice;
    *can = 0;
    return is_device(device) && is_device(peer) ? hipSuccess : rv_note(hipErrorInvalidDevice);
}

RV_API hipError_t hipDeviceEnablePeerAccess(int peer, unsigned flags) {
    (void)peer; /* no number is that of another device */
    if (!rv_connected()) return hipErrorNoDevice;
    return rv_note(flags ? hipErrorInvalidValue : hipErrorInvalidDevice);
}

RV_API hipError_t hipDeviceDisablePeerAccess(int peer) {
    (void)peer;
    return rv_connected() ? rv_note(hipErrorInvalidDevice) : hipErrorNoDevice;
}

RV_API hipError_t hipDeviceGetP2PAttribute(int *value, int attribute, int source, int target) {
    (void)source, (void)target; /* two different devices are needed */
    if (!value || attribute < 0 || attribute > 3) return rv_note(hipErrorInvalidValue);
    return rv_connected() ? rv_note(hipErrorInvalidDevice) : hipErrorNoDevice;
}

RV_API hipError_t hipExtGetLinkTypeAndHopCount(int device1, int device2, uint32_t *type, uint32_t *hops) {
    if (!type || !hops) return rv_note(hipErrorInvalidValue);
    if (!rv_connected()) return hipErrorNoDevice;
    return rv_note(is_device(device1) && is_device(device2) ? hipErrorInvalidValue : hipErrorInvalidDevice);
}
