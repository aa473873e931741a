"""Constants of Rust and C++ hosts: the numbers and texts that names stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from rocverify.code.places import Place
from rocverify.code.syntax import Unit
from rocverify.kernel_names import same_kernel

Find = Callable[[str], Iterable[Unit]]
"""The sources in which a word occurs."""

_NUMBER = re.compile(r"(?P<digits>\d[\d_']*)(?:[uU]?[lL]{0,2}|[ui](?:8|16|32|64|size))")
_WIDTH = r"k?_?(?:wave|warp|wavefront)_?(?:front)?_?(?:size|width)"
_TEXT = re.compile(r'"(\w+)(?:\\0)?"')
_WHOLE_TEXT = re.compile(r'[bc]?"(\w+)(?:\\0)?"')
_NAME = re.compile(r"(?<![\w\"])[A-Za-z_]\w*")
_DEEPEST = 8


def constant_of(text: str, place: Place, find: Find = lambda _: (), depth: int = 0) -> int | None:
    """The number that a text is: a literal, or a constant of the function, of the file or, where only one
    file has a constant of that name, of another; None for anything else."""
    number = _NUMBER.fullmatch(text)
    if number is not None:
        return int(number["digits"].replace("_", "").replace("'", ""))
    if depth > _DEEPEST or not text.isidentifier():
        return None
    inside = [v.text for v in place.function.values if v.name == text]
    if inside or any(p.name == text for p in place.function.parameters):
        fixed = [v.text for v in place.function.values if v.name == text and "const" in v.type.split()]
        return constant_of(fixed[0], place, find, depth + 1) if len(fixed) == len(inside) == 1 else None
    outside = _constants(place.unit, text)
    if outside:
        return constant_of(outside[0], place, find, depth + 1) if len(outside) == 1 else None
    imported = any(i.name in (text, "*", "") for i in place.unit.imports)
    rust = place.unit.path.endswith(".rs")
    units = [unit for unit in find(text) if unit.path.endswith(".rs") == rust] if imported else []
    elsewhere = [value for unit in units for value in _constants(unit, text)]
    return constant_of(elsewhere[0], place, find, depth + 1) if len(elsewhere) == 1 else None


def _constants(unit: Unit, name: str) -> list[str]:
    return [n.text for n in unit.named if n.name == name and n.text and not n.dead]


def wave_widths(unit: Unit) -> Iterator[tuple[str, int, int]]:
    """The constants of a file that say how wide a wave is: name, width and line."""
    for named in unit.named:
        number = _NUMBER.fullmatch(named.text)
        if number and not named.dead and re.fullmatch(_WIDTH, named.name, re.IGNORECASE):
            yield named.name, int(number["digits"].replace("_", "")), named.line


def texts_of(place: Place) -> Iterator[tuple[str, int]]:
    """The words that the live code of a function has as texts, or as constants of its file that are texts,
    each with its line."""
    constants = {n.name: found[1] for n in place.unit.named if (found := _WHOLE_TEXT.fullmatch(n.text))}
    for call in place.function.calls:
        for argument in () if call.dead else call.arguments:
            yield from ((text, call.line) for text in _TEXT.findall(argument))
            yield from ((constants[n], call.line) for n in _NAME.findall(argument) if n in constants)
    for value in place.function.values:
        if (found := _WHOLE_TEXT.fullmatch(value.text)) is not None:
            yield found[1], value.line


def line_with(kernel: str, place: Place) -> int | None:
    """The line on which the live code of a function has a kernel's name as a text; None if it does not."""
    return next((line for word, line in texts_of(place) if same_kernel(word, kernel)), None)
