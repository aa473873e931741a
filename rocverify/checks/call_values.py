"""Arguments of a call that a plan writes down, as the values that host code takes.

head_dim: 64                                          a number, text, list or truth value: itself
config: {make: "kernels.attention:AttentionConfig", with: {heads: 4, head_dim: 64}}
                                                      what calling that name with these arguments gives
self: {make: "kernels.attention:FlashAttentionBackend"}   the object of a method
q: {device_array: float32, shape: [1, 4, 8, 64]}      random values in device memory
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from rocverify.errors import UsageError
from rocverify.oracle.drive import DeviceView, checked
from rocverify.oracle.dtypes import BY_NAME
from rocverify.oracle.inputs import Kind, draw
from rocverify.subject.border import SubjectCall

if TYPE_CHECKING:
    from rocverify.checks.context import LaunchSession


class CallValues:
    """Makes the values of one call; device memory lives as long as `stack`."""

    def __init__(self, session: LaunchSession, stack: ExitStack, seed: int, where: str) -> None:
        self._session = session
        self._stack = stack
        self._rng = np.random.default_rng(seed)
        self._where = where

    def of(self, value: Any) -> Any:
        """The value that a plan's YAML stands for. UsageError for a mapping that is none of the forms."""
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        keys = set(value)
        if "make" in keys and keys <= {"make", "with"}:
            return self._made(str(value["make"]), value.get("with") or {})
        if keys == {"device_array", "shape"}:
            return self._array(str(value["device_array"]), tuple(int(n) for n in value["shape"]))
        raise UsageError(
            f"{dict(value)} is no value of a call",
            where=self._where,
            hint="give {make: module:Name, with: {...}} or {device_array: float32, shape: [...]}",
        )

    def _made(self, reference: str, arguments: Mapping[str, Any]) -> Any:
        values = {name: self.of(value) for name, value in arguments.items()}
        with SubjectCall(reference, self._session.device, self._session.root):
            return self._session.load(reference)(**values)

    def _array(self, dtype: str, shape: tuple[int, ...]) -> DeviceView:
        if dtype not in BY_NAME:
            raise UsageError(
                f"{dtype!r} is no element type", where=self._where, hint=f"use one of {', '.join(BY_NAME)}"
            )
        element = BY_NAME[dtype]
        hip = self._session.device.hip  # what the harness does for itself is none of the trace's business
        values = (
            draw(self._rng, shape, element, Kind.PLAIN)
            if element.is_float
            else np.zeros(shape, element.numpy)
        )
        memory = checked("hipMalloc", hip.hipMalloc(max(1, prod(shape)) * element.bits // 8))
        self._stack.callback(lambda: checked("hipFree", hip.hipFree(memory)))
        image = np.frombuffer(values.tobytes(), np.uint8).copy()
        to_device = hip.hipMemcpyKind.hipMemcpyHostToDevice
        if image.nbytes:
            checked("hipMemcpy", hip.hipMemcpy(memory, image, image.nbytes, to_device))
        return DeviceView(int(memory), shape, dtype)
