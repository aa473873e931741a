"""Which device runs: the built-in kinds, and the order in which `auto` tries them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rocverify.device.base import RejectedDevice
from rocverify.device.process.devices import KINDS, DeviceOptions
from rocverify.errors import DeviceUnavailableError, UsageError

if TYPE_CHECKING:
    from rocverify.settings import Settings
    from rocverify.toolchain.discover import Toolchain

Opened = TypeVar("Opened")

AUTO_ORDER = ("amd", "emulator")
"""What `auto` tries. `nvidia` belongs between the two once it has a backend: the emulator is what is left."""


def device_options(
    settings: Settings,
    toolchain: Toolchain | None,
    *,
    root: Path | None = None,
    cache_dir: Path | None = None,
) -> DeviceOptions:
    """How a device of these settings is opened, but for its kind (`auto`) and what watches its launches."""
    return DeviceOptions(
        settings.device,
        settings.targets[0],
        root=root,
        threads=settings.emulator_threads,
        launch_timeout_s=settings.launch_timeout_s,
        cache_dir=cache_dir,
        objdump=None if toolchain is None else toolchain.objdump,
        clang=None if toolchain is None else toolchain.clang,
        allow_flags=tuple(settings.allow_flags),
        allow_includes=tuple(Path(folder) for folder in settings.allow_includes),
    )


def open_device(options: DeviceOptions, opener: Callable[[DeviceOptions], Opened]) -> Opened:
    """Opens a device of the options' kind, or with `auto` the first of AUTO_ORDER that opens.

    Raises DeviceUnavailableError naming every kind that was tried and why it was not taken, and UsageError
    for a kind that does not exist.
    """
    if options.kind != "auto":
        if options.kind not in KINDS:
            raise UsageError(
                f"there is no device {options.kind!r}", hint=f"use one of auto, {', '.join(KINDS)}"
            )
        return opener(options)
    for candidate in AUTO_ORDER:
        try:
            return opener(replace(options, kind=candidate))
        except DeviceUnavailableError as error:
            refusal = RejectedDevice(candidate, error.message)
            options = replace(options, rejected=(*options.rejected, refusal))
    raise DeviceUnavailableError(
        f"no device could be opened ({_told(options.rejected)})", hint="see `rocverify doctor`"
    )


def _told(rejected: Iterable[RejectedDevice]) -> str:
    return "; ".join(f"{refusal.kind}: {refusal.reason}" for refusal in rejected)
