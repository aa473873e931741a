"""Kernel names as people write them: mangled, demangled, or as short as they are unambiguous.

`_ZN2ns11row_softmaxIfEEvPT_i` is also `void ns::row_softmax<float>(float*, int)`, `ns::row_softmax<float>`,
`row_softmax<float>` and, where no other kernel is called so, `row_softmax`. Names are demangled by the C++
runtime of this machine; what that does not know (`_Float16` for an older one) by the toolchain's
llvm-cxxfilt.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

from rocverify.errors import ToolchainError, UsageError

_MANGLED = "_Z"
_LENGTH = re.compile(r"\d{1,4}")
_LONGEST = 4096
"""Longer names are shown as they are: the runtime's demangler takes its room from the stack."""

_TOOL_TIMEOUT_S = 20.0
_MOST_SHOWN = 12


def demangled(names: Iterable[str], filter_tool: Path | None = None) -> dict[str, str]:
    """Each name as C++ source has it; as it is, where it is not mangled or nothing here can read it.

    `filter_tool` is an llvm-cxxfilt (see `Toolchain.demangler`), asked for what the runtime does not know.
    """
    found = {name: _by_runtime(name) or name for name in names}
    unknown = [name for name, text in found.items() if text == name and _readable(name)]
    if unknown and filter_tool is not None:
        found.update(_by_tool(unknown, filter_tool))
    return found


def choose_kernel(kernels: Iterable[str], wanted: str, where: str, filter_tool: Path | None = None) -> str:
    """The mangled name of the one kernel that `wanted` means.

    Raises UsageError, listing the candidates, where there is none or more than one.
    """
    names = list(dict.fromkeys(kernels))
    candidates = kernels_called(names, wanted, filter_tool)
    shown = demangled(names, filter_tool)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        listed = "".join(f"\n    {shown[name]}  ({name})" for name in candidates[:_MOST_SHOWN])
        raise UsageError(
            f"has {len(candidates)} kernels {wanted}:{listed}", where=where, hint="name one of them"
        )
    raise UsageError(f"has no kernel {wanted}", where=where, hint=f"it has {_listed(shown)}")


def kernels_called(kernels: Iterable[str], wanted: str, filter_tool: Path | None = None) -> tuple[str, ...]:
    """The mangled names of the kernels that `wanted` may mean: itself alone, where it is one of them."""
    names = tuple(dict.fromkeys(kernels))
    if wanted in names:
        return (wanted,)
    shown = demangled(names, filter_tool)
    asked = _plain(wanted)
    return tuple(name for name in names if asked in set(_forms(shown[name])))


@lru_cache(maxsize=8192)
def same_kernel(name: str, wanted: str) -> bool:
    """Whether one name may mean the kernel of another, each written in whichever way."""
    return name == wanted or bool(kernels_called([name], wanted) or kernels_called([wanted], name))


def last_name(name: str) -> str:
    """`fill` of `_ZN3gpu4fillIfEEvPT_`, `gpu::fill<float>` and `fill`."""
    shown = demangled([name])[name]
    if _readable(shown):  # this machine's runtime cannot read it
        return _last_part(shown) or shown
    bare = _without_arguments(without_parameters(shown))
    return bare[_last_outside(bare, ":") + 1 :]


def _last_part(symbol: str) -> str:
    """The last of the names that a mangled name begins with (`fill` of `_ZN3gpu4fillEPf`); empty for none."""
    rest = symbol.removeprefix(_MANGLED).lstrip("NL").lstrip("rVK")
    name = ""
    while (found := _LENGTH.match(rest)) is not None:
        end = found.end() + int(found[0])
        name, rest = rest[found.end() : end], rest[end:]
    return name


def parameter_types(text: str) -> tuple[str, ...] | None:
    """The parameter types in a demangled name, `("float*", "int")`; None where it has no parameter list."""
    parts = _split(text)
    if parts is None:
        return None
    inside = parts[1][1:-1]
    return tuple(part.strip() for part in at_commas(inside)) if inside.strip() not in ("", "void") else ()


def without_parameters(text: str) -> str:
    """`ns::scale<float>` of the demangled `void ns::scale<float>(float*, int)`."""
    head = (_split(text) or (text, ""))[0]
    return head[_last_outside(head, " ") + 1 :]


def _listed(shown: Mapping[str, str]) -> str:
    names = [text if text == name else f"{text} ({name})" for name, text in sorted(shown.items())]
    more = f", and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return (", ".join(names[:_MOST_SHOWN]) or "no kernel") + more


def _forms(text: str) -> Iterator[str]:
    """Every way of writing a demangled name, without blanks, from the longest to the shortest."""
    yield _plain(text)
    if _readable(text):
        yield _last_part(text)
    parts = _split(text)
    head, parameters = parts or (text, "")
    # A template's name begins with what it returns.
    name = head[_last_outside(head, " ") + 1 :]
    bare = _without_arguments(name)
    for one in (name, bare):
        short = one[_last_outside(one, ":") + 1 :]
        yield from (_plain(one + parameters), _plain(one), _plain(short + parameters), _plain(short))


def _plain(text: str) -> str:
    """Without blanks, but for those between two words."""
    return re.sub(r"(?<=\W) +| +(?=\W)", "", text.strip())


def _split(text: str) -> tuple[str, str] | None:
    """`void f<int>` and `(int)`; None without a parameter list at the end."""
    if not text.endswith(")"):
        return None
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if depth == 0:
            return (text[:at], text[at:]) if text[:at].strip() else None
    return None


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """The characters that no bracket encloses, with their places."""
    depth = 0
    for at, letter in enumerate(text):
        if letter in ">)]}":
            depth -= 1
        if depth == 0:
            yield at, letter
        if letter in "<([{":
            depth += 1


def _last_outside(text: str, wanted: str) -> int:
    return max((at for at, letter in _outside(text) if letter == wanted), default=-1)


def _without_arguments(name: str) -> str:
    """`ns::f` of `ns::f<float>`; what stands in the middle is kept."""
    if not name.endswith(">"):
        return name
    return name[: max((at for at, letter in _outside(name) if letter == "<"), default=len(name))]


def at_commas(text: str) -> Iterator[str]:
    """The parts of a parameter list; commas within brackets do not count."""
    start = 0
    for at, letter in _outside(text):
        if letter == ",":
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _readable(name: str) -> bool:
    return name.startswith(_MANGLED) and len(name) <= _LONGEST


def _by_runtime(name: str) -> str | None:
    library = _runtime() if _readable(name) else None
    if library is None:
        return None
    status = ctypes.c_int()
    pointer = library.__cxa_demangle(name.encode(), None, None, ctypes.byref(status))
    if not pointer:
        return None
    try:
        return ctypes.string_at(pointer).decode(errors="replace")
    finally:
        library.free(ctypes.c_void_p(pointer))


@cache
def _runtime() -> ctypes.CDLL | None:
    """The C++ runtime, which nearly every machine has; it brings C's `free` with it."""
    try:
        library = ctypes.CDLL("libstdc++.so.6")
    except OSError:
        return None
    library.__cxa_demangle.restype = ctypes.c_void_p
    return library


def _by_tool(names: list[str], tool: Path) -> dict[str, str]:
    from rocverify.store.tools import run_tool

    try:
        run = run_tool([str(tool), *names], timeout_s=_TOOL_TIMEOUT_S)
    except ToolchainError:
        return {}
    lines = run.output.splitlines()
    return dict(zip(names, lines, strict=True)) if len(lines) == len(names) else {}
