"""Error codes and their texts: hipGetLastError and its kin."""

# Names and parameters are HIP's interface, also those that mean nothing here.
# ruff: noqa: N802, N803
from __future__ import annotations

from typing import Any

from rocverify.device.emulator.api_state import HipCalls, offered
from rocverify.device.emulator.api_values import ErrorCode, c_string
from rocverify.device.trace.proxy import real_hip

_TEXTS = {
    "hipSuccess": "no error",
    "hipErrorInvalidValue": "invalid argument",
    "hipErrorOutOfMemory": "out of memory",
    "hipErrorInvalidConfiguration": "invalid configuration argument",
    "hipErrorInvalidPitchValue": "invalid pitch argument",
    "hipErrorNoDevice": "no ROCm-capable device is detected",
    "hipErrorInvalidDevice": "invalid device ordinal",
    "hipErrorInvalidImage": "device kernel image is invalid",
    "hipErrorNoBinaryForGpu": "no kernel image is available for execution on the device",
    "hipErrorFileNotFound": "file not found",
    "hipErrorInvalidHandle": "invalid resource handle",
    "hipErrorNotFound": "named symbol not found",
    "hipErrorNotReady": "device not ready",
    "hipErrorIllegalAddress": "an illegal memory access was encountered",
    "hipErrorLaunchTimeOut": "the launch timed out and was terminated",
    "hipErrorLaunchFailure": "unspecified launch failure",
    "hipErrorNotSupported": "operation not supported",
}


class ErrorCalls(HipCalls):
    """hip-python's functions about errors. They work after a fault as before it."""

    def hipGetLastError(self) -> tuple[Any]:
        """The calling thread's last error, which is thereby forgotten; a fault is never forgotten."""
        error = self._last_error()
        self._state.thread.last_error = None
        return (error,)

    def hipExtGetLastError(self) -> tuple[Any]:
        """The same, by the name that keeps HIP's behaviour before 7.0."""
        return self.hipGetLastError()

    def hipPeekAtLastError(self) -> tuple[Any]:
        """The calling thread's last error, which is kept."""
        return (self._last_error(),)

    def _last_error(self) -> Any:
        sticky = self._state.sticky
        name = sticky.code if sticky is not None else getattr(self._state.thread, "last_error", None)
        return real_hip().hipError_t[name or "hipSuccess"]

    @offered(None, faulted="allow")
    def hipGetErrorName(self, hip_error: ErrorCode) -> Any:
        return c_string(hip_error.name)

    @offered(None, faulted="allow")
    def hipGetErrorString(self, hipError: ErrorCode) -> Any:
        return c_string(_TEXTS.get(hipError.name, hipError.name))

    @offered(None, faulted="allow")
    def hipDrvGetErrorName(self, hipError: ErrorCode) -> Any:
        return c_string(hipError.name)

    @offered(None, faulted="allow")
    def hipDrvGetErrorString(self, hipError: ErrorCode) -> Any:
        return c_string(_TEXTS.get(hipError.name, hipError.name))
