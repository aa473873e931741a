"""The arguments of an observed launch against the code object's metadata and the contract's values.

HIP packs whatever it is given: a missing, swapped or wrongly sized argument shows only here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rocverify.device.trace.events import Category, LaunchArgument, TraceEvent
from rocverify.errors import RocverifyError
from rocverify.records import Finding
from rocverify.toolchain.code_metadata import KernelArg, KernelMetadata

POINTER_BYTES = 8
_POINTER_KINDS = frozenset({"global_buffer", "dynamic_shared_pointer", "image", "sampler", "queue", "pipe"})
_POINTER_TYPES = frozenset({"Pointer", "c_void_p", "c_char_p", "c_wchar_p"})
_ADDRESS_TYPES = frozenset({"c_ulong", "c_ulonglong", "c_size_t", "c_uint64", "uint64", "uintp"})
_FLOATS = frozenset({"c_float", "c_double", "c_longdouble", "float16", "float32", "float64"})


@dataclass(frozen=True, slots=True)
class Block:
    """A live piece of device memory."""

    base: int
    size: int
    name: str = ""

    def holds(self, address: int) -> bool:
        """Whether an address is within the block."""
        return self.base <= address < self.base + max(self.size, 1)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a contract knows of a launch's values. `arrays` lie on the device by name, `scalars` are the
    dimensions, `order` the names of the kernel's parameters (None: as the metadata names them). `copies` are
    other places that an array was copied to or from on the device, `partial` the dimensions of which several
    launches do a part each."""

    arrays: Mapping[str, Block] = field(default_factory=dict)
    scalars: Mapping[str, int] = field(default_factory=dict)
    order: tuple[str, ...] | None = None
    copies: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()

    def names(self, metadata: KernelMetadata) -> tuple[str, ...]:
        """The name of each explicit argument, "" where nobody says."""
        known = [(arg.name or "").removesuffix(".coerce") for arg in metadata.explicit_args]
        order = self.order or ()
        return tuple(order[i] if i < len(order) else name for i, name in enumerate(known))


def live_blocks(
    events: Sequence[TraceEvent], seq: int, arrays: Mapping[str, Block], kept: Sequence[tuple[int, int]] = ()
) -> list[Block]:
    """The device memory that is allocated when event `seq` happens, the contract's arrays included. kept:
    address and bytes of what was allocated before the first event."""
    blocks = {address: Block(address, size) for address, size in kept}
    blocks |= {block.base: block for block in arrays.values()}
    for event in events:
        if event.seq >= seq or not event.ok:
            continue
        if event.category is Category.ALLOC and event.dst is not None:
            blocks[event.dst] = Block(event.dst, event.bytes or 0)
        elif event.category is Category.FREE and event.src is not None:
            blocks.pop(event.src, None)
    return list(blocks.values())


def copies_of(events: Sequence[TraceEvent], arrays: Mapping[str, Block]) -> dict[str, tuple[Block, ...]]:
    """Where arrays were copied to, or results copied from, on the device, by array."""
    found: dict[str, tuple[Block, ...]] = {}
    for event in events:
        if event.category is Category.D2D and event.ok and event.src is not None and event.dst is not None:
            for name, block in arrays.items():
                for here, there in ((event.src, event.dst), (event.dst, event.src)):
                    if block.holds(here) and not block.holds(there):
                        found[name] = (*found.get(name, ()), Block(there, event.bytes or 0, name))
    return found


def parts_of(
    launches: Sequence[TraceEvent], names: Sequence[str], scalars: Mapping[str, int]
) -> frozenset[str]:
    """The dimensions whose values in several launches add up to the whole."""
    if len(launches) < 2:
        return frozenset()
    found = set()
    for position, name in enumerate(names):
        given = [e.args[position].value for e in launches if e.args is not None and position < len(e.args)]
        numbers = [value for value in given if isinstance(value, int)]
        if name in scalars and len(numbers) == len(launches) and sum(numbers) == scalars[name]:
            found.add(name)
    return frozenset(found)


def argument_findings(
    launch: TraceEvent,
    metadata: KernelMetadata,
    expectation: Expectation,
    blocks: Sequence[Block],
) -> list[Finding]:
    """Everything in which the launch's arguments disagree with the kernel's parameters. RocverifyError where
    they cannot be seen."""
    kernel, explicit = metadata.name, metadata.explicit_args
    names = expectation.names(metadata)
    if launch.args is None:
        raise RocverifyError(
            f"the arguments of {kernel} were packed by hand and cannot be compared",
            where=launch.call_site,
            hint="pass kernelParams, or a tuple of ctypes values",
        )
    given = launch.args
    if len(given) != len(explicit):
        takes = ", ".join(f"{n or '?'} ({a.size} bytes)" for n, a in zip(names, explicit, strict=True))
        passed = f"passes {len(given)} arguments to {kernel}, which takes {len(explicit)}"
        if len(given) > len(explicit):  # of a packed buffer only its bytes are known
            more = sum(argument.size or 0 for argument in given[len(explicit) :])
            passed = f"passes {more} bytes more than the {len(explicit)} arguments of {kernel}"
        found = [_finding(launch, kernel, f"{passed}: {takes}")]
    else:
        found = []
    for position, (argument, parameter, name) in enumerate(zip(given, explicit, names, strict=False)):
        label = f"argument {position + 1}{f' ({name})' if name else ''} of {kernel}"
        optional = name is not None and name not in expectation.arrays
        problem = _kind_problem(argument, parameter) or _pointer_problem(
            argument, parameter, blocks, optional=optional
        )
        if problem:
            found.append(_finding(launch, kernel, f"{label} {problem}"))
    if found:
        return found
    return [_finding(launch, kernel, text) for text in _value_problems(given, explicit, names, expectation)]


def _finding(launch: TraceEvent, kernel: str, message: str) -> Finding:
    return Finding(f"{launch.host_function or 'the launch'}: {message}", launch.call_site, kernel=kernel)


def is_pointer(parameter: KernelArg) -> bool:
    """True for a parameter that is an address in device memory."""
    return parameter.kind in _POINTER_KINDS


def _kind_problem(argument: LaunchArgument, parameter: KernelArg) -> str | None:
    """Pointer against value, size against size."""
    if is_pointer(parameter):
        if argument.ctype not in _POINTER_TYPES | _ADDRESS_TYPES:
            return f"is a pointer, {argument.ctype} was passed"
    elif argument.ctype in _POINTER_TYPES and parameter.size != POINTER_BYTES:
        return f"is a value of {parameter.size} bytes, a pointer was passed"
    if argument.size is not None and argument.size != parameter.size:
        return f"has {parameter.size} bytes, {argument.ctype} of {argument.size} bytes was passed"
    return None


def _pointer_problem(
    argument: LaunchArgument, parameter: KernelArg, blocks: Sequence[Block], *, optional: bool
) -> str | None:
    """A pointer must lead to live device memory, or nowhere where it is optional. By reference only its
    address on the host is known."""
    if not is_pointer(parameter) or argument.size is None:
        return None
    if optional and argument.value == 0:
        return None
    if not isinstance(argument.value, int) or argument.value == 0:
        return "is a pointer, null was passed"
    if not any(block.holds(argument.value) for block in blocks):
        return f"is a pointer, {argument.value:#x} lies in no live device allocation"
    return None


def _value_problems(
    given: Sequence[LaunchArgument],
    explicit: Sequence[KernelArg],
    names: Sequence[str],
    expectation: Expectation,
) -> Iterator[str]:
    """Wrong values, named as what they are: another parameter's value means a swap."""
    wrong = {
        i: name
        for i, name in enumerate(names)
        if given[i].size is not None and _meets(given[i], name, expectation) is False
    }
    told: set[int] = set()
    for i, name in wrong.items():
        if i in told:
            continue
        alike = (j for j in wrong if _same_sort(explicit, i, j))
        other = next((j for j in alike if _swapped(given, names, i, j, expectation)), None)
        if other is not None:
            told |= {i, other}
            yield f"arguments {i + 1} and {other + 1} are swapped: {name} and {names[other]}"
        else:
            expected = f"{name} ({_expected(name, expectation)})"
            yield f"argument {i + 1} must be {expected}, {_shown(given[i])} was passed"


def _meets(argument: LaunchArgument, name: str, expectation: Expectation) -> bool | None:
    """Whether a value is the one of that name; None where the contract says nothing of it."""
    if name in expectation.arrays:
        places = (expectation.arrays[name], *expectation.copies.get(name, ()))
        return isinstance(argument.value, int) and any(place.holds(argument.value) for place in places)
    if name in expectation.scalars:
        same_sort = argument.ctype not in _FLOATS
        whole = expectation.scalars[name]
        part = name in expectation.partial and isinstance(argument.value, int) and 0 < argument.value <= whole
        return same_sort and (part or argument.value == whole)
    return None


def _swapped(
    given: Sequence[LaunchArgument], names: Sequence[str], i: int, j: int, expectation: Expectation
) -> bool:
    return i != j and all(_meets(given[a], names[b], expectation) is True for a, b in ((i, j), (j, i)))


def _same_sort(explicit: Sequence[KernelArg], i: int, j: int) -> bool:
    return (explicit[i].kind, explicit[i].size) == (explicit[j].kind, explicit[j].size)


def _expected(name: str, expectation: Expectation) -> str:
    if name in expectation.arrays:
        return f"at {expectation.arrays[name].base:#x}"
    return str(expectation.scalars[name])


def _shown(argument: LaunchArgument) -> str:
    """A value in words; an integer of 4 bytes that looks like a float is shown as both."""
    address = isinstance(argument.value, int) and argument.ctype in _POINTER_TYPES | _ADDRESS_TYPES
    if argument.ctype == "c_uint" and isinstance(argument.value, int):
        (number,) = struct.unpack("<f", struct.pack("<I", argument.value))
        if argument.value > 1 << 20 and number == round(number, 6) and abs(number) < 1e7:
            return f"c_uint({argument.value}), the bits of the float {number:g},"
    return f"{argument.ctype}({argument.value:#x})" if address else f"{argument.ctype}({argument.value})"
