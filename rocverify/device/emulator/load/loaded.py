"""Code objects in device memory, and their kernels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rocverify.device.emulator.isa.descriptors import KernelDescriptor, check_descriptor
from rocverify.device.emulator.isa.disassembly import Listing, disassemble
from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.device.emulator.load.image import Image
from rocverify.device.emulator.load.lds_arrays import LdsArray, lds_arrays
from rocverify.device.emulator.load.source_lines import user_lines
from rocverify.device.emulator.translate.lowering.flow import Graph, discover
from rocverify.device.emulator.translate.lowering.indexed_registers import name_indexed
from rocverify.device.emulator.translate.lowering.private_buffers import with_scratch
from rocverify.device.emulator.translate.lowering.split_barriers import check_barriers
from rocverify.errors import DeviceError
from rocverify.store.content_cache import ContentCache
from rocverify.toolchain.code_metadata import KernelMetadata
from rocverify.toolchain.codeobject import CodeObject
from rocverify.toolchain.lines import DebugTwin, Twin
from rocverify.toolchain.wave_barriers import wave_barriers


@dataclass(frozen=True)
class LoadedModule:
    """A code object in device memory. `debug_twin`, asked where it has no debug information itself, gives one
    that has it, if there is one: see toolchain/lines.py. `cache` keeps what takes long to read of it."""

    metadata: CodeObject
    image: Image
    content: bytes
    objdump: Path | None
    debug_twin: DebugTwin | None = None
    cache: ContentCache | None = None

    def kernel(self, name: str) -> LoadedKernel:
        """DeviceError naming the kernels there are if `name` is none; CodeObjectError if it is damaged."""
        if name not in self.metadata.kernels:
            raise DeviceError(
                f"the code object has no kernel {name}",
                hint=f"it has {', '.join(sorted(self.metadata.kernels)) or 'none'}",
            )
        metadata, descriptor = self.metadata.kernels[name], self.image.descriptor(name)
        check_descriptor(descriptor, metadata)
        return LoadedKernel(self, name, metadata, descriptor)

    def symbol(self, name: str) -> tuple[int, int]:
        """Device address and size in bytes of a global variable."""
        symbol = self.image.symbols.get(name)
        if symbol is None or symbol.kind != "object":
            raise DeviceError(f"the code object has no global variable {name}")
        return self.image.base + symbol.address, symbol.size

    def variables(self) -> list[tuple[int, int]]:
        """Address and size of all device variables."""
        symbols = [one for one in self.image.symbols.values() if one.kind == "object"]
        return [(self.image.base + one.address, one.size) for one in symbols]

    @cached_property
    def listing(self) -> Listing:
        """Its instructions."""
        return disassemble(self.content, self.metadata.target)

    def user_lines(self, addresses: Iterable[int]) -> dict[int, str]:
        """The user's own `file:line` by virtual address, as far as line tables tell. Raises what
        sourcelines.user_lines raises."""
        wanted = set(addresses)
        lines = user_lines(self.content, self.objdump, wanted)
        if lines or not wanted or self.debug_twin is None:
            return lines
        twin = self.debug_twin(self.content, Twin.LINES)
        return {} if twin is None else user_lines(twin, self.objdump, wanted)

    def lds_arrays(self, kernel: str) -> tuple[LdsArray, ...]:
        """The arrays of a kernel's static LDS, by offset; none where debug information does not tell them
        apart, that of a twin with as much LDS included."""
        size = self.metadata.kernels[kernel].lds_bytes
        own = lds_arrays(self.content, kernel, size, self.cache)
        if own or not size or self.debug_twin is None:
            return own
        twin = self.debug_twin(self.content, Twin.ARRAYS)
        return () if twin is None else lds_arrays(twin, kernel, size, self.cache)

    @cached_property
    def wave_barriers(self) -> frozenset[int]:
        """The addresses before which the source has a wave barrier: machine code itself keeps nothing of
        them, so that there are none where no twin tells."""
        twin = None if self.debug_twin is None else self.debug_twin(self.content, Twin.WAVE_BARRIERS)
        return frozenset() if twin is None else wave_barriers(twin)


@dataclass(frozen=True)
class LoadedKernel:
    """A kernel of a loaded module."""

    module: LoadedModule
    name: str
    metadata: KernelMetadata
    descriptor: KernelDescriptor

    @property
    def family(self) -> Family:
        """What processors like the code object's share."""
        return PROCESSORS[self.module.metadata.target].family

    @property
    def lanes(self) -> int:
        """Lanes of a wave: 32 or 64."""
        return 32 if self.descriptor.wave32 else 64

    @cached_property
    def lds_arrays(self) -> tuple[LdsArray, ...]:
        """The arrays of its static LDS, by offset; see LoadedModule."""
        return self.module.lds_arrays(self.name)

    @cached_property
    def graph(self) -> Graph:
        """The code that the kernel reaches; UnsupportedInstructionError where that is no code."""
        graph = discover(self.module.listing, self.module.image, self.descriptor.entry)
        check_barriers(graph)
        name_indexed(graph)
        return with_scratch(graph, self.descriptor, self.family.initial)
