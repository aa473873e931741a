"""Messages between the judge and the processes of the code under verification: data, never code.

A message is JSON, with bytes and arrays beside it as they are. Reading one makes plain values, arrays, and
the records of contracts (`Codec.records`): whatever wrote it cannot make the reader run anything.
"""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from .tiled import Tiled
from .views import DeviceView

_HEAD = struct.Struct("<QI")
_SIZE = struct.Struct("<Q")
_MOST_PARTS = 1 << 16
_MOST_BYTES = 1 << 36
_OF_ML_DTYPES = ("bfloat16", "float8_", "float6_", "float4_")
_PLAIN = frozenset({bool, int, float, str})
_MOST_AT_ONCE = 512
"""Below IOV_MAX, the most pieces that the system takes at once."""


_writers: dict[type, Any] = {}
"""How values of a type are written; None: as a record, if they are one."""


class CodecError(ValueError):
    """A value that no message can hold, or a message that makes no sense."""


class Later:
    """A result that the other side computes when it is asked for it, by this number."""

    def __init__(self, number: int) -> None:
        self.number = number


class Codec:
    """records: gives the dataclass or enumeration of a contract's declarations that a name stands for. keep:
    takes a function that a message holds, and gives the number by which it is asked for."""

    def __init__(
        self, records: Callable[[str], Any], keep: Callable[[Callable[[], Any]], int] | None = None
    ) -> None:
        self._records, self._keep = records, keep
        self._known: dict[str, Any] = {}

    def _record_of(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._records(name)
        return self._known[name]

    # ---- writing

    def encode(self, value: Any, beside: list[Any]) -> Any:
        """JSON of a value; what is large is added to `beside`."""
        kind = type(value)
        if value is None or kind in _PLAIN:
            return value
        if kind is list:
            return [self.encode(one, beside) for one in value]
        write = self._writer_of(kind)
        if write is not None:
            return write(self, value, beside)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            return {"r": [_name(type(value)), self._pairs(fields, beside)]}
        if hasattr(value, "_extents"):  # Dims
            return {"r": [_name(type(value)), self._pairs(value._extents, beside)]}
        if callable(value) and self._keep is not None:
            return {"f": self._keep(value)}
        raise CodecError(f"a value of type {type(value).__name__} cannot be handed over")

    @classmethod
    def _writer_of(cls, kind: type) -> Any:
        if kind not in _writers:
            _writers[kind] = next((write for kinds, write in cls._WRITERS if issubclass(kind, kinds)), None)
        return _writers[kind]

    def _pairs(self, mapping: Mapping[Any, Any], beside: list[Any]) -> list[Any]:
        return [[self.encode(k, beside), self.encode(v, beside)] for k, v in mapping.items()]

    def _array(self, value: Any, beside: list[Any]) -> Any:
        if value.dtype.hasobject or value.dtype.names:
            raise CodecError(f"an array of {value.dtype} cannot be handed over")
        flat = np.ascontiguousarray(value).reshape(-1)
        beside.append(flat.view(np.uint8).data if flat.size else b"")
        return {"a": [len(beside) - 1, _dtype_name(value.dtype), list(value.shape)]}

    def _tiled(self, value: Any, beside: list[Any]) -> Any:
        return {"p": [self._array(value.tile, beside), list(value.shape), value.turn]}

    def _scalar(self, value: Any, beside: list[Any]) -> Any:
        return {"s": self._array(np.asarray(value), beside)}

    def _bytes(self, value: Any, beside: list[Any]) -> Any:
        beside.append(bytes(value))
        return {"b": len(beside) - 1}

    def _generator(self, value: Any, beside: list[Any]) -> Any:
        return {"g": self._pairs(_generator_state(value), beside)}

    _WRITERS: tuple[tuple[Any, Any], ...] = (
        (enum.Enum, lambda _self, v, _b: {"e": [_name(type(v)), v.value]}),
        (np.ndarray, _array),
        (Tiled, _tiled),
        (np.generic, _scalar),
        ((bytes, bytearray, memoryview), _bytes),
        (DeviceView, lambda _self, v, _b: {"v": [v.ptr, list(v.shape), v.dtype, v.leading]}),
        (
            (tuple, range, frozenset, set),
            lambda self, v, b: {"t": [self.encode(one, b) for one in v]},
        ),
        (list, lambda self, v, b: [self.encode(one, b) for one in v]),
        (Mapping, lambda self, v, b: {"d": self._pairs(v, b)}),
        (bool, lambda _self, v, _b: bool(v)),
        (int, lambda _self, v, _b: int(v)),
        (float, lambda _self, v, _b: float(v)),
        (str, lambda _self, v, _b: str(v)),
        (np.random.Generator, _generator),
        (ctypes._SimpleCData, lambda _self, v, _b: {"c": [type(v).__name__, bytes(v).hex()]}),
        ((ctypes.Structure, ctypes.Union, ctypes.Array), lambda _self, v, _b: {"u": bytes(v).hex()}),
    )

    # ---- reading

    def decode(self, value: Any, beside: list[bytearray]) -> Any:
        """The value of what `encode` gave. CodecError for anything else."""
        if isinstance(value, list):
            return [self.decode(one, beside) for one in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1:
            raise CodecError("a message makes no sense")
        ((tag, content),) = value.items()
        try:
            return self._READERS[tag](self, content, beside)
        except CodecError:
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise CodecError(f"a message makes no sense: {type(error).__name__}: {error}") from None

    def _mapping(self, content: Any, beside: list[bytearray]) -> dict[Any, Any]:
        return {k if type(k) is str else self.decode(k, beside): self.decode(v, beside) for k, v in content}

    def _read_array(self, content: Any, beside: list[bytearray]) -> Any:
        number, name, shape = content
        dtype = _dtype(name)
        return np.frombuffer(beside[number], np.uint8).view(dtype).reshape([int(n) for n in shape])

    def _read_tiled(self, content: Any, beside: list[bytearray]) -> Any:
        tile, shape, turn = content
        read = self._read_array(tile["a"], beside)
        return Tiled(read, tuple(int(n) for n in shape), None if turn is None else int(turn))

    def _record(self, content: Any, beside: list[bytearray]) -> Any:
        return self._record_of(str(content[0]))(**self._mapping(content[1], beside))

    def _read_generator(self, content: Any, beside: list[bytearray]) -> Any:
        state = self._mapping(content, beside)
        if state["bit_generator"] not in ("PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937"):
            raise CodecError("an unknown generator")
        bits = getattr(np.random, state["bit_generator"])(0)  # no entropy is asked for: the state follows
        bits.state = state
        return np.random.Generator(bits)

    _READERS: Mapping[str, Any] = {
        "a": _read_array,
        "p": _read_tiled,
        "s": lambda self, c, b: self._read_array(c["a"], b)[()],
        "b": lambda _self, c, b: bytes(b[c]),
        "d": _mapping,
        "t": lambda self, c, b: tuple(self.decode(one, b) for one in c),
        "v": lambda _self, c, _b: DeviceView(
            int(c[0]), tuple(int(n) for n in c[1]), str(c[2]), None if c[3] is None else int(c[3])
        ),
        "e": lambda self, c, _b: self._record_of(str(c[0]))(c[1]),
        "r": _record,
        "g": _read_generator,
        "f": lambda _self, c, _b: Later(int(c)),
        "c": lambda _self, c, _b: _simple(str(c[0]), bytes.fromhex(c[1])),
        "u": lambda _self, c, _b: _structure(bytes.fromhex(c)),
    }


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


@lru_cache(maxsize=64)
def _dtype_name(dtype: Any) -> str:
    return str(dtype.name)


@lru_cache(maxsize=64)
def _dtype(name: str) -> Any:
    if name.startswith(_OF_ML_DTYPES) or name in ("int2", "int4", "uint2", "uint4"):
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(name)


def _generator_state(generator: Any) -> dict[str, Any]:
    state = generator.bit_generator.state
    return dict(state)


def _simple(name: str, content: bytes) -> Any:
    kind = getattr(ctypes, name, None)
    if not (isinstance(kind, type) and issubclass(kind, ctypes._SimpleCData)):
        raise CodecError(f"{name} is not a type of ctypes")
    return kind.from_buffer_copy(content)


def _structure(content: bytes) -> Any:
    class Content(ctypes.Structure):
        _fields_ = (("content", ctypes.c_ubyte * len(content)),)

    return Content.from_buffer_copy(content)


class Channel:
    """One end of a connection. OSError and EOFError where the other end is gone, TimeoutError where it takes
    longer than it may (a system call as long as the socket's own timeout), CodecError for what is no
    message."""

    def __init__(self, connection: socket.socket, codec: Codec) -> None:
        self.socket, self.codec = connection, codec

    def send(self, message: Any, *, until: float | None = None) -> None:
        """Sends a value; `until` is a time of time.monotonic."""
        beside: list[Any] = []
        body = json.dumps(self.codec.encode(message, beside), separators=(",", ":")).encode()
        views = [memoryview(part).cast("B") for part in beside]
        sizes = b"".join(_SIZE.pack(view.nbytes) for view in views)
        left = [memoryview(_HEAD.pack(len(body), len(views)) + sizes + body)]
        left += [view for view in views if view.nbytes]
        while left:
            self._limit(until)
            sent = self.socket.sendmsg(left[:_MOST_AT_ONCE])
            while left and sent >= left[0].nbytes:
                sent -= left.pop(0).nbytes
            if sent:
                left[0] = left[0][sent:]

    def receive(self, *, until: float | None = None) -> Any:
        """The next value."""
        length, count = _HEAD.unpack(self._read(_HEAD.size, until))
        if length > _MOST_BYTES or count > _MOST_PARTS:
            raise CodecError("a message makes no sense")
        content = memoryview(self._read(count * _SIZE.size + length, until))
        sizes = [size for (size,) in _SIZE.iter_unpack(content[: count * _SIZE.size])]
        if sum(sizes) > _MOST_BYTES:
            raise CodecError("a message makes no sense")
        body = bytes(content[count * _SIZE.size :])
        beside = [self._read(size, until) for size in sizes]
        try:
            tree = json.loads(body)
        except ValueError as error:
            raise CodecError(f"a message makes no sense: {error}") from None
        return self.codec.decode(tree, beside)

    @staticmethod
    def _limit(until: float | None) -> None:
        if until is not None and time.monotonic() >= until:
            raise TimeoutError

    def _read(self, size: int, until: float | None) -> bytearray:
        content = bytearray(size)
        view = memoryview(content)
        while view.nbytes:
            self._limit(until)
            got = self.socket.recv_into(view)
            if not got:
                raise EOFError
            view = view[got:]
        return content
