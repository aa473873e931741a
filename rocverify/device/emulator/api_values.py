"""What hip-python's functions accept: the conversions of their arguments, by C type.

hip-python's own classes do the conversions of pointers and handles, so that the same objects are
accepted and refused; integers follow the rules of the compiled module (anything with `__int__`, no
wrap-around). A parameter's annotation names its conversion: see `offered` in api_state.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from rocm.bindings.util.types import CStr, DeviceArray
from rocm.bindings.util.types import Pointer as HipPointer

from rocverify.device.trace.proxy import real_hip

Converter = Callable[[Any, str], Any]


def unsigned(bits: int, c_type: str) -> Converter:
    """Converts to an unsigned C integer; OverflowError if it does not fit."""

    def convert(value: Any, name: str) -> int:
        number = _integer(value, name)
        if number < 0:
            raise OverflowError(f"can't convert negative value to {c_type}")
        if number >> bits:
            raise OverflowError(f"value too large to convert to {c_type}")
        return number

    return convert


def signed(bits: int, c_type: str) -> Converter:
    """Converts to a signed C integer; OverflowError if it does not fit."""

    def convert(value: Any, name: str) -> int:
        number = _integer(value, name)
        if not -(1 << bits - 1) <= number < 1 << bits - 1:
            raise OverflowError(f"value too large to convert to {c_type}")
        return number

    return convert


def handle(class_name: str) -> Converter:
    """Converts to the address that stands for a HIP object; 0 for None."""
    wrapper = getattr(real_hip(), class_name)

    def convert(value: Any, _name: str) -> int:
        return int(wrapper.fromObj(value))

    return convert


def enumerator(class_name: str) -> Converter:
    """Takes a member of one of hip-python's enums, as it is."""
    wanted = getattr(real_hip(), class_name)

    def convert(value: Any, name: str) -> Any:
        if not isinstance(value, wanted):
            raise TypeError(f"argument '{name}' must be of type '_{class_name}__Base'")
        return value

    return convert


def as_text(value: Any, name: str) -> str | None:
    """A C string; None for a null pointer."""
    if value is None:
        return None
    if not isinstance(value, str | bytes | bytearray | memoryview | CStr):
        raise TypeError(f"argument '{name}': unsupported input type: '{type(value)}'")
    text = value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")
    return text.partition("\0")[0]


def as_it_is(value: Any, _name: str) -> Any:
    """Leaves the conversion to the function."""
    return value


@dataclass(frozen=True, slots=True)
class PointerArgument:
    """A pointer as the caller gave it. `extent` is the size in bytes of the object behind it and
    `writable` whether that object may change; None and True where only an address is known. `source`
    keeps the object alive."""

    address: int
    extent: int | None
    writable: bool
    source: Any


def as_pointer(value: Any, _name: str = "pointer") -> PointerArgument:
    """What hip-python takes for a `void *`; TypeError and ValueError as it raises them."""
    holder = HipPointer.fromObj(value)
    extent, writable = _extent(value)
    return PointerArgument(int(holder), extent, writable, (value, holder))


def device_array(address: int, size: int) -> Any:
    """hip-python's own DeviceArray over an address, as its hipMalloc returns it; None for null."""
    return DeviceArray(address).configure(_force=True, shape=(size,)) if address else None


def bare_pointer(address: int) -> Any:
    """hip-python's own Pointer to an address; None for null."""
    return HipPointer(address) if address else None


def c_string(text: str) -> Any:
    """hip-python's own CStr."""
    return CStr(text.encode())


def _integer(value: Any, name: str) -> int:
    if not (hasattr(type(value), "__int__") or hasattr(type(value), "__index__")):
        raise TypeError(f"argument '{name}': an integer is required")
    return int(value)


def _extent(value: Any) -> tuple[int | None, bool]:
    if value is None or isinstance(value, int | ctypes.c_void_p | HipPointer):
        return None, True
    if isinstance(value, np.ndarray):
        # NumPy exports no buffer for the dtypes of extension packages (bfloat16).
        return value.nbytes, bool(value.flags.writeable)
    try:
        with memoryview(value) as view:
            return view.nbytes, not view.readonly
    except (TypeError, ValueError):
        return None, True


Size = Annotated[int, unsigned(64, "size_t")]
ULongLong = Annotated[int, unsigned(64, "unsigned long long")]
UInt = Annotated[int, unsigned(32, "unsigned int")]
UShort = Annotated[int, unsigned(16, "unsigned short")]
UChar = Annotated[int, unsigned(8, "unsigned char")]
Int = Annotated[int, signed(32, "int")]
Text = Annotated[str | None, as_text]
Address = Annotated[PointerArgument, as_pointer]
Raw = Annotated[Any, as_it_is]
Stream = Annotated[int, handle("ihipStream_t")]
Event = Annotated[int, handle("ihipEvent_t")]
Module = Annotated[int, handle("ihipModule_t")]
Function = Annotated[int, handle("ihipModuleSymbol_t")]
CopyKind = Annotated[Any, enumerator("hipMemcpyKind")]
DeviceAttribute = Annotated[Any, enumerator("hipDeviceAttribute_t")]
FunctionAttribute = Annotated[Any, enumerator("hipFunction_attribute")]
PointerAttribute = Annotated[Any, enumerator("hipPointer_attribute")]
ErrorCode = Annotated[Any, enumerator("hipError_t")]
Limit = Annotated[Any, enumerator("hipLimit_t")]
