"""absent: names or texts that must not be in the code of the files named, or in none of the project's.

Comments and what no build has do not count; a marker of unfinished work (TODO) counts in comments too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.matching import forbidden_finding
from rocverify.code.files import MAX_SOURCE_BYTES
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.targets import files_of, find_target, is_binary
from rocverify.errors import RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_SHOWN = 20


class AbsentParams(CheckParams):
    """`names`: identifiers, found as words, or other texts and regular expressions; `paths`: files, folders
    and globs relative to the root, all sources of the project where none is given."""

    names: tuple[str, ...] = Field(min_length=1)
    paths: tuple[str, ...] = ()


def run(params: AbsentParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a path that is not there, RocverifyError where there is no file to look into."""
    files = _files(params, ctx)
    where = ", ".join(params.paths) or "the project's sources"
    if not files:
        raise RocverifyError(f"{where}: no source file to look into", hint="name paths that hold code")
    findings: list[Finding] = []
    for name in params.names:
        for path in files:
            word = name.isidentifier()
            results = [ctx.code.search_word(path, name)] if word else ctx.code.forbidden(path, name)
            findings += [finding for result in results if (finding := forbidden_finding(result))]
    evidence: dict[str, Any] = {"names": list(params.names), "files": len(files)}
    if findings:
        hint = "take it out, or correct the plan"
        return Outcome.failed(
            findings[0].message, hint=hint, findings=tuple(findings[:_SHOWN]), found=len(findings), **evidence
        )
    number = f"{len(files)} {'file' if len(files) == 1 else 'files'}"
    return Outcome.passed(f"{', '.join(params.names)}: in none of {number} of {where}", **evidence)


def _files(params: AbsentParams, ctx: CheckContext) -> list[str]:
    if not params.paths:
        found = {path for path in ctx.root.rglob("*.*") if _is_source(path.name) and path.is_file()}
        inside = (
            path.relative_to(ctx.root) for path in sorted(found) if path.stat().st_size <= MAX_SOURCE_BYTES
        )
        kept = [p for p in inside if not any(part.startswith(".") or part == "target" for part in p.parts)]
        return [path.as_posix() for path in kept if not is_binary(ctx.root / path)]
    files: dict[str, None] = {}
    for path in params.paths:
        target = find_target(ctx.root, path)
        if target is None:
            raise RocverifyError(
                f"{path!r} is no path", hint="name files, folders or globs relative to the root"
            )
        files |= dict.fromkeys(f for f in files_of(ctx.root, target) if not is_binary(ctx.root / f))
    return list(files)


def _is_source(name: str) -> bool:
    return is_c_family(name) or is_rust(name) or is_python(name)


CHECK = CheckKind("absent", AbsentParams, run)
