"""struct_layout: a structure's size, alignment and offsets on host and device, as the compiler lays it out.

A `repr(C)` structure of Rust is compared with its mirror in C++.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, known, named
from rocverify.checks.kinds.constant_value import source_of
from rocverify.code.files import existing_file
from rocverify.code.languages import is_c_family
from rocverify.errors import RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

Bytes = Annotated[int, Field(ge=0)]
_SIZES = {"bool": 1, "u8": 1, "i8": 1, "u16": 2, "i16": 2, "f16": 2, "u32": 4, "i32": 4, "f32": 4}
_SIZES |= {"char": 4, "u64": 8, "i64": 8, "f64": 8, "usize": 8, "isize": 8}


class StructLayoutParams(CheckParams):
    """`name` of the structure in `path` (C++ or HIP), which has `size` and `align` in bytes and fields at
    `offsets`, on the host and on the device. `mirror` is a Rust source whose `repr(C)` structure of that name
    (or `mirror_name`) must have the same layout."""

    name: str = Field(pattern=r"^[A-Za-z_][\w:]*$")
    path: str = Field(min_length=1)
    size: Bytes | None = None
    align: Bytes | None = None
    offsets: dict[str, Bytes] = Field(default_factory=dict)
    mirror: str | None = None
    mirror_name: str | None = None

    @model_validator(mode="after")
    def _something_is_asked(self) -> StructLayoutParams:
        if self.size is None and self.align is None and not self.offsets and self.mirror is None:
            raise ValueError("ask for something: size, align, offsets or mirror")
        if not is_c_family(self.path):
            raise ValueError("path is a C++ or HIP source; name a Rust one as mirror")
        return self


class StructLayoutEvidence(Evidence):
    """The structure, and what the compiler was asked of it on host and device."""

    struct: str | None = None
    asked: list[str] = Field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """What the compiler was asked about the structure, as a line of a Markdown list."""
        if self.asked:
            yield f"- asked of the compiler about {named(self.struct)}: {', '.join(map(known, self.asked))}"


def run(params: StructLayoutParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a file that is not there, RocverifyError for a layout that cannot be told."""
    from rocverify.toolchain.assertions import Side, ask

    asked = _asked(params, ctx)
    conditions = [condition for condition, _ in asked]
    sides: tuple[Side, ...] = ("host", "device")
    findings = []
    for side in sides:
        answer = ask(ctx.toolchain, source_of(ctx, params.path), conditions, side, ctx.cache_dir)
        if answer.log:
            raise RocverifyError(
                f"the layout of {params.name} cannot be told on the {side}: {answer.log[:300]}",
                where=params.path,
            )
        for number, told in answer.false:
            is_now = f": the compiler says {told}" if told else ""
            findings.append(
                Finding(f"{params.name}: {asked[number][1]} is not so on the {side}{is_now}", params.path)
            )
    evidence = StructLayoutEvidence(struct=params.name, asked=[words for _, words in asked])
    if findings:
        hint = "correct the structure or its mirror"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), seen=evidence)
    words = ", ".join(words for _, words in asked)
    return Outcome.passed(f"{params.name} of {params.path}: {words}, on host and device", seen=evidence)


def _asked(params: StructLayoutParams, ctx: CheckContext) -> list[tuple[str, str]]:
    """Conditions for the compiler, each with its words."""
    name, found = params.name, []
    size, align, offsets = params.size, params.align, dict(params.offsets)
    if params.mirror is not None:
        fields, whole, alignment = _of_rust(params, ctx)
        found += [(f"sizeof({name}) == {whole}", f"{whole} bytes as in {params.mirror}")]
        found += [(f"alignof({name}) == {alignment}", f"aligned to {alignment} as in {params.mirror}")]
        for field, offset, length, kind in fields:
            found.append((f"__builtin_offsetof({name}, {field}) == {offset}", f"{field} at {offset}"))
            found.append((f"sizeof((({name}*)0)->{field}) == {length}", f"{field} of {length} bytes"))
            found += _of_kind(f"(({name}*)0)->{field}", kind, field)
    if size is not None:
        found.append((f"sizeof({name}) == {size}", f"{size} bytes"))
    if align is not None:
        found.append((f"alignof({name}) == {align}", f"aligned to {align}"))
    for field, offset in offsets.items():
        found.append((f"__builtin_offsetof({name}, {field}) == {offset}", f"{field} at {offset}"))
    return found


def _of_kind(expression: str, kind: str, field: str) -> list[tuple[str, str]]:
    """That a field is a number, a pointer, or an array of such, as Rust's is: of its sort and sign. What is
    no number (an enumeration, a type of its own for half) is left to its size."""
    if array := re.fullmatch(r"\[(.+);\s*[\d_]+(?:usize)?\]", kind):
        return _of_kind(f"({expression})[0]", array[1].strip(), field)
    said = f"__typeof__({expression})"
    # `x[0]` is a reference's type
    said = f"__remove_cvref({said})"
    if kind.startswith(("*const ", "*mut ")):
        return [(f"__is_pointer({said})", f"{field} is a pointer")]
    if kind == "bool":
        return [(f"__is_same({said}, bool)", f"{field} is a bool")]
    if kind == "f16":
        return [(f"!__is_integral({said})", f"{field} is a number like f16")]
    if kind in ("f32", "f64"):
        return [(f"__is_floating_point({said})", f"{field} is a number like {kind}")]
    sign = "__is_unsigned" if kind[:1] in ("u", "c") else "__is_signed"
    plain = f" || __is_same({said}, char)" if kind in ("u8", "i8") else ""
    whole = f"(__is_integral({said}) && !__is_same({said}, bool) && {sign}({said}))"
    return [(f"__is_enum({said}) || {whole}{plain}", f"{field} is a number like {kind}")]


def _of_rust(
    params: StructLayoutParams, ctx: CheckContext
) -> tuple[list[tuple[str, int, int, str]], int, int]:
    """(name, offset, size, type) of each field, then size and alignment. RocverifyError where it is not
    repr(C), is there twice or hangs on `cfg`, or a field is not of a number's type, an array of such, or a
    raw pointer."""
    path, name = str(params.mirror), params.mirror_name or params.name.rpartition(":")[2]
    text = existing_file(ctx.root, path).read_text("utf-8", "replace")
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    pattern = (
        r"(?P<attributes>(?:#\[[^\]]*\]\s*)*)(?:pub(?:\([^)]*\))?\s+)?"
        rf"struct\s+{name}\s*\{{(?P<body>[^{{}}]*)\}}"
    )
    places = list(re.finditer(pattern, text))
    if not places:
        raise RocverifyError(f"no structure {name} with plain fields is seen", where=path)
    found = places[0]
    if len(places) > 1 or re.search(r"#\[\s*cfg", found[0]):
        raise RocverifyError(
            f"the layout of {name} cannot be told: it is there twice, or hangs on cfg", where=path
        )
    attributes = re.sub(r"\s", "", found["attributes"])
    if "repr(C)" not in attributes or attributes.count("repr(") > 1:
        raise RocverifyError(
            f"{name} is not plain repr(C), so that its layout cannot be told",
            where=path,
            hint="add #[repr(C)]",
        )
    fields, offset, alignment = [], 0, 1
    body = re.sub(r"#\[[^\]]*\]", "", found["body"])
    for field, kind in re.findall(r"(\w+)\s*:\s*([^,\n]+(?:\[[^\]]*\])?)", body):
        size, aligned = _rust_type(kind.strip(), name, path)
        offset += -offset % aligned
        fields.append((field, offset, size, kind.strip()))
        offset, alignment = offset + size, max(alignment, aligned)
    return fields, offset + -offset % alignment, alignment


def _rust_type(kind: str, name: str, path: str) -> tuple[int, int]:
    """Size and alignment."""
    if kind in _SIZES:
        return _SIZES[kind], _SIZES[kind]
    if kind.startswith(("*const ", "*mut ")):
        return 8, 8
    array = re.fullmatch(r"\[(.+);\s*([\d_]+)(?:usize)?\]", kind)
    if array:
        size, aligned = _rust_type(array[1].strip(), name, path)
        return size * int(array[2].replace("_", "")), aligned
    raise RocverifyError(f"the size of {kind} in {name} cannot be told", where=path)


CHECK = CheckKind("struct_layout", StructLayoutParams, run, evidence=StructLayoutEvidence)
