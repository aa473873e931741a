"""HIP's error codes by name and by number, and the one exception that ends a call with one of them."""

from __future__ import annotations

from collections.abc import Mapping

from rocverify.errors import DeviceError

CODES: Mapping[str, int] = {
    "hipSuccess": 0,
    "hipErrorInvalidValue": 1,
    "hipErrorOutOfMemory": 2,
    "hipErrorNotInitialized": 3,
    "hipErrorDeinitialized": 4,
    "hipErrorProfilerDisabled": 5,
    "hipErrorProfilerNotInitialized": 6,
    "hipErrorProfilerAlreadyStarted": 7,
    "hipErrorProfilerAlreadyStopped": 8,
    "hipErrorInvalidConfiguration": 9,
    "hipErrorInvalidPitchValue": 12,
    "hipErrorInvalidSymbol": 13,
    "hipErrorInvalidDevicePointer": 17,
    "hipErrorInvalidMemcpyDirection": 21,
    "hipErrorInsufficientDriver": 35,
    "hipErrorMissingConfiguration": 52,
    "hipErrorPriorLaunchFailure": 53,
    "hipErrorInvalidDeviceFunction": 98,
    "hipErrorNoDevice": 100,
    "hipErrorInvalidDevice": 101,
    "hipErrorInvalidImage": 200,
    "hipErrorInvalidContext": 201,
    "hipErrorContextAlreadyCurrent": 202,
    "hipErrorMapFailed": 205,
    "hipErrorUnmapFailed": 206,
    "hipErrorArrayIsMapped": 207,
    "hipErrorAlreadyMapped": 208,
    "hipErrorNoBinaryForGpu": 209,
    "hipErrorAlreadyAcquired": 210,
    "hipErrorNotMapped": 211,
    "hipErrorNotMappedAsArray": 212,
    "hipErrorNotMappedAsPointer": 213,
    "hipErrorECCNotCorrectable": 214,
    "hipErrorUnsupportedLimit": 215,
    "hipErrorContextAlreadyInUse": 216,
    "hipErrorPeerAccessUnsupported": 217,
    "hipErrorInvalidKernelFile": 218,
    "hipErrorInvalidGraphicsContext": 219,
    "hipErrorInvalidSource": 300,
    "hipErrorFileNotFound": 301,
    "hipErrorSharedObjectSymbolNotFound": 302,
    "hipErrorSharedObjectInitFailed": 303,
    "hipErrorOperatingSystem": 304,
    "hipErrorInvalidHandle": 400,
    "hipErrorIllegalState": 401,
    "hipErrorNotFound": 500,
    "hipErrorNotReady": 600,
    "hipErrorIllegalAddress": 700,
    "hipErrorLaunchOutOfResources": 701,
    "hipErrorLaunchTimeOut": 702,
    "hipErrorPeerAccessAlreadyEnabled": 704,
    "hipErrorPeerAccessNotEnabled": 705,
    "hipErrorSetOnActiveProcess": 708,
    "hipErrorContextIsDestroyed": 709,
    "hipErrorAssert": 710,
    "hipErrorHostMemoryAlreadyRegistered": 712,
    "hipErrorHostMemoryNotRegistered": 713,
    "hipErrorLaunchFailure": 719,
    "hipErrorCooperativeLaunchTooLarge": 720,
    "hipErrorNotSupported": 801,
    "hipErrorStreamCaptureUnsupported": 900,
    "hipErrorStreamCaptureInvalidated": 901,
    "hipErrorStreamCaptureMerge": 902,
    "hipErrorStreamCaptureUnmatched": 903,
    "hipErrorStreamCaptureUnjoined": 904,
    "hipErrorStreamCaptureIsolation": 905,
    "hipErrorStreamCaptureImplicit": 906,
    "hipErrorCapturedEvent": 907,
    "hipErrorStreamCaptureWrongThread": 908,
    "hipErrorGraphExecUpdateFailure": 910,
    "hipErrorInvalidChannelDescriptor": 911,
    "hipErrorInvalidTexture": 912,
    "hipErrorInvalidResourceType": 914,
    "hipErrorInvalidResourceConfiguration": 915,
    "hipErrorStreamDetached": 916,
    "hipErrorUnknown": 999,
    "hipErrorRuntimeMemory": 1052,
    "hipErrorRuntimeOther": 1053,
    "hipErrorInvalidClusterSize": 1054,
}
"""hipError_t, without the members that are only other names."""

NAMES: Mapping[int, str] = {number: name for name, number in CODES.items()}

NO_ERRORS = frozenset({CODES["hipSuccess"], CODES["hipErrorNotReady"]})
"""What a call may return without having failed."""


def error_name(code: int) -> str:
    """`hipErrorInvalidValue` of 1; the number itself, in words, where HIP has no name for it."""
    return NAMES.get(code, f"hipError {code}")


class HipError(Exception):
    """A call that ends with an error code. `code` is its number, `name` HIP's word for it, `reason` is for
    people: HIP itself only tells the code. `sticky`: a fault, which every later call returns too. `finding`
    is the kind of the finding that it is with --sanitize, if the program is to blame, `other` the call site
    that the call clashes with."""

    def __init__(
        self,
        code: int | str,
        reason: str,
        *,
        sticky: bool = False,
        finding: str | None = None,
        other: int = 0,
    ) -> None:
        self.code = CODES[code] if isinstance(code, str) else code
        self.name = error_name(self.code)
        self.reason = reason
        self.sticky = sticky
        self.finding, self.other = finding, other
        super().__init__(f"{self.name}: {reason}")


class device_errors:  # noqa: N801 - used as a function is
    """Turns a backend's refusal into the error code of a call. A class, since it stands around every copy."""

    __slots__ = ("_code",)

    def __init__(self, code: str = "hipErrorInvalidValue") -> None:
        self._code = code

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DeviceError):
            raise HipError(self._code, error.message) from None
