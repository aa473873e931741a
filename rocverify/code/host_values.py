"""What an expression of a Rust or C++ host is worth: a number, or the parameters that it is computed from."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping

from rocverify.code.constants import Find, constant_of
from rocverify.code.places import Place

SIZES: Mapping[str, int] = {
    **dict.fromkeys(("i8", "u8", "bool", "char", "int8_t", "uint8_t", "unsigned char", "c_char"), 1),
    **dict.fromkeys(("i16", "u16", "short", "int16_t", "uint16_t", "unsigned short", "f16", "_Float16"), 2),
    **dict.fromkeys(("i32", "u32", "f32", "int", "unsigned", "unsigned int", "float", "c_int", "c_uint"), 4),
    **dict.fromkeys(("int32_t", "uint32_t", "std::int32_t", "std::uint32_t", "c_float"), 4),
    **dict.fromkeys(("i64", "u64", "f64", "usize", "isize", "long", "unsigned long", "double", "size_t"), 8),
    **dict.fromkeys(("int64_t", "uint64_t", "std::size_t", "std::int64_t", "std::uint64_t", "long long"), 8),
}
"""Bytes of the types that hosts hand over."""

_TYPE = "|".join(re.escape(name) for name in sorted(SIZES, key=len, reverse=True))
_SIZE_OF = re.compile(
    r"(?:\w+::)*size_?of(?:::<\s*(?P<rust>[\w:]+)\s*>\s*\(\s*\)|\s*\(\s*(?P<cpp>[\w: ]+?)\s*\))"
)
_CAST = re.compile(
    rf"\bas\s+(?:{_TYPE})\b|\bstatic_cast\s*<\s*(?:{_TYPE})\s*>|\(\s*(?:{_TYPE})\s*\)(?=\s*[\w(])|\b\w+::(?=\w)"
)
_NUMBER = re.compile(r"\b(?P<digits>\d[\d_']*)(?:[uU]?[lL]{1,2}|[uU]|[ui](?:8|16|32|64|size))?\b")
_DEEPEST = 8


class HostValues:
    """Values in the functions of hosts. `find`: the sources in which a word occurs; `text`: the code of one,
    without comments."""

    def __init__(self, find: Find, text: Callable[[str], str]) -> None:
        self._find = find
        self._text = text

    def code(self, place: Place) -> str:
        """The lines of a function."""
        lines = self._text(place.unit.path).split("\n")
        return "\n".join(lines[place.function.line - 1 : place.function.last_line])

    def number(self, text: str, place: Place) -> int | None:
        """The number that an expression always is; None for any other."""
        node = _parsed(text)
        return None if node is None else self._number(node, place, 0)

    def origins(self, text: str, place: Place) -> frozenset[str] | None:
        """The function's parameters from which an expression is computed by sums and products; None where
        anything else is in it."""
        node = _parsed(text)
        return None if node is None else self._origins(node, place, 0)

    def _number(self, node: ast.expr, place: Place, depth: int) -> int | None:
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.BinOp(left=left, op=sign, right=right):
                a, b = self._number(left, place, depth), self._number(right, place, depth)
                return None if a is None or b is None else _computed(sign, a, b)
            case ast.Name(id=name) if depth < _DEEPEST:
                inner = self._local(name, place)
                if inner is not None:
                    return self._number(inner, place, depth + 1)
                return constant_of(name, place, self._find)
        return None

    def _origins(self, node: ast.expr, place: Place, depth: int) -> frozenset[str] | None:
        match node:
            case ast.Constant(value=int()):
                return frozenset()
            case ast.BinOp(left=left, op=ast.Add() | ast.Mult(), right=right):
                a, b = self._origins(left, place, depth), self._origins(right, place, depth)
                return None if a is None or b is None else a | b
            case ast.Name(id=name) if depth < _DEEPEST:
                inner = self._local(name, place)
                if inner is not None:
                    return self._origins(inner, place, depth + 1)
                if self.is_parameter(name, place):
                    return frozenset({name})
                return None if constant_of(name, place, self._find) is None else frozenset()
        return None

    def parameter(self, text: str, place: Place) -> str:
        """The parameter that an expression is, casts and other names for it left out; empty for others."""
        node, depth = _parsed(text), 0
        while isinstance(node, ast.Name) and depth < _DEEPEST:
            inner = self._local(node.id, place)
            if inner is None:
                return node.id if self.is_parameter(node.id, place) else ""
            node, depth = inner, depth + 1
        return ""

    def is_parameter(self, name: str, place: Place) -> bool:
        """Whether a name is a parameter that its function never writes to."""
        named = any(p.name == name for p in place.function.parameters)
        inside = any(v.name == name for v in place.function.values)
        return named and not inside and not self._written(name, place)

    def _local(self, name: str, place: Place) -> ast.expr | None:
        """The value of a variable that has one only."""
        found = [v.text for v in place.function.values if v.name == name]
        if len(found) != 1 or self._written(name, place) > 1:
            return None
        return _parsed(found[0])

    def _written(self, name: str, place: Place) -> int:
        assigned = rf"(?<![\w.]){re.escape(name)}\s*(?::[^=;(){{}}]*)?(?:[-+*/|&^%]|<<|>>)?=(?![=>])"
        before = rf"(?:\+\+|--|&mut\s+)\s*{re.escape(name)}\b(?!\s+as\s+\*)"
        changed = rf"{before}|(?<![\w.]){re.escape(name)}\s*(?:\+\+|--)"
        code = self.code(place)
        return len(re.findall(assigned, code)) + 2 * len(re.findall(changed, code))


def _parsed(text: str) -> ast.expr | None:
    """An expression of names, integers and operators; None for any other. Casts are left out."""
    plain = _SIZE_OF.sub(_size, text)
    plain = _NUMBER.sub(lambda m: re.sub(r"\D", "", m["digits"]).lstrip("0") or "0", _CAST.sub(" ", plain))
    try:
        return ast.parse(plain.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _size(found: re.Match[str]) -> str:
    size = SIZES.get(found["rust"] or found["cpp"])
    return str(size) if size else "?"


def _computed(sign: ast.operator, a: int, b: int) -> int | None:
    match sign:
        case ast.Add():
            return a + b
        case ast.Sub():
            return a - b
        case ast.Mult():
            return a * b
        case ast.Div() if b > 0 <= a:
            return a // b
    return None
