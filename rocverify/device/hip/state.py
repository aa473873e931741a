"""The records of what a client holds: allocations, arrays, pools, modules, functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rocverify.device.backends.base import BackendModule
    from rocverify.toolchain.code_metadata import KernelMetadata

MemoryKind = Literal["device", "managed", "host"]


@dataclass(slots=True, eq=False)
class Allocation:
    """Memory that a call allocated. `made_by` is the call, `site` where it was made, `kind` what it is:
    `host` is pinned or registered (`registered`) host memory. `pool` is the pool of hipMallocAsync.
    `in_graph`: a node of a graph stands for the allocation, `freed_in_graph`: another for its end."""

    address: int
    size: int
    kind: MemoryKind
    made_by: str
    site: int
    flags: int = 0
    registered: bool = False
    pool: int = 0
    in_graph: bool = False
    freed_in_graph: bool = False
    advice: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class ArrayState:
    """A hipArray as memory: rows of `width` elements of `element` bytes, `pitch` bytes apart. `height` and
    `depth` are as they were given: 0 for an array of fewer dimensions."""

    address: int
    element: int
    width: int
    height: int
    depth: int
    pitch: int
    flags: int


@dataclass(slots=True, eq=False)
class Pool:
    """A memory pool: what is allocated from it, and the attributes that were set. Sizes are bytes."""

    handle: int
    used: int = 0
    high: int = 0
    attributes: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Module:
    """A loaded code object. `digest` is the SHA-256 of the image it came from; `of_program`: a fat binary
    that the compiler put into the program."""

    handle: int
    loaded: BackendModule
    digest: str
    of_program: bool = False
    label: str = ""


@dataclass(slots=True, eq=False)
class Function:
    """A kernel of a module; `kernarg_bytes` are of its explicit arguments, `attributes` what
    hipFuncSetAttribute set."""

    handle: int
    name: str
    module: int
    metadata: KernelMetadata
    kernarg_bytes: int
    attributes: dict[int, int] = field(default_factory=dict)
