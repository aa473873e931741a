"""A contract's skeleton for each kernel of a source, from the code object's metadata and the source's text.

What cannot be known is marked with CHECK, and `reference` and `wrong` are for a person to write: until then
the contract raises, and whatever rests on it is undecided.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

from rocverify.kernel_names import kernels_called, last_name
from rocverify.scaffold.suggested import first_line, suggested
from rocverify.scaffold.uses import Uses, dims_text

if TYPE_CHECKING:
    from rocverify.code.syntax import Function
from rocverify.toolchain.code_metadata import KernelArg, KernelMetadata

CHECK = "CHECK"
_TYPES = {
    "F32": r"float",
    "F64": r"double",
    "F16": r"_Float16|__fp16|half|__half",
    "BF16": r"hip_bfloat16|__hip_bfloat16|__bf16|bfloat16|Bf16",
    "I8": r"signed char|char|int8_t",
    "U8": r"unsigned char|uint8_t",
    "I16": r"short|short int|int16_t",
    "U16": r"unsigned short|uint16_t",
    "I32": r"int|signed|signed int|int32_t",
    "U32": r"unsigned|unsigned int|uint|uint32_t",
    "I64": r"long|long long|long int|long long int|int64_t|ptrdiff_t|ssize_t",
    "U64": r"unsigned long|unsigned long long|uint64_t|size_t",
}
_QUALIFIERS = re.compile(r"\b(?:const|volatile|__restrict__|__restrict|restrict|std::|struct)\b|std::|\[\]")
_CTYPES = {
    **{"I8": "c_int8", "U8": "c_uint8", "I16": "c_int16", "U16": "c_uint16", "I32": "c_int32"},
    **{"U32": "c_uint32", "I64": "c_int64", "U64": "c_uint64", "F32": "c_float", "F64": "c_double"},
}
_NUMBERS = {
    "I8": (-128, 128, "int8"),
    "U8": (0, 256, "uint8"),
    "I16": (-32768, 32768, "int16"),
    "U16": (0, 65536, "uint16"),
}
"""Types whose integers are mostly numbers: the least, the one behind the greatest, NumPy's name."""
_DYNAMIC = re.compile(r"\bextern\s+(?:__align__\([^)]*\)\s*)?__shared__[^;{}]*\[\s*\]\s*;")
_ADDING = re.compile(r"\b(?:for|while)\b(?s:.)*\+=")
_FOR = re.compile(r"\bfor\s*\([^;{}]*;[^;{}]*;[^;{}]*?\)(?=\s*[\w{*(])")
"""The head of a loop, whose steps add nothing up."""
_MOST = 1024
_LONGEST = 100
"""Characters of a line."""
_TAKEN = frozenset(
    {"contract", "Dims", "Launch", "In", "InOut", "Out", "Scalar", "boundary", "ctypes", *_TYPES}
)
"""Names that a module of contracts uses itself."""


@dataclass(frozen=True)
class Parameter:
    """A kernel's parameter. type: the contract's name of its element type, empty where it has none for it."""

    name: str
    written_type: str
    type: str
    pointer: bool
    constant: bool


@dataclass(frozen=True)
class Skeleton:
    """A contract's class, the kernel's name in its source, the contract's lines, and the names that they take
    from `rocverify.oracle.contract`."""

    name: str
    kernel: str
    lines: tuple[str, ...]
    imports: frozenset[str]
    ready: str
    """References that its name suggests, in words."""


@dataclass(frozen=True)
class KernelText:
    """A kernel in a code object and in its source. text: the function's own, called: that of the functions
    that it may call; comments and dead code blanked."""

    metadata: KernelMetadata
    function: Function
    text: str
    called: str

    @property
    def dynamic_lds(self) -> str:
        """The array whose size a launch decides, as it is declared; empty without one."""
        found = _DYNAMIC.search(f"{self.text}\n{self.called}")
        return " ".join(found[0].rstrip(";").split()) if found else ""


def module_text(source: str, skeletons: Sequence[Skeleton]) -> str:
    """A contracts' module."""
    names = sorted({"contract", "Dims", "Launch"} | {n for s in skeletons for n in s.imports})
    lines = [
        f'"""Contracts of {source}: how its kernels are launched and what they must compute.',
        "",
        f"Begun by `rocverify contract new`: {CHECK} marks what did not show in the source.",
        '"""',
        "",
        "import ctypes",
        "",
        f"from rocverify.oracle.contract import {', '.join(names)}",
    ]
    for skeleton in skeletons:
        lines += ["", "", *skeleton.lines]
    return "\n".join(lines) + "\n"


def skeletons(source: str, kernels: Sequence[KernelText], of: Sequence[str]) -> tuple[Skeleton, ...]:
    """The contracts of kernels. of: all kernels of the code object."""
    taken = set(_TAKEN)
    found = []
    for one in kernels:
        name = _class_name(one.function.name, taken)
        taken.add(name)
        found.append(_skeleton(source, name, one, _symbol(one.metadata.name, of)))
    return tuple(found)


def _symbol(kernel: str, of: Sequence[str]) -> str:
    """The name of a kernel in its source, where no other kernel of the code object has it."""
    short = last_name(kernel)
    return short if len(kernels_called(of, short)) == 1 else kernel


def _skeleton(source: str, name: str, one: KernelText, symbol: str) -> Skeleton:
    """The contract of one kernel."""
    kernel, function = one.metadata, one.function
    parameters = tuple(_parameters(kernel.explicit_args, function))
    whole = (p.name for p in parameters if not p.pointer and p.type[:1] in ("I", "U"))
    integers = tuple(name for name in whole if not keyword.iskeyword(name))  # a length is named as it is
    uses = Uses(function, one.text, integers)
    outer = _outer(parameters, uses)
    declared = [_declared(p, uses, outer) for p in parameters if p.name not in integers]
    body = [line for line, _ in declared]
    imports = {
        name for p in parameters if p.name not in integers for name in (_role(p, uses), p.type or "F32")
    }
    if any(_role(p, uses) == "InOut" and uses.handed_on(p.name) for p in parameters):
        imports.add("Out")  # what such an array may have to become
    lengths = [name for _, names in declared for name in names]
    hidden = any(uses.shape_doubts(p.name) for p in parameters if p.pointer)
    body += _dims(integers, lengths, "no index that shows" if hidden else "no index")
    imports |= {"boundary"} if integers else set()
    ready = suggested(function)
    given = ", ".join(
        ["self", *(_spoken(p.name) for p in parameters if p.name not in integers and _role(p, uses) != "Out")]
    )
    lines = [
        f'@contract(source="{source}", symbol="{symbol}")',
        f"class {name}:",
        *([f'    """{first_line(function.doc)}"""', ""] if function.doc else []),
        *(f"    {line}" for line in body),
        *_in_order(parameters),
        "",
        *_launch(kernel, parameters, uses, one.dynamic_lds),
        "",
        *_prepare(parameters, uses, {p.name: _axes(p, uses, outer)[0] for p in parameters if p.pointer}),
        f"    def reference({given}):",
        *([f"        # rocverify.references has: {ready}"] if ready else []),
        *_wrapping(parameters, uses),
        f'        raise NotImplementedError("{CHECK}: what the kernel must compute, in NumPy")',
        "",
        *_magnitude(given, f"{one.text}\n{one.called}", ready),
        f"    def wrong({given}):",
        f'        raise NotImplementedError("{CHECK}: results of plausible mistakes, by name")',
    ]
    return Skeleton(name, function.name, tuple(lines), frozenset(imports), ready)


def _prepare(parameters: Sequence[Parameter], uses: Uses, axes: Mapping[str, str]) -> Iterator[str]:
    """Arrays of integers that a kernel reads: their values mean something. Those of a byte or two are mostly
    numbers, of which any may come; what wider ones are, nobody can guess."""
    named = [p for p in parameters if p.pointer and p.type[:1] in ("I", "U") and _role(p, uses) != "Out"]
    if not named:
        return
    yield "    def prepare(self, rng, dims):"
    if all(p.type in _NUMBERS for p in named):
        yield f"        # {CHECK} the integers: any of the type, unless they count or point to something"
        yield "        return {"
        for p in named:
            low, high, kind = _NUMBERS[p.type]
            lengths = [_length(axis) for axis in axes[p.name].split()]
            shape = f"({', '.join(lengths)})" if len(lengths) > 1 else lengths[0]
            drawn = f'rng.integers({low}, {high}, {shape}, dtype="{kind}")'
            yield f'            "{_spoken(p.name)}": {drawn},'
        yield "        }"
    else:
        names = [_spoken(p.name) for p in named]
        yield f'        # return {{"{names[0]}": rng.integers(0, 9, SHAPE, dtype=TYPE), ...}}'
        yield f'        raise NotImplementedError("{CHECK}: the integers of {", ".join(names)}")'
    yield ""


def _wrapping(parameters: Sequence[Parameter], uses: Uses) -> Iterator[str]:
    """Arithmetic on bytes is C's int arithmetic in a kernel, and wraps around in NumPy."""
    for one in (p for p in parameters if p.pointer and p.type in _NUMBERS and _role(p, uses) != "Out"):
        name = _spoken(one.name)
        why = f"as in C: {_NUMBERS[one.type][2]} wraps around in NumPy"
        yield f'        {name} = {name}.astype("int32")  # {why}'


def _length(axis: str) -> str:
    """An axis (`rows`, `n*4`, `1`) as Python."""
    return axis if axis.isdigit() else f"dims.{axis}"


def _magnitude(given: str, text: str, ready: str) -> Iterator[str]:
    """Where terms are added up, what they amount to: without it, those that cancel each other would have to
    come out as exactly as those that do not."""
    if "_magnitude" in ready or (not ready and _ADDING.search(_FOR.sub("for ()", text))):
        yield f"    def magnitude({given}):"
        words = "the terms' absolute values, added up; without a sum, leave magnitude out"
        yield f'        raise NotImplementedError("{CHECK}: {words}")'
        yield ""


def _parameters(args: Sequence[KernelArg], function: Function) -> Iterator[Parameter]:
    for number, arg in enumerate(args):
        written = function.parameters[number] if number < len(function.parameters) else None
        text = written.type if written is not None else arg.type_name or ""
        name = (written.name if written is not None else arg.name) or f"argument_{number}"
        pointer = arg.kind != "by_value"
        yield Parameter(name, text, _type(text, pointer), pointer, "const" in text.partition("*")[0].split())


def _type(text: str, pointer: bool) -> str:
    plain = " ".join(_QUALIFIERS.sub(" ", text.partition("*")[0] if pointer else text).split())
    return next((name for name, pattern in _TYPES.items() if re.fullmatch(pattern, plain)), "")


def _role(parameter: Parameter, uses: Uses) -> str:
    if not parameter.pointer:
        return "Scalar"
    if parameter.constant:
        return "In"
    if uses.handed_on(parameter.name) or uses.read(parameter.name) or not uses.written(parameter.name):
        return "InOut"
    return "Out"


def _outer(parameters: Sequence[Parameter], uses: Uses) -> str:
    """The length that counts workgroups, where it is the only one that no index is made of; else empty."""
    inner = {name for p in parameters if p.pointer for name in uses.lengths(p.name)}
    left = [name for name in uses.integers if name not in inner]
    return left[0] if len(left) == 1 else ""


def _declared(parameter: Parameter, uses: Uses, outer: str) -> tuple[str, list[str]]:
    """The line that declares an array or a number, and the lengths in it."""
    role, doubts = _role(parameter, uses), []
    if not parameter.type:
        doubts.append(f"its type, {parameter.written_type or 'unknown'}")
    element, name = parameter.type or "F32", _spoken(parameter.name)
    if role == "Scalar":
        small = re.fullmatch(r"eps(?:ilon)?", name, re.I) is not None
        doubts += ["its range"] if small else []
        return _line(f"{name} = Scalar({element}{', low=1e-6, high=1e-3' if small else ''})", doubts, ""), []
    if role == "InOut" and uses.handed_on(parameter.name):
        doubts.append("whether it is read, written or both")
    axes, lengths = _axes(parameter, uses, outer)
    accesses = uses.touched(parameter.name).accesses
    if outer and uses.by_workgroup(parameter.name):
        doubts.append(f"that {outer} counts workgroups")
    alone = not outer and uses.by_workgroup(parameter.name)
    if not lengths or alone or uses.hides_lengths(parameter.name):
        doubts.append("its shape")
    doubts += uses.shape_doubts(parameter.name)
    seen = accesses[0].shown if accesses else ""
    return _line(f'{name} = {role}("{axes}", {element})', doubts, seen), lengths


def _axes(parameter: Parameter, uses: Uses, outer: str) -> tuple[str, list[str]]:
    """An array's axes as a contract has them, and the lengths in them that show."""
    lengths = uses.lengths(parameter.name)
    if outer and uses.by_workgroup(parameter.name):
        lengths.insert(0, outer)
    return " ".join(lengths or uses.integers[:1] or ["1"]) + uses.times(parameter.name), lengths


def _spoken(name: str) -> str:
    """A parameter's name in Python, where some words are taken."""
    return f"{name}_" if keyword.iskeyword(name) else name


def _in_order(parameters: Sequence[Parameter]) -> Iterator[str]:
    """The kernel's parameters by name, where all of them can be said so."""
    if not any(keyword.iskeyword(p.name) for p in parameters):
        names = ", ".join(f'"{p.name}"' for p in parameters)
        yield f"    parameters = ({names}{',' if len(parameters) == 1 else ''})"


def _line(text: str, doubts: Sequence[str], seen: str) -> str:
    notes = [f"{CHECK} {' and '.join(doubts)}"] if doubts else []
    notes += [f"seen: {seen}"] if seen else []
    return f"{text}  # {'; '.join(notes)}" if notes else text


def _dims(integers: Sequence[str], lengths: Sequence[str], none: str) -> Iterator[str]:
    inner = ", ".join(f"{name}=boundary(1, {_MOST})" for name in integers)
    yield f"dims = Dims({inner})  # {CHECK} the lengths that callers may ask for"
    for name in integers:
        if name not in lengths:
            other = f"a flag or a factor is `{name} = Scalar(I32, 0, 1)`"
            yield f"# {CHECK} {name}: {none} is made of it; {other}"


def _launch(
    kernel: KernelMetadata, parameters: Sequence[Parameter], uses: Uses, dynamic: str
) -> Iterator[str]:
    block = min(kernel.max_workgroup_size, 256)
    count, doubt = _groups(uses, block)
    yield "    def launch(self, arrays, dims):"
    if dynamic:
        yield f'        raise NotImplementedError("{CHECK}: shared_bytes = N, the bytes of {dynamic}")'
    for one in filter(None, [doubt, *uses.launch_doubts()]):
        yield f"        # {CHECK} {one}"
    arguments = [_argument(parameter, uses) for parameter in parameters]
    line = f"        arguments = ({', '.join(arguments)}{',' if len(parameters) == 1 else ''})"
    if len(line) <= _LONGEST:
        yield line
    else:
        yield from ("        arguments = (", *(f"            {one}," for one in arguments), "        )")
    shared = ", shared_bytes=shared_bytes" if dynamic else ""
    yield f"        return Launch(grid=({count}, 1, 1), block=({block}, 1, 1), arguments=arguments{shared})"


def _groups(uses: Uses, block: int) -> tuple[str, str]:
    """How many workgroups a launch has, as Python, and what of it is in doubt."""
    index = uses.global_index()
    if index is not None:
        bound = uses.bound(index)
        if bound is not None:
            return f"-(-({dims_text(bound, uses.integers)}) // {block})", ""
        return "1", f"the grid: what bounds {index} does not show"
    index = uses.workgroup_index()
    if index is None:
        return "1", "the grid: no workgroup index shows"
    if (bound := uses.bound(index)) is not None:
        return dims_text(bound, uses.integers), ""
    first = uses.integers[:1]
    words = f"the grid: nothing bounds {index}"
    return (
        (f"dims.{first[0]}", f"{words}; taken to be one workgroup for each of {first[0]}")
        if first
        else ("1", words)
    )


def _argument(parameter: Parameter, uses: Uses) -> str:
    if parameter.pointer:
        return f"arrays.{_spoken(parameter.name)}"
    value = (
        f"dims.{parameter.name}" if parameter.name in uses.integers else f"arrays.{_spoken(parameter.name)}"
    )
    return f"ctypes.{_CTYPES[parameter.type]}({value})" if parameter.type in _CTYPES else value


def _class_name(name: str, taken: Collection[str]) -> str:
    """A kernel's name as that of a class, told apart from those that are taken."""
    words = re.sub(r"_?kernel$", "", name) or name
    plain = "".join(word[:1].upper() + word[1:] for word in words.split("_") if word) or "Kernel"
    plain = plain if plain.isidentifier() else f"Kernel{plain}"
    choices = chain([plain, f"{plain}Kernel"], (f"{plain}{number}" for number in count(2)))
    return next(choice for choice in choices if choice not in taken)
