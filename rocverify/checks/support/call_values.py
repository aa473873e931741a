"""Arguments of a call that a plan writes down, as the values that host code takes.

head_dim: 64                                          a number, text, list or truth value: itself
config: {make: "kernels.attention:AttentionConfig", with: {heads: 4, head_dim: 64}}
                                                      what calling that name with these arguments gives
self: {make: "kernels.attention:FlashAttentionBackend"}   the object of a method
q: {device_array: float32, shape: [1, 4, 8, 64]}      random values in device memory
"""

from __future__ import annotations

from collections.abc import Mapping
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any

import numpy as np

from rocverify.device.process.placed import Buffer
from rocverify.errors import RocverifyError, UsageError
from rocverify.oracle.dtypes import BY_NAME
from rocverify.oracle.inputs import Kind, draw
from rocverify.subject.border import raise_outcome
from rocverify.subject.host.views import DeviceView

if TYPE_CHECKING:
    from rocverify.subject.launch_session import LaunchSession


def enter_with(session: LaunchSession, reference: str, arguments: Mapping[str, Any], seed: int) -> None:
    """Calls a function with the arguments that a plan writes down, device arrays among them. UsageError for a
    mapping that is none of the forms; what the call raises, as SubjectError, or the fault of the device."""
    values = _CallValues(seed, reference)
    made = {name: values.of(value) for name, value in arguments.items()}
    placed = session.device.place(session.subject.ready(), values.buffers)
    error: Exception | None = None
    try:
        given = {name: _at(value, placed.addresses) for name, value in made.items()}
        session.subject.enter(reference, given)
    except RocverifyError as raised:
        error = raised
    finally:
        seen = session.device.collect(placed, (), forget=not session.tracer.recording)
    raise_outcome(reference, session.root, error, seen.undecided, seen.fault, seen.events)
    if error is not None:
        raise error


class _CallValues:
    """The values of one call, as far as they are known here: arrays have no address yet."""

    def __init__(self, seed: int, where: str) -> None:
        self.buffers: list[Buffer] = []
        self._rng = np.random.default_rng(seed)
        self._where = where

    def of(self, value: Any) -> Any:
        """The value that a plan's YAML stands for."""
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        keys = set(value)
        if "make" in keys and keys <= {"make", "with"}:
            given = {name: self.of(item) for name, item in (value.get("with") or {}).items()}
            return {"make": str(value["make"]), "with": given}
        if keys == {"device_array", "shape"}:
            return self._array(str(value["device_array"]), tuple(int(n) for n in value["shape"]))
        raise UsageError(
            f"{dict(value)} is not a value of a call",
            where=self._where,
            hint="give {make: module:Name, with: {...}} or {device_array: float32, shape: [...]}",
        )

    def _array(self, dtype: str, shape: tuple[int, ...]) -> DeviceView:
        if dtype not in BY_NAME:
            raise UsageError(
                f"{dtype!r} is not an element type",
                where=self._where,
                hint=f"use one of {', '.join(BY_NAME)}",
            )
        element = BY_NAME[dtype]
        values = (
            draw(self._rng, shape, element, Kind.PLAIN)
            if element.is_float
            else np.zeros(shape, element.numpy)
        )
        content = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        self.buffers.append(Buffer(str(len(self.buffers)), PickleBuffer(content.data)))
        return DeviceView(len(self.buffers) - 1, shape, dtype)


def _at(value: Any, addresses: Mapping[str, int]) -> Any:
    """The same value with the addresses of its arrays."""
    if isinstance(value, list):
        return [_at(one, addresses) for one in value]
    if isinstance(value, dict):
        return {**value, "with": {name: _at(one, addresses) for name, one in value["with"].items()}}
    if isinstance(value, DeviceView):
        return DeviceView(addresses[str(value.ptr)], value.shape, value.dtype)
    return value
