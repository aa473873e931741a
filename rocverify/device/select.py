"""Which device runs: the built-in kinds, and the order in which `auto` tries them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.device.base import Device, RejectedDevice
from rocverify.errors import DeviceUnavailableError, UsageError

if TYPE_CHECKING:
    from rocverify.settings import Settings
    from rocverify.toolchain.discover import Toolchain


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """What a device may need to open. `target` is what an emulator is to be; a GPU has its own.
    `rejected` are the kinds that were tried before; `counters` asks for a device that counts launches,
    `sanitize` for one that watches them with the sanitizer."""

    target: str
    settings: Settings
    toolchain: Toolchain
    cache_dir: Path | None
    rejected: tuple[RejectedDevice, ...] = ()
    counters: bool = False
    sanitize: bool = False
    with_lines: Callable[[bytes], bytes | None] | None = None


def _open_amd(request: OpenRequest) -> Device:
    if request.sanitize:
        raise DeviceUnavailableError("a GPU has no sanitizer", hint="use --device emulator")
    if request.counters:
        raise DeviceUnavailableError("a GPU does not count launches exactly", hint="use --device emulator")
    from rocverify.device.amd import AmdDevice

    return AmdDevice.open(rejected=request.rejected)


def _open_emulator(request: OpenRequest) -> Device:
    from rocverify.device.emulator.api import EmulatorDevice

    return EmulatorDevice.open(
        request.target,
        objdump=request.toolchain.objdump,
        clang=request.toolchain.clang,
        linker=request.toolchain.linker,
        threads=request.settings.emulator_threads,
        launch_timeout_s=request.settings.launch_timeout_s,
        cache_dir=request.cache_dir,
        counters=request.counters,
        sanitize=request.sanitize,
        with_lines=request.with_lines,
        rejected=request.rejected,
    )


DEVICES: Mapping[str, Callable[[OpenRequest], Device]] = {
    "amd": _open_amd,
    "emulator": _open_emulator,
}
"""The built-in kinds."""

AUTO_ORDER = ("amd", "emulator")
"""What `auto` tries. A GPU of another vendor belongs between the two: the emulator is what is left."""


def open_device(
    kind: str,
    target: str,
    *,
    settings: Settings,
    toolchain: Toolchain,
    cache_dir: Path | None = None,
    counters: bool = False,
    sanitize: bool = False,
    with_lines: Callable[[bytes], bytes | None] | None = None,
) -> Device:
    """Opens a device of a kind, or with `auto` the first of AUTO_ORDER that opens. With `counters` it has
    `launch_counters`, with `sanitize` it has `findings`, which only the emulator can have.
    `with_lines` is for the emulator alone, see EmulatorDevice.open.

    Raises DeviceUnavailableError naming every kind that was tried and why it was not taken, and
    UsageError for a kind that does not exist.
    """
    request = OpenRequest(
        target,
        settings,
        toolchain,
        cache_dir,
        counters=counters,
        sanitize=sanitize,
        with_lines=with_lines,
    )
    if kind != "auto":
        return _opener(kind)(request)
    for candidate in AUTO_ORDER:
        try:
            return _opener(candidate)(request)
        except DeviceUnavailableError as error:
            refusal = RejectedDevice(candidate, error.message)
            request = replace(request, rejected=(*request.rejected, refusal))
    tried = "; ".join(f"{refusal.kind}: {refusal.reason}" for refusal in request.rejected)
    raise DeviceUnavailableError(f"no device could be opened ({tried})", hint="see `rocverify doctor`")


def _opener(kind: str) -> Callable[[OpenRequest], Device]:
    if kind not in DEVICES:
        raise UsageError(f"there is no device {kind!r}", hint=f"use one of auto, {', '.join(DEVICES)}")
    return DEVICES[kind]
