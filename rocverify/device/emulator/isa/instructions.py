"""Instructions as the translator reads them, whoever has decoded them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rocverify.device.emulator.isa.operands import Operand


class SourceLines(Protocol):
    """Where addresses come from in the source."""

    def at(self, address: int) -> str | None:
        """`file:line` of a virtual address; None where that is not known."""


_RETURNS, _PAST_CACHES, _SCOPE_BITS = frozenset({"glc", "sc0"}), frozenset({"glc", "sc1"}), ("sc0", "sc1")


# Files have a million of them: frozen, they would take three times as long to make.
@dataclass(slots=True)
class Instruction:
    """One instruction; nobody changes it. `address` is virtual, in the code object; `size` its bytes,
    `mnemonic` RDNA 3's name without the encoding suffix, which is `encoding` ("e32", "e64",
    "dpp", ...). `modifiers` holds `offset:16` and flags such as `glc` (value ""); `second` is the Y
    half of a VOPD pair; `word` the first dword of the encoding; `format` the name of the microcode
    format; `lines` knows where it comes from."""

    address: int
    size: int
    mnemonic: str
    encoding: str
    operands: tuple[Operand, ...]
    modifiers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    second: Instruction | None = None
    word: int = 0
    format: str = ""
    lines: SourceLines | None = None

    @property
    def source(self) -> str | None:
        """`file:line` where the code object has line tables."""
        return None if self.lines is None else self.lines.at(self.address)

    @property
    def branch_target(self) -> int:
        """Where a relative branch goes: the next instruction plus SIMM16 dwords."""
        simm16 = self.word & 0xFFFF
        return self.next_address + 4 * (simm16 - 0x10000 if simm16 & 0x8000 else simm16)

    @property
    def next_address(self) -> int:
        """The address behind it."""
        return self.address + self.size

    @property
    def offset(self) -> int:
        """The `offset:` modifier in bytes."""
        return int(self.modifiers.get("offset", "0"), 0)

    @property
    def returns_old(self) -> bool:
        """Of an atomic in memory: whether it returns what was there, by GLC or SC0, or by a temporal hint."""
        return not _RETURNS.isdisjoint(self.modifiers) or self.modifiers.get("th", "").endswith("RETURN")

    @property
    def reads_past_caches(self) -> bool:
        """Of a load: whether it reads what other multiprocessors have written, by GLC or SC1, or by its
        scope."""
        return not _PAST_CACHES.isdisjoint(self.modifiers) or self.modifiers.get("scope") in (
            "SCOPE_DEV",
            "SCOPE_SYS",
        )

    @property
    def scoped(self) -> str:
        """Its mnemonic, with its scope where it has one."""
        words = [self.modifiers["scope"]] if "scope" in self.modifiers else []
        words += [bit for bit in _SCOPE_BITS if bit in self.modifiers]
        return " ".join((self.mnemonic, *words))

    def flags(self, name: str, count: int, default: int) -> tuple[int, ...]:
        """A list modifier such as `op_sel:[0,1]`, padded with `default` to `count` entries."""
        text = self.modifiers.get(name)
        given = [int(part, 0) for part in text.strip("[]").split(",")] if text else []
        return tuple((given + [default] * count)[:count])


class Listing(Protocol):
    """The code of one code object."""

    @property
    def addresses(self) -> tuple[int, ...]:
        """Where instructions begin, in order."""

    def __contains__(self, address: int) -> bool: ...

    def at(self, address: int) -> Instruction:
        """The instruction at a virtual address; DeviceError where none begins or its form is unknown."""
