"""What a code object holds, and what of it the emulator would refuse, found without running anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rocverify.device.emulator.isa.descriptors import KernelDescriptor, check_descriptor
from rocverify.device.emulator.isa.disassembly import Listing, decoder_of, disassemble
from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.isa.targets import SUPPORTED_TARGETS, TARGETS, processor
from rocverify.device.emulator.launch.launch_record import refused_user_sgprs
from rocverify.device.emulator.load.image import Image, load_image
from rocverify.device.emulator.load.kernarg import Geometry, kernarg_segment
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.translate.builder.modes import Mode
from rocverify.device.emulator.translate.lowering.flow import Graph, discover
from rocverify.device.emulator.translate.lowering.mode_flow import propagate
from rocverify.device.emulator.translate.lowering.private_buffers import with_scratch
from rocverify.device.emulator.translate.lowering.shapes import shapes_of
from rocverify.device.emulator.translate.lowering.split_barriers import check_barriers
from rocverify.errors import DeviceError, UsageError
from rocverify.toolchain.code_metadata import KernelMetadata
from rocverify.toolchain.codeobject import CodeObject, read_code_object

ARENA_BYTES = 1 << 31
"""Room for the largest image that is read; only what is touched costs memory."""

_ONE = Geometry((1, 1, 1), (1, 1, 1), 0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a launch would be refused. `address` (virtual), `text` and `source` are an instruction's; all
    are None where the kernel as a whole is refused."""

    reason: str
    address: int | None = None
    text: str | None = None
    source: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; the address as hexadecimal text."""
        address = None if self.address is None else hex(self.address)
        return {"reason": self.reason, "address": address, "text": self.text, "source": self.source}


@dataclass(frozen=True, slots=True)
class KernelInspection:
    """One kernel. `instructions` counts what control can reach, `formats` the same by microcode format;
    None and empty where the code could not be followed, or is not decoded."""

    metadata: KernelMetadata
    instructions: int | None
    formats: Mapping[str, int]
    refusals: tuple[Refusal, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        facts = asdict(self.metadata)
        arguments = [{"index": i, **arg} for i, arg in enumerate(facts.pop("args"))]
        return {
            **facts,
            "arguments": arguments,
            "instructions": self.instructions,
            "formats": dict(self.formats),
            "refusals": [refusal.to_json() for refusal in self.refusals],
        }


@dataclass(frozen=True, slots=True)
class Inspection:
    """A code object and the kernels of it that were asked for."""

    code_object: CodeObject
    kernels: tuple[KernelInspection, ...]

    @property
    def refused(self) -> int:
        """Refusals of all kernels together."""
        return sum(len(kernel.refusals) for kernel in self.kernels)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, `rocverify.inspect/1`."""
        code = self.code_object
        return {
            "schema": "rocverify.inspect/1",
            "target": code.target,
            "features": code.features,
            "abi_version": code.abi_version,
            "sha256": code.sha256,
            "refused": self.refused,
            "kernels": [kernel.to_json() for kernel in self.kernels],
        }


def inspect_code_object(data: bytes, where: str, kernel: str | None = None) -> Inspection:
    """The facts of the code object in `data`, for one kernel or all; `where` names it in errors.

    Raises CodeObjectError for what is no intact code object, UsageError for a kernel that it lacks.
    """
    code = read_code_object(data, where)
    names = _asked(code, where, kernel)
    memory = DeviceMemory(ARENA_BYTES)
    image = load_image(data, memory, where)
    known = processor(code.target)
    decoded = known is not None and decoder_of(known) is not None
    listing = disassemble(data, code.target) if decoded else None
    return Inspection(code, tuple(_inspected(code, name, image, listing) for name in names))


def _asked(code: CodeObject, where: str, kernel: str | None) -> tuple[str, ...]:
    if kernel is None:
        return tuple(code.kernels)
    if kernel not in code.kernels:
        raise UsageError(
            f"has no kernel {kernel}",
            where=where,
            hint=f"it has {', '.join(sorted(code.kernels)) or 'no kernel'}",
        )
    return (kernel,)


def _inspected(code: CodeObject, name: str, image: Image, listing: Listing | None) -> KernelInspection:
    metadata, descriptor = code.kernels[name], image.descriptor(name)
    check_descriptor(descriptor, metadata)
    refusals = list(_kernel_refusals(code, metadata, descriptor))
    if listing is None:
        return KernelInspection(metadata, None, {}, tuple(refusals))
    try:
        graph = discover(listing, image, descriptor.entry)
        if code.target in TARGETS:
            check_barriers(graph)
            graph = with_scratch(graph, descriptor, TARGETS[code.target].family.initial)
    except DeviceError as error:
        refusals.append(_lost(error))
        return KernelInspection(metadata, None, {}, tuple(refusals))
    if code.target in TARGETS:
        refusals += _code_refusals(TARGETS[code.target].family, descriptor, graph)
    return KernelInspection(metadata, graph.instruction_count, _formats(graph), tuple(refusals))


def _lost(error: DeviceError) -> Refusal:
    """Control that could not be followed: whatever lies behind it is not known either."""
    return Refusal(f"{error.message}, at {error.where}" if error.where else error.message)


def _kernel_refusals(
    code: CodeObject, metadata: KernelMetadata, descriptor: KernelDescriptor
) -> Iterator[Refusal]:
    """What stops a launch whatever the kernel's code is."""
    if code.target not in SUPPORTED_TARGETS:
        yield Refusal(f"the emulator does not run {code.target}, only {', '.join(SUPPORTED_TARGETS)}")
    else:
        initial = TARGETS[code.target].family.initial
        for name, _ in descriptor.user_sgprs(initial):
            if name in refused_user_sgprs(initial):
                yield Refusal(f"the kernel wants {name} in its user SGPRs")
    try:
        kernarg_segment(metadata, bytes(metadata.kernarg_size), _ONE)
    except DeviceError as error:
        yield Refusal(error.message)


def _code_refusals(family: Family, descriptor: KernelDescriptor, graph: Graph) -> list[Refusal]:
    """The instructions that translating the kernel, as a launch would, would refuse."""
    shapes = shapes_of(family, 32 if descriptor.wave32 else 64)
    modes = propagate(graph, Mode(descriptor.initial_mode(family.initial)))
    return [
        Refusal(reason, inst.address, inst.text, inst.source)
        for address, block in graph.blocks.items()
        for inst, reason in shapes.refused(block, modes[address])
    ]


def _formats(graph: Graph) -> dict[str, int]:
    """Instructions by format, most frequent first."""
    counts = Counter(inst.format for block in graph.blocks.values() for inst in block)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
