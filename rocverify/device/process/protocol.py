"""The protocol between the HIP library and the device process, as Python reads it.

Its one source is `rocverify/device/library/protocol.h`: numbers, structures and the table of calls are read
from there, never written twice.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HEADER = Path(__file__).resolve().parents[1] / "library" / "protocol.h"

_DEFINE = re.compile(r"^#define (RV_\w+) (\(?[0-9a-fx][0-9a-fx <u]*\)?)(?:\s|$)", re.MULTILINE)
_STRUCT = re.compile(r"^struct (rv_\w+) \{(.*?)^\};", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"(u?int(?:8|16|32|64)_t|char) ([^;]+);")
_CODES = {
    "int32_t": "i", "uint32_t": "I", "int64_t": "q", "uint64_t": "Q", "uint16_t": "H", "uint8_t": "B",
}  # fmt: skip
_NAME = re.compile(r"(\w+)(?:\[(\d+)\])?")


@cache
def _text() -> str:
    return HEADER.read_text()


@cache
def numbers() -> dict[str, int]:
    """Every RV_ constant of the header by its name."""
    found = {}
    for name, value in _DEFINE.findall(_text()):
        low, _, shift = value.strip("()u ").partition("<<")
        found[name] = int(low.strip().rstrip("u"), 0) << int(shift or 0)
    return found


@cache
def calls() -> tuple[str, ...]:
    """The names of all calls; their place is their number."""
    table = _text().partition("#define RV_CALLS(CALL)")[2].partition("enum rv_call")[0]
    return tuple(re.findall(r"\bCALL\((\w+)\)", table))


@dataclass(frozen=True, slots=True)
class Layout:
    """A structure of the header: its members in order, and how `struct` packs them (C's own layout)."""

    names: tuple[str, ...]
    packer: struct.Struct

    def unpack(self, data: bytes | memoryview, offset: int = 0) -> dict[str, int | bytes]:
        """The members by name; arrays of chars as bytes up to their NUL."""
        values = self.packer.unpack_from(data, offset)
        return {
            name: value.partition(b"\0")[0] if isinstance(value, bytes) else value
            for name, value in zip(self.names, values, strict=True)
        }

    def pack(self, **members: int | bytes) -> bytes:
        """The structure's bytes; members not given are 0."""
        return self.packer.pack(*(members.get(name, b"" if kind else 0) for name, kind in self._kinds()))

    def _kinds(self) -> list[tuple[str, bool]]:
        codes = re.findall(r"\d*s|[iIqQHB]", self.packer.format)
        return [(name, code.endswith("s")) for name, code in zip(self.names, codes, strict=True)]


@cache
def layout(name: str) -> Layout:
    """The layout of one of the header's structures, `rv_hello` and the like; arrays only of char."""
    body = dict(_STRUCT.findall(re.sub(r"/\*.*?\*/", "", _text(), flags=re.DOTALL)))[name]
    names: list[str] = []
    codes = "@"
    for kind, declared in _MEMBER.findall(body):
        for member, length in _NAME.findall(declared):
            names.append(member)
            codes += f"{length}s" if kind == "char" else _CODES[kind]
    packer = struct.Struct(codes)
    widest = 8 if "Q" in codes or "q" in codes else 4
    padding = -packer.size % widest
    return Layout(tuple(names), struct.Struct(codes + f"{padding}x" if padding else codes))


RECORD = struct.Struct("<IHHIIII")
"""size, call, flags, slot, site, nargs, payload: `struct rv_record`."""

MESSAGE = struct.Struct("<IiII")
"""kind, code, nvalues, payload: `struct rv_message`."""

ANSWER = struct.Struct("<i")
HEAD, TAIL, WAITING, STOPPED, JUDGED, ORDER = 0, 64, 128, 132, 136, 140
"""Offsets in `struct rv_ring`."""


def message(kind: int, code: int, values: tuple[int, ...] = (), payload: bytes | memoryview = b"") -> bytes:
    """A message to a thread; negative values are sent in two's complement."""
    body = struct.pack(f"<{len(values)}Q", *(value & 0xFFFFFFFFFFFFFFFF for value in values))
    return MESSAGE.pack(kind, code, len(values), len(payload)) + body + bytes(payload)
