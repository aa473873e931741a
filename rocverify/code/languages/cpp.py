"""C, C++ and HIP sources as records, from tree-sitter's syntax tree.

Conditionals are seen: what no compiler takes is recorded as dead; where both ways of one do not fit into one
tree, each is read alone. Macros of the same file are expanded where they define functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

import tree_sitter_cpp
from tree_sitter import Language, Node, Parser

from rocverify.code.languages.cpp_casts import held, misread_casts
from rocverify.code.languages.cpp_items import CppItems, simple_constants
from rocverify.code.languages.cpp_macros import Macro, invocations, macros_of, without_directives
from rocverify.code.languages.cpp_shared import shared_accesses
from rocverify.code.languages.cpp_text import Marks, Prepared, Silent, includes, prepared, silenced
from rocverify.code.languages.tree import broken
from rocverify.code.shared_memory import SharedAccess
from rocverify.code.syntax import Function, Import, Named, Unit

_MOST_NESTED = 8
"""Levels of parentheses that look like casts, one within another."""
_DYNAMIC = re.compile(r"\bHIP_DYNAMIC_SHARED\(\s*([\w: ]+?)\s*,\s*(\w+)\s*\)")


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_cpp.language()))


def parsed_cpp(source: bytes) -> Node:
    """The syntax tree of a source as it is written."""
    return _parser().parse(source).root_node


def read_cpp(path: str, text: str, dead: Mapping[int, str] | None = None) -> Unit:
    """The records of one file. `dead`: the lines that no compiler sees, and why. What cannot be parsed is
    left out; `Unit.broken` says from which line."""
    hidden = dead or {}
    silent = silenced(text.encode("utf-8", "replace"))
    plain = silent.plain.decode("latin-1")
    macros = _live_macros(silent, hidden)
    uses = list(invocations(without_directives(plain), macros))
    made = prepared(silent, hidden.keys(), _marks(macros, uses))
    unit = _read(path, made.text, made)
    if unit.broken is not None and made.first is not None and made.last is not None:
        unit = _joined(unit, [_read(path, made.first, made), _read(path, made.last, made)])
    if macros:
        unit = _with_macros(unit, plain, macros, uses)
    if made.hidden is not None:
        unit = _with_dead(unit, _read(path, made.hidden, made), hidden)
    included = tuple(Import("", (name,), line, False) for name, line in includes(silent.code))
    return replace(unit, imports=(*unit.imports, *included))


def read_shared(text: str, kernel: str, dead: Mapping[int, str] | None = None) -> tuple[SharedAccess, ...]:
    """How a kernel of a file indexes its dynamic LDS, as far as that is plain."""
    hidden = dead or {}
    source = _DYNAMIC.sub(r"extern __shared__ \1 \2[];", text).encode("utf-8", "replace")
    for _ in range(_MOST_NESTED):
        silent = silenced(source)
        made = prepared(silent, hidden.keys(), _marks(_live_macros(silent, hidden), []))
        root = _parser().parse(made.text).root_node
        misread = misread_casts(root)
        if not misread:
            return shared_accesses(root, silent.source, kernel)
        source = held(silent.source, misread)
    return ()


def _live_macros(silent: Silent, hidden: Mapping[int, str]) -> list[Macro]:
    plain = silent.plain.decode("latin-1")
    found = macros_of(plain, silent.code.decode("latin-1"))
    return [macro for macro in found if _line(plain, macro.offset) not in hidden]


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _marks(macros: list[Macro], uses: list[tuple[int, int, str]]) -> Marks:
    plain = [m for m in macros if m.parameters is None]
    kernels = frozenset(m.name.encode() for m in plain if m.marks_kernels)
    ignored = frozenset(m.name.encode() for m in plain if m.is_annotation)
    return Marks(kernels, ignored - kernels, tuple((begin, end) for begin, end, _ in uses))


def _read(path: str, text: bytes, made: Prepared) -> Unit:
    root = _parser().parse(text).root_node
    items = CppItems(simple_constants(root), made.launches, made.marks)
    items.read(root)
    functions = tuple(sorted(items.functions, key=lambda function: function.line))
    return Unit(path, functions, tuple(items.imports), tuple(items.named), broken(root), tuple(items.tables))


def _key(function: Function) -> tuple[str, int]:
    return function.qualified, function.line


def _joined(unit: Unit, ways: list[Unit]) -> Unit:
    """What each way of the conditionals has, once; the file is broken only if every way is."""
    functions: dict[tuple[str, int], Function] = {}
    named: dict[tuple[str, int], Named] = {}
    tables: dict[str, Function] = {}
    imports: dict[Import, None] = {}
    sound = [way for way in ways if way.broken is None]
    for way in sound or [unit, *ways]:
        for function in way.functions:
            known = functions.get(_key(function))
            calls = tuple(dict.fromkeys((*(known.calls if known else ()), *function.calls)))
            functions[_key(function)] = replace(function, calls=calls)
        named.update(((n.name, n.line), n) for n in way.named)
        tables.update((t.name, t) for t in way.macros)
        imports.update(dict.fromkeys(way.imports))
    return replace(
        unit,
        functions=tuple(sorted(functions.values(), key=lambda f: f.line)),
        named=tuple(named.values()),
        macros=tuple(tables.values()),
        imports=tuple(imports),
        broken=None if len(sound) == len(ways) else unit.broken,
    )


def _with_dead(unit: Unit, whole: Unit, dead: Mapping[int, str]) -> Unit:
    """The records with those of lines that are never compiled, marked so."""
    functions = {_key(f): f for f in unit.functions}
    for function in whole.functions:
        inside = tuple(replace(c, dead=c.dead or dead[c.line]) for c in function.calls if c.line in dead)
        if function.line in dead:
            functions.setdefault(_key(function), replace(function, dead=dead[function.line]))
        elif inside and (known := functions.get(_key(function))) is not None:
            functions[_key(function)] = replace(known, calls=(*known.calls, *inside))
    named = tuple(replace(n, dead=dead[n.line]) for n in whole.named if n.line in dead)
    return replace(
        unit,
        functions=tuple(sorted(functions.values(), key=lambda f: f.line)),
        named=(*unit.named, *named),
    )


def _with_macros(unit: Unit, plain: str, macros: list[Macro], uses: list[tuple[int, int, str]]) -> Unit:
    """The records with the macros themselves, and with what they define where they are used."""
    named, functions, tables = list(unit.named), list(unit.functions), list(unit.macros)
    for macro in macros:
        line = _line(plain, macro.offset)
        value = " ".join(macro.body.replace("\\\n", " ").split()) if macro.parameters is None else ""
        named.append(Named(macro.name, "macro", line, text=value))
        if not macro.defines_functions or macro.parameters is None:
            tables += _called_by(macro, line)
    mark = {m.name for m in macros if m.marks_kernels}
    for begin, _, expanded in uses:
        line = _line(plain, begin)
        for name in mark:
            expanded = expanded.replace(name, "__global__")
        inner = read_cpp(unit.path, expanded)
        functions += [_moved(function, line) for function in inner.functions]
        named += [replace(n, line=line) for n in inner.named]
    ordered = tuple(sorted(functions, key=lambda f: f.line))
    return replace(unit, functions=ordered, named=tuple(named), macros=tuple(tables))


def _moved(function: Function, line: int) -> Function:
    """A function that a macro defines, on the line where it is used."""
    calls = tuple(replace(call, line=line) for call in function.calls)
    values = tuple(replace(value, line=line) for value in function.values)
    return replace(function, line=line, last_line=line, calls=calls, values=values)


def _called_by(macro: Macro, line: int) -> Iterator[Function]:
    """A macro as if it were a function: what its uses call. Its parameters may be names of functions."""
    body = macro.body.replace("\\\n", "\n").replace("#", " ")
    if not body.strip():
        return
    parameters = ", ".join(f"auto {p}" for p in macro.parameters or () if p.isidentifier())
    inner = read_cpp("", f"void {macro.name}({parameters}) {{ {body} ; }}")
    for function in inner.functions[:1]:
        sure = inner.broken is None
        calls = tuple(replace(call, line=line, sure=call.sure and sure) for call in function.calls)
        yield replace(function, line=line, last_line=line, calls=calls, values=(), branches=(), parameters=())
