"""What a code object's metadata (a note of msgpack) says of its kernels, read strictly.

No schema library: every process that loads kernels reads these, and most of them do nothing else with one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")
Reader = Callable[[object, str], Any]
"""Takes a value and its key path; gives it checked. ValueError that says what is wrong, and where."""


def read_record(kind: type[T], tree: object, path: str = "") -> T:
    """A record from a map. Keys that a later compiler adds are no error. ValueError for one that is missing,
    or whose value is of another type or too small."""
    if not isinstance(tree, Mapping):
        raise ValueError(f"{path or 'metadata'}: is not a map")
    found = {}
    for one in fields(kind):  # type: ignore[arg-type]
        key, read = one.metadata["key"], one.metadata["read"]
        if key in tree:
            found[one.name] = read(tree[key], path + key)
        elif one.default is MISSING:
            raise ValueError(f"{path}{key}: is missing")
    return kind(**found)


def _number(least: int | None) -> Reader:
    def read(value: object, path: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{path}: is not an integer")
        if least is not None and value < least:
            raise ValueError(f"{path}: is {value}, less than {least}")
        return value

    return read


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{path}: is not text")
    return value


def _name(value: object, path: str) -> str:
    if not _text(value, path):
        raise ValueError(f"{path}: is empty")
    return str(value)


def _boolean(value: object, path: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{path}: is not a boolean")
    return value


def _optional(read: Reader) -> Reader:
    return lambda value, path: None if value is None else read(value, path)


def _several(read: Reader) -> Reader:
    def read_all(value: object, path: str) -> tuple[Any, ...]:
        if not isinstance(value, tuple):
            raise ValueError(f"{path}: is not a list")
        return tuple(read(one, f"{path}[{index}]") for index, one in enumerate(value))

    return read_all


def _records(kind: type[Any]) -> Reader:
    return _several(lambda value, path: read_record(kind, value, path))


def _version(value: object, path: str) -> tuple[int, ...]:
    found: tuple[int, ...] = _several(_number(None))(value, path)
    if len(found) != 2:
        raise ValueError(f"{path}: has {len(found)} numbers instead of two")
    return found


def _key(key: str, read: Reader, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"key": key, "read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelArg:
    """One kernel argument: where it lies in the kernarg segment (bytes) and what it is.

    `kind` is the metadata's word: `by_value`, `global_buffer`, `dynamic_shared_pointer`,
    `hidden_group_size_x`, ... `name` is the source's, if the compiler kept it.
    """

    name: str | None = _key(".name", _optional(_text), None)
    offset: int = _key(".offset", _number(0))
    size: int = _key(".size", _number(0))
    kind: str = _key(".value_kind", _text)
    type_name: str | None = _key(".type_name", _optional(_text), None)
    address_space: str | None = _key(".address_space", _optional(_text), None)

    @property
    def hidden(self) -> bool:
        """True for what the runtime appends and no caller passes."""
        return self.kind.startswith("hidden_")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelMetadata:
    """What the code object says of one kernel. Sizes in bytes, registers per lane or per wave.

    workgroup_processor_mode: from code object version 5 on, 1 where a workgroup may spread over both halves
    of a WGP.
    """

    name: str = _key(".name", _name)
    symbol: str = _key(".symbol", _name)
    args: tuple[KernelArg, ...] = _key(".args", _records(KernelArg), ())
    kernarg_size: int = _key(".kernarg_segment_size", _number(0))
    kernarg_align: int = _key(".kernarg_segment_align", _number(1))
    lds_bytes: int = _key(".group_segment_fixed_size", _number(0))
    scratch_bytes: int = _key(".private_segment_fixed_size", _number(0))
    vgprs: int = _key(".vgpr_count", _number(0))
    agprs: int = _key(".agpr_count", _number(0), 0)
    sgprs: int = _key(".sgpr_count", _number(0))
    vgpr_spills: int = _key(".vgpr_spill_count", _number(0), 0)
    sgpr_spills: int = _key(".sgpr_spill_count", _number(0), 0)
    wavefront_size: int = _key(".wavefront_size", _number(None))
    max_workgroup_size: int = _key(".max_flat_workgroup_size", _number(1))
    uses_dynamic_stack: bool = _key(".uses_dynamic_stack", _boolean, default=False)
    workgroup_processor_mode: int | None = _key(".workgroup_processor_mode", _optional(_number(None)), None)

    @property
    def explicit_args(self) -> tuple[KernelArg, ...]:
        """The arguments that a caller passes, in order."""
        return tuple(arg for arg in self.args if not arg.hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The whole note. `target` is a target triple with the processor, `version` the metadata's own."""

    version: tuple[int, int] = _key("amdhsa.version", _version)
    target: str = _key("amdhsa.target", _text)
    kernels: tuple[KernelMetadata, ...] = _key("amdhsa.kernels", _records(KernelMetadata))
