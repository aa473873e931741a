"""The place of a backend for NVIDIA's GPUs, which there is none of yet.

HIP calls would go to CUDA's driver, and kernels be built by its compiler: one more `Backend`. Until then
whoever asks for the device is told so, as of any device that is absent.
"""

from __future__ import annotations

from typing import NoReturn

from rocverify.errors import DeviceUnavailableError

KIND = "nvidia"


def open_nvidia() -> NoReturn:
    """Raises DeviceUnavailableError."""
    raise DeviceUnavailableError(
        "rocverify has no backend for NVIDIA's GPUs", hint="use --device amd, --device emulator or auto"
    )
