"""What one call means: its category, the bytes it moves, the kernel it launches.

Nothing here calls the device but for the question whether an address is the device's, and nothing
changes the arguments: a call that hip-python refuses is described as far as it can be and refused
by hip-python.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rocverify.device.base import Device
from rocverify.device.trace.arguments import address_of, buffer_arguments, parameter_arguments
from rocverify.device.trace.events import Category
from rocverify.device.trace.tables import DECLARED, SHAPES, UNKNOWN, CallShape

_BY_KIND = {1: Category.H2D, 2: Category.D2H, 3: Category.D2D}
"""hipMemcpyKind; host to host and the kind that leaves it open tell no direction."""

_HOST_MEMORY = 1
"""hipMemoryTypeHost."""

_BY_SIDE = {
    (True, False): Category.H2D,
    (False, True): Category.D2H,
    (True, True): Category.D2D,
    (False, False): Category.OTHER,
}
"""(destination on the device, source on the device)."""

_GRID = ("gridDimX", "gridDimY", "gridDimZ")
_BLOCK = ("blockDimX", "blockDimY", "blockDimZ")


@dataclass(slots=True)
class Call:
    """One call under way: the arguments by role, and the event's fields as they become known."""

    name: str
    shape: CallShape
    roles: Mapping[str, Any]
    fields: dict[str, Any] = field(default_factory=dict)


class CallReader:
    """Describes calls on one device. Remembers which handle stands for which module and kernel."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._images: dict[int, str | None] = {}
        self._kernels: dict[int, tuple[str, str | None]] = {}

    def before(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Call:
        """Reads the arguments of a call that is about to be made."""
        shape = SHAPES.get(name, UNKNOWN)
        by_name = {**dict(zip(shape.parameters, args, strict=False)), **kwargs}
        roles = {
            role: by_name[parameter]
            for parameter, role in zip(shape.parameters, shape.roles, strict=True)
            if parameter in by_name
        }
        call = Call(name, shape, roles)
        if shape.category is None:
            self._read_copy(call)
        else:
            call.fields["category"] = shape.category
            reader = _READERS.get(shape.category)
            if reader is not None:
                reader(self, call)
        return call

    def after(self, call: Call, values: tuple[Any, ...]) -> None:
        """Takes in what a successful call returned beside its code."""
        if call.shape.category is Category.ALLOC and values:
            call.fields["dst"] = address_of(values[0])
        elif call.shape.category is Category.MODULE and values:
            self._remember(call, address_of(values[0]))

    def _remember(self, call: Call, handle: int | None) -> None:
        if handle is None:
            return
        if "image" in call.roles or "path" in call.roles:
            self._images[handle] = call.fields.get("code_object")
        elif call.fields.get("kernel") is not None and call.name in _KERNEL_LOOKUPS:
            image = self._images.get(address_of(call.roles.get("module")) or 0)
            self._kernels[handle] = (call.fields["kernel"], image)
            call.fields["code_object"] = image

    def _read_copy(self, call: Call) -> None:
        descriptor = call.roles.get("descriptor")
        if descriptor is not None:
            call.fields["category"] = _descriptor_direction(descriptor)
            return
        sides = []
        for role in ("dst", "src"):
            address = address_of(call.roles.get(role))
            call.fields[role] = address
            sides.append(True if role in call.shape.on_device else self._on_device(address))
        call.fields["category"] = _direction(call, sides)
        call.fields["bytes"] = _byte_count(call)

    def _on_device(self, address: int | None) -> bool | None:
        return self._device.is_device_address(address) if address else None

    def _read_sizes(self, call: Call) -> None:
        call.fields["bytes"] = _byte_count(call)
        for role in ("dst", "src"):
            if role in call.roles:
                call.fields[role] = address_of(call.roles[role])

    def _read_module(self, call: Call) -> None:
        if "symbol" in call.roles:
            call.fields["kernel"] = _text(call.roles["symbol"])
        elif "image" in call.roles:
            call.fields["code_object"] = _digest(call.roles["image"])
        elif "path" in call.roles:
            call.fields["code_object"] = _file_digest(_text(call.roles["path"]))

    def _read_launch(self, call: Call) -> None:
        kernel, image = self._kernel(address_of(call.roles.get("function")))
        call.fields.update(
            kernel=kernel,
            code_object=image,
            grid=_extent(call.roles, _GRID, "numBlocks"),
            block=_extent(call.roles, _BLOCK, "dimBlocks"),
            shared_bytes=_integer(call.roles.get("shared")),
        )
        if call.roles.get("extra") is not None:
            call.fields["args"] = buffer_arguments(call.roles["extra"])
        elif call.roles.get("kernelParams") is not None:
            call.fields["args"] = parameter_arguments(call.roles["kernelParams"])

    def _kernel(self, handle: int | None) -> tuple[str | None, str | None]:
        if not handle:
            return None, None
        if handle in self._kernels:
            return self._kernels[handle]
        return self._device.kernel_name(handle), None


_KERNEL_LOOKUPS = frozenset({"hipModuleGetFunction", "hipLibraryGetKernel"})

_READERS = {
    Category.ALLOC: CallReader._read_sizes,
    Category.FREE: CallReader._read_sizes,
    Category.MEMSET: CallReader._read_sizes,
    Category.MODULE: CallReader._read_module,
    Category.LAUNCH: CallReader._read_launch,
}


def _direction(call: Call, sides: list[bool | None]) -> Category:
    dst, src = sides
    if dst is not None and src is not None:
        return _BY_SIDE[dst, src]
    declared = DECLARED.get(call.name)
    return declared or _BY_KIND.get(_integer(call.roles.get("kind")) or 0, Category.OTHER)


def _descriptor_direction(descriptor: Any) -> Category:
    """The direction of a copy that a structure describes: by its kind, or by its memory types."""
    kind = getattr(descriptor, "kind", None)
    if kind is not None:
        return _BY_KIND.get(int(kind), Category.OTHER)
    dst = getattr(descriptor, "dstMemoryType", None)
    src = getattr(descriptor, "srcMemoryType", None)
    if dst is None or src is None:
        return Category.OTHER
    return _BY_SIDE[int(dst) != _HOST_MEMORY, int(src) != _HOST_MEMORY]


def _byte_count(call: Call) -> int | None:
    roles = call.roles
    if "bytes" in roles:
        return _integer(roles["bytes"])
    if "count" in roles:
        count = _integer(roles["count"])
        return None if count is None else count * call.shape.element
    width, height = _integer(roles.get("width")), _integer(roles.get("height"))
    return None if width is None or height is None else width * height * call.shape.element


def _extent(
    roles: Mapping[str, Any], names: tuple[str, str, str], structure: str
) -> tuple[int, int, int] | None:
    if structure in roles:
        sizes = [_integer(getattr(roles[structure], axis, None)) for axis in "xyz"]
    else:
        sizes = [_integer(roles.get(name)) for name in names]
    x, y, z = sizes
    return None if x is None or y is None or z is None else (x, y, z)


def _integer(value: Any) -> int | None:
    """A number as hip-python's parameters take it; None for what it would refuse."""
    if not hasattr(type(value), "__int__"):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    return None if value is None else str(value)


def _digest(image: Any) -> str | None:
    """SHA-256 of an image whose extent is known; an address alone tells no extent."""
    if isinstance(image, bytes | bytearray | memoryview):
        return hashlib.sha256(image).hexdigest()
    data = getattr(image, "tobytes", None)
    return hashlib.sha256(data()).hexdigest() if callable(data) else None


def _file_digest(path: str | None) -> str | None:
    if path is None or not Path(path).is_file():
        return None
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
