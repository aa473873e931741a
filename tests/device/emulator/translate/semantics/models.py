"""How a model of a vector instruction is written down, and how its operands and results are read.

A model says the types of result and sources, and a function from source values to the result: integers
of the type's sign for integer types, bits for floats. Its result is an int (its low bits count), `ANY_NAN`
(a quiet NaN, whatever its payload) or `Near` (bits, and how many ULP off is right too).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.device.emulator.translate.semantics import softfloat
from tests.device.emulator.translate.semantics.softfloat import FORMATS, Format


@dataclass(frozen=True)
class Near:
    """A result that may differ from the correctly rounded `bits` by `ulps`."""

    bits: int
    ulps: int


@dataclass(frozen=True)
class Type:
    bits: int
    signed: bool = False
    format: Format | None = None


TYPES = {
    **{f"{k}{n}": Type(n) for k in "bu" for n in (16, 32, 64)},
    **{f"i{n}": Type(n, signed=True) for n in (16, 32, 64)},
    **{name: Type(f.bits, format=f) for name, f in FORMATS.items()},
}


def signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def mask(bits: int) -> int:
    return (1 << bits) - 1


@dataclass(frozen=True)
class Valu:
    """`mnemonic vdst, src0, src1, ...`. `accumulates`: the old destination is one more source.
    `saturates`: clamp means the exact result limited to the type (`fn` returns it unwrapped)."""

    result: str
    sources: tuple[str, ...]
    fn: Callable[..., Any]
    accumulates: bool = False
    saturates: bool = False
    modifiers: bool = True

    @property
    def takes_modifiers(self) -> bool:
        return self.modifiers and all(TYPES[s].format for s in self.sources)


def valu(result: str, sources: str, fn: Callable[..., Any], **options: bool) -> Valu:
    return Valu(result, tuple(sources.split()), fn, **options)


def decode(type_: Type, raw: int) -> int:
    """The low bits of a register (pair) as a value of the type."""
    return signed(raw, type_.bits) if type_.signed else raw & mask(type_.bits)


def constant(type_: Type, text: str) -> int:
    """The raw bits of an inline constant or literal, as an operand of the type sees them."""
    if text.startswith("0x"):
        literal = int(text, 16)
        return literal << 32 if type_.format and type_.bits == 64 else literal
    if "." in text:
        form = type_.format or FORMATS["f64" if type_.bits == 64 else "f32"]
        if text == "0.15915494309189532":
            return {"f16": 0x3118, "f32": 0x3E22F983, "f64": 0x3FC45F306DC9C882}[form.name]
        return softfloat.from_float(form, float(text))
    return int(text) & mask(64)


def modified(form: Format, bits: int, absolute: bool, negate: bool) -> int:
    bits = softfloat.absolute(form, bits) if absolute else bits
    return softfloat.neg(form, bits) if negate else bits


def clamped(model: Valu, value: Any) -> Any:
    """The clamp modifier: floats to [0, 1] with NaN as 0, integers to their type's range."""
    type_ = TYPES[model.result]
    if type_.format is None:
        low, high = (
            (-(1 << type_.bits - 1), (1 << type_.bits - 1) - 1) if type_.signed else (0, mask(type_.bits))
        )
        return min(max(value, low), high)
    bits = value.bits if isinstance(value, Near) else value
    one = softfloat.from_float(type_.format, 1.0)
    if softfloat.is_nan(type_.format, bits) or softfloat.sign_of(type_.format, bits):
        return 0
    over = softfloat.less(type_.format, one, bits)
    return one if over else value


def agrees(type_: Type, expected: Any, seen: int) -> bool:
    """Whether the bits seen are what the model allows."""
    seen &= mask(type_.bits)
    near = expected if isinstance(expected, Near) else Near(expected & mask(type_.bits), 0)
    if type_.format is None:
        return near.bits == seen
    if softfloat.is_nan(type_.format, near.bits):
        return softfloat.is_nan(type_.format, seen) and not softfloat.is_signalling(type_.format, seen)
    if softfloat.is_nan(type_.format, seen):
        return False
    if near.ulps == 0:
        return near.bits == seen
    return softfloat.ulps(type_.format, near.bits, seen) <= near.ulps
