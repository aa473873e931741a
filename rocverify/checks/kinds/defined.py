"""defined: a file defines functions, types or constants; or, with `absent`, defines them no longer.

What counts is a definition that is built: no declaration, no comment. What only stands behind a condition of
the build is neither there nor gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, known, named
from rocverify.checks.kinds.artifact import why_undefined
from rocverify.code.definitions import Definition, python_deletions
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.targets import files_of, find_target
from rocverify.errors import RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

Name = Annotated[str, Field(pattern=r"^~?[A-Za-z_]\w*(?:(?:::|\.)~?[A-Za-z_]\w*)*$")]


class DefinedParams(CheckParams):
    """`names` (`f`, `Type::f`, `Class.method`, a type, a constant) are defined in `path`: a source, or one of
    the sources of a folder or glob. `absent`: they are defined in none of them."""

    names: tuple[Name, ...] = Field(min_length=1)
    path: str = Field(min_length=1)
    absent: bool = False


class DefinedEvidence(Evidence):
    """The names, how many files were looked into, and where they are defined."""

    names: list[str] = Field(default_factory=list)
    files: int | None = None
    found: dict[str, str] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Where each name is defined, and how many files were looked into, as lines of a Markdown list."""
        for name, place in self.found.items():
            yield f"- {named(name)}: {known(place)}"
        if self.files is not None:
            yield f"- files looked into: {self.files}"


def run(params: DefinedParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a path that is not there, RocverifyError for what cannot be told."""
    files = _files(params, ctx)
    found: dict[str, str] = {}
    findings: list[Finding] = []
    for name in params.names:
        places = list(_places(name, files, ctx))
        if places:
            path, definition = places[0]
            found[name] = f"{definition.kind} at {path}:{definition.line}"
        if params.absent:
            findings += _still(name, places, files, ctx)
        else:
            findings += _missing(params, name, places, files, ctx)
    evidence = DefinedEvidence(names=list(params.names), files=len(files), found=found)
    if findings:
        verb = "take it out of" if params.absent else "define it in"
        hint = f"{verb} {params.path}, or correct the plan"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), seen=evidence)
    if params.absent:
        return Outcome.passed(f"{params.path} defines no {' and no '.join(params.names)}", seen=evidence)
    return Outcome.passed(
        f"{params.path} defines {', '.join(f'{n} ({p})' for n, p in found.items())}", seen=evidence
    )


def _files(params: DefinedParams, ctx: CheckContext) -> list[str]:
    target = find_target(ctx.root, params.path)
    if target is None:
        raise RocverifyError(f"{params.path!r} is not a path", hint="name a source, a folder or a glob")
    files = [f for f in files_of(ctx.root, target) if is_c_family(f) or is_rust(f) or is_python(f)]
    if not files:
        raise RocverifyError(
            f"{params.path} holds no source in C++, Rust or Python",
            hint="bind artifact with contains instead",
        )
    return files


Places = list[tuple[str, Definition]]


def _places(name: str, files: list[str], ctx: CheckContext) -> Iterator[tuple[str, Definition]]:
    """Where the name is defined and stays so. RocverifyError where a condition takes it back."""
    dotted = name.replace("::", ".")
    for path in files:
        found = ctx.code.definition(path, dotted)
        if found is None:
            continue
        gone = [one for one in _deletions(path, ctx) if one[0] == dotted and one[1] > found.line]
        if any(sure for *_, sure in gone):
            continue
        if gone:
            raise RocverifyError(
                f"whether it defines {name} cannot be told: it may be deleted again",
                where=f"{path}:{gone[0][1]}",
            )
        yield path, found


def _deletions(path: str, ctx: CheckContext) -> list[tuple[str, int, bool]]:
    return list(python_deletions(ctx.code.modules.by_path(path))) if is_python(path) else []


def _missing(
    params: DefinedParams, name: str, places: Places, files: list[str], ctx: CheckContext
) -> Iterator[Finding]:
    if places:
        return
    _refuse_broken(name, files, ctx)
    for path in files:
        for deleted, line, _ in _deletions(path, ctx):
            if deleted == name.replace("::", "."):
                where = f"{path}:{line}"
                yield Finding(f"{path} defines {name} and takes it back on line {line}", where, entity=name)
                return
    why = why_undefined(files[0], name, ctx) if len(files) == 1 else ""
    yield Finding(f"{params.path} does not define {name}{why}", files[0], entity=name)


def _still(name: str, places: Places, files: list[str], ctx: CheckContext) -> Iterator[Finding]:
    for path, definition in places:
        where = f"{path}:{definition.line}"
        if definition.kind in ("import", "re-export"):
            raise RocverifyError(f"{name} is not defined there, but still re-exported", where=where)
        if definition.kind == "method" and name.isidentifier():
            raise RocverifyError(
                f"a method {name} is still there, and may be what is meant",
                where=where,
                hint=f"name it in full: Type::{name}",
            )
        yield Finding(f"{path} still defines {name} (line {definition.line})", where, entity=name)
    if places:
        return
    _refuse_broken(name, files, ctx)
    for path in files:
        for function in ctx.code.unit(path).functions_of(name):
            where = f"{path}:{function.line}"
            if function.dead:
                raise RocverifyError(
                    f"{name} is still written there, where {function.dead}", where=where, hint="delete it"
                )


def _refuse_broken(name: str, files: list[str], ctx: CheckContext) -> None:
    """RocverifyError where part of a file that has the name could not be parsed."""
    word = name.replace("::", ".").rpartition(".")[2]
    for path in files:
        unit = ctx.code.unit(path)
        if unit.broken is not None and word in ctx.code.text(path):
            raise RocverifyError(
                f"whether it defines {name} cannot be told: not all of it could be parsed",
                where=f"{path}:{unit.broken}",
            )


CHECK = CheckKind("defined", DefinedParams, run, evidence=DefinedEvidence)
