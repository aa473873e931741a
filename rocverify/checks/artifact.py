"""artifact: a file that the plan promises exists, and its code has what the plan says it has.

Comments and docstrings are no code: what stands only there was not delivered. Of a Markdown document
all text counts, except HTML comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.matching import pattern_finding, searched
from rocverify.code.definitions import declared_all
from rocverify.code.languages import is_python
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class ArtifactParams(CheckParams):
    """`path` relative to the root; `contains` a regular expression that must match in code; `exports`
    names that the file must define; `min_lines` the least number of lines."""

    path: str = Field(min_length=1)
    contains: str | None = Field(default=None, min_length=1)
    min_lines: int | None = Field(default=None, ge=1)
    exports: tuple[str, ...] = ()


def run(params: ArtifactParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a file that is absent, outside the root or no text."""
    path = ctx.code.locate(params.path)
    lines = ctx.code.line_count(path)
    evidence: dict[str, Any] = {"path": path, "lines": lines}
    findings = [
        *_length(params, path, lines),
        *_exports(params, path, ctx, evidence),
        *_contents(params, path, ctx, evidence),
    ]
    if findings:
        hint = f"deliver it in the code of {path}, or correct the plan"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), **evidence)
    return Outcome.passed(_summary(params, path, lines), **evidence)


def _length(params: ArtifactParams, path: str, lines: int) -> Iterator[Finding]:
    if lines == 0:
        yield Finding(f"{path} is empty", path)
    elif params.min_lines is not None and lines < params.min_lines:
        yield Finding(f"{path} has {lines} lines, the plan asks for {params.min_lines}", f"{path}:{lines}")


def _exports(
    params: ArtifactParams, path: str, ctx: CheckContext, evidence: dict[str, Any]
) -> Iterator[Finding]:
    found: dict[str, str] = {}
    for name in params.exports:
        definition = ctx.code.definition(path, name)
        if definition is None:
            yield Finding(f"{path} does not define {name}{_why_not(path, name, ctx)}", path, entity=name)
        else:
            found[name] = f"{definition.kind} at {path}:{definition.line}"
    if params.exports:
        evidence["exports"] = found


def _why_not(path: str, name: str, ctx: CheckContext) -> str:
    """What there is instead of a definition, for the message."""
    if is_python(path) and name in (declared_all(ctx.code.module(path)) or ()):
        return ", though __all__ lists it"
    result = ctx.code.search(path, rf"(?<!\w){_escaped(name)}(?!\w)")
    if result.code:
        return f"; it only uses the name (line {result.code[0].line})"
    if result.dead:
        return f"; the name stands only in code that can never run (line {result.dead[0].line})"
    if result.comments:
        return f"; the name stands only in a comment or docstring (line {result.comments[0].line})"
    return ""


def _escaped(name: str) -> str:
    return "".join(c if c.isalnum() or c == "_" else f"\\{c}" for c in name)


def _contents(
    params: ArtifactParams, path: str, ctx: CheckContext, evidence: dict[str, Any]
) -> Iterator[Finding]:
    if params.contains is None:
        return
    result = ctx.code.search(path, params.contains)
    evidence["contains"] = searched(result)
    if finding := pattern_finding(ctx.code, result):
        yield finding


def _summary(params: ArtifactParams, path: str, lines: int) -> str:
    parts = [f"{path} exists ({lines} lines)"]
    if params.exports:
        parts.append(f"defines {', '.join(params.exports)}")
    if params.contains is not None:
        parts.append(f"has {params.contains!r} in code")
    return ", ".join(parts)


CHECK = CheckKind("artifact", ArtifactParams, run)
