"""constant_value: a constant has its value wherever it is.

Of C++ and HIP as the compiler evaluates it, of Python and Rust where it is a literal.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, named
from rocverify.code.files import existing_file
from rocverify.code.languages import is_c_family, is_rust
from rocverify.code.targets import files_of, find_target
from rocverify.errors import ManifestError, RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_CONSTANTS = ("constant", "variable", "macro")
_RUST_NUMBER = re.compile(
    r"(?P<whole>-?(?:0x[\da-fA-F_]+?|0o[0-7_]+|0b[01_]+|\d[\d_]*))_?(?:[iu](?:8|16|32|64|128|size))?"
    r"|(?P<real>-?\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]+)?)_?(?:f(?:32|64))?"
)


class ConstantValueParams(CheckParams):
    """`name` is a constant, macro or enumerator (qualified as at the end of the file), `value` its value;
    `paths` are files, folders and globs: every one whose code has the name is looked at (default: all kernel
    sources of the build)."""

    name: str = Field(pattern=r"^[A-Za-z_][\w:]*$")
    value: int | float
    paths: tuple[str, ...] = ()


class ConstantValueEvidence(Evidence):
    """The constant, its value, and the files that have it."""

    name: str | None = None
    value: float | None = None
    files: list[str] = Field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The files that have the constant, as a line of a Markdown list."""
        if self.files:
            yield f"- {named(self.name)} in {', '.join(map(named, self.files))}"


def run(params: ConstantValueParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a path that is not there, RocverifyError for a value that cannot be told."""
    word = params.name.rpartition(":")[2]
    files = [path for path in _files(params, ctx) if ctx.code.search_word(path, word).code]
    where = ", ".join(params.paths) or "the kernel sources"
    if not files:
        message = f"{params.name} is not in the code of {where}"
        return Outcome.failed(message, findings=(Finding(message, params.paths[0] if params.paths else ""),))
    findings = [finding for path in files for finding in _of_file(params, ctx, path)]
    evidence = ConstantValueEvidence(name=params.name, value=params.value, files=files)
    if findings:
        hint = "correct the constant, or the plan"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), seen=evidence)
    return Outcome.passed(f"{params.name} is {params.value:g} in {', '.join(files)}", seen=evidence)


def _files(params: ConstantValueParams, ctx: CheckContext) -> list[str]:
    if not params.paths:
        return [entry.source for entry in ctx.manifest.entries]
    found: dict[str, None] = {}
    for path in params.paths:
        target = find_target(ctx.root, path)
        if target is None:
            raise RocverifyError(f"{path!r} is not a path", hint="name files, folders or globs of the root")
        files = files_of(ctx.root, target)
        found |= dict.fromkeys(f for f in files if is_c_family(f) or is_rust(f) or f.endswith(".py"))
    return list(found)


def _of_file(params: ConstantValueParams, ctx: CheckContext, path: str) -> list[Finding]:
    if is_c_family(path):
        return _compiled(params, ctx, path)
    text = existing_file(ctx.root, path).read_text(encoding="utf-8", errors="replace")
    values = _of_rust(params, ctx, path) if is_rust(path) else _of_python(text, params.name)
    if not values:
        raise RocverifyError(
            f"the value of {params.name} cannot be told: it is not set once to a literal", where=path
        )
    wrong = [(line, value) for line, value in values if value != params.value]
    return [
        Finding(f"{params.name} is {value:g}, not {params.value:g}, in {path}:{line}", f"{path}:{line}")
        for line, value in wrong
    ]


def _compiled(params: ConstantValueParams, ctx: CheckContext, path: str) -> list[Finding]:
    from rocverify.toolchain.assertions import Side, ask

    _refuse_another(params, ctx, path)
    sides: tuple[Side, ...] = ("device", "host")
    is_value = f"({params.name}) == ({params.value!r})"
    if not float(params.value).is_integer():  # a float has the nearest number to what was written
        is_value += f" || (sizeof(({params.name}) + 0.0f) == 4 && ({params.name}) == {params.value!r}f)"
    found = []
    for side in sides:
        answer = ask(ctx.toolchain, source_of(ctx, path), [is_value], side, ctx.cache_dir)
        if answer.log:
            raise RocverifyError(
                f"the value of {params.name} cannot be told on the {side}: {answer.log[:300]}", where=path
            )
        for _, told in answer.false:
            is_now = f": the compiler says {told}" if told else ""
            lines = {
                n.line: n.text for n in ctx.code.unit(path).named if n.name == params.name and not n.dead
            }
            line, value = next(iter(lines.items())) if len(lines) == 1 else (0, "")
            where = f"{path}:{line}" if line else path
            is_now = is_now or (f": it is {value}" if value else "")
            text = f"{params.name} is not {params.value:g} on the {side} in {where}{is_now}"
            found.append(Finding(text, where, params.name))
    return found


def source_of(ctx: CheckContext, path: str) -> Any:
    """The file as the compiler is to see it, with the flags of the build where it has an entry."""
    from rocverify.toolchain.assertions import Source

    try:
        entries = ctx.manifest.entries
    except ManifestError:
        entries = ()
    entry = next((e for e in entries if e.source == path), None)
    text = existing_file(ctx.root, path).read_text(encoding="utf-8", errors="replace")
    # What no build names, as a header, may include what any source may.
    folders = (flag for e in entries for flag in e.flags if flag.startswith("-I"))
    flags = tuple(entry.flags) if entry is not None else tuple(dict.fromkeys(folders))
    return Source(ctx.root, path, text, ctx.settings.targets[0], flags)


def _refuse_another(params: ConstantValueParams, ctx: CheckContext, path: str) -> None:
    """RocverifyError where the end of a C++ source, which the compiler is asked about, may know another value
    than its code uses: one of a function's own, or a macro that was another before."""
    unit, word = ctx.code.unit(path), params.name.rpartition(":")[2]
    own = [v.line for f in unit.functions if not f.dead for v in f.values if v.name == word]
    homes = {n.owner: n for n in unit.named if n.name == word and not n.dead and n.kind in _CONSTANTS}
    if "::" not in params.name and len(homes) > 1 and len({n.text for n in homes.values()}) > 1:
        listed = ", ".join(f"{owner}::{word}" if owner else word for owner in homes)
        raise RocverifyError(
            f"the value of {params.name} cannot be told: the file has {listed}",
            where=f"{path}:{max(n.line for n in homes.values())}",
            hint="name the one that is meant in full, or each of them in a check of its own",
        )
    macros = [n.line for n in unit.named if n.name == word and n.kind == "macro" and not n.dead]
    lines = ctx.code.text(path).splitlines()
    undefined = re.compile(rf"\s*#\s*undef\s+{word}\b")
    hits = [hit.line for hit in ctx.code.search_word(path, word).code if undefined.match(lines[hit.line - 1])]
    again = [line for line in hits if macros and line > min(macros)]
    if elsewhere := [*own, *again]:
        raise RocverifyError(
            f"the value of {params.name} cannot be told: it is another one in part of the file",
            where=f"{path}:{elsewhere[0]}",
        )


def _of_rust(params: ConstantValueParams, ctx: CheckContext, path: str) -> list[tuple[int, float]]:
    """Lines and values of its definitions in what is built; empty where one is no literal. RocverifyError
    where a function or macro has its own, or types and modules have different ones."""
    owner, _, word = params.name.rpartition("::")
    named = [n for n in ctx.code.unit(path).named if n.name == word and n.kind in ("constant", "static")]
    lines = ctx.code.text(path).splitlines()
    setting = re.compile(rf"\b(?:const|static)\s+(?:mut\s+)?{word}\b")
    for hit in ctx.code.search_word(path, word).code:
        found = setting.search(lines[hit.line - 1])
        if found and ("mut" in found[0].split() or hit.line not in {n.line for n in named}):
            raise RocverifyError(
                f"the value of {params.name} cannot be told: it is another one in part of the file",
                where=f"{path}:{hit.line}",
            )
    meant = [n for n in named if not n.dead and owner.rpartition("::")[2] in ("", n.owner)]
    values = [(n.line, value) for n in meant if (value := _rust_number(n.text)) is not None]
    if len(values) < len(meant):
        return []
    if len({n.owner for n in meant}) > 1 and len({value for _, value in values}) > 1:
        raise RocverifyError(
            f"the value of {params.name} cannot be told: {', '.join(n.owner or 'the file' for n in meant)} "
            "have different ones",
            where=f"{path}:{meant[0].line}",
            hint=f"name it in full: Type::{word}",
        )
    return values


def _rust_number(text: str) -> float | None:
    """What a literal says; None for anything else."""
    found = _RUST_NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    plain = (found["whole"] or found["real"]).replace("_", "")
    return float(int(plain, 0)) if re.match(r"-?0[xob]", plain) else float(plain)


def _of_python(text: str, name: str) -> list[tuple[int, float]]:
    found = []
    for node in ast.parse(text).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            value = node.value
            number = value.value if isinstance(value, ast.Constant) else None
            if isinstance(number, bool) or not isinstance(number, int | float):
                return []
            found.append((node.lineno, float(number)))
    return found


CHECK = CheckKind("constant_value", ConstantValueParams, run, evidence=ConstantValueEvidence)
