"""artifact: a file that the plan promises exists, and its code has what the plan says it has.

Comments and docstrings are no code: what stands only there was not delivered; nor was a kernel of the build
manifest that does not compile. Of a Markdown document
all text counts, except HTML comments. A folder or a glob delivers what one of its files has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, named
from rocverify.checks.support.matching import Searched, best_search, forbidden_finding, pattern_finding
from rocverify.checks.support.rejected import rejected
from rocverify.code.files import inside_root
from rocverify.code.languages import is_c_family, is_python
from rocverify.code.languages.python import declared_all
from rocverify.code.targets import Target, files_of, find_target, is_binary
from rocverify.errors import RocverifyError, SourceError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class ArtifactParams(CheckParams):
    """`path` relative to the root; `contains` a text or regular expression that must match in code,
    `not_contains` one that must not; `exports` names that the file must define; `min_lines` the least number
    of lines."""

    path: str = Field(min_length=1)
    contains: str | None = Field(default=None, min_length=1)
    not_contains: str | None = Field(default=None, min_length=1)
    min_lines: int | None = Field(default=None, ge=1)
    exports: tuple[str, ...] = ()


class ArtifactEvidence(Evidence):
    """The file, folder or glob at `path`: its size in `lines` or, where it is no text, in `bytes`; of several
    `files` the first; where names are defined; where the text was found."""

    path: str | None = None
    lines_: int | None = Field(default=None, alias="lines")
    bytes: int | None = None
    files: list[str] = Field(default_factory=list)
    file_count: int | None = None
    exports: dict[str, str] = Field(default_factory=dict)
    contains: Searched | None = None
    not_contains: str | None = None

    def lines(self) -> Iterator[str]:
        """Size, names and patterns that were found in the file, as lines of a Markdown list."""
        if self.lines_ is not None:
            yield f"- {named(self.path)} has {self.lines_} lines"
        if self.bytes is not None:
            yield f"- {named(self.path)} has {self.bytes} bytes, and is not text"
        if self.file_count is not None:
            yield f"- {named(self.path)}: {self.file_count} files, as {', '.join(map(named, self.files[:3]))}"
        for name, place in self.exports.items():
            yield f"- {named(name)}: {place}"
        if self.contains is not None:
            yield from self.contains.lines()
        if self.not_contains is not None:
            yield f"- {named(self.not_contains)} was looked for, and must not be there"


def run(params: ArtifactParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for what is absent or outside the root, RocverifyError for what is no path."""
    target = find_target(ctx.root, params.path)
    if target is None:
        inside_root(ctx.root, params.path)
        raise RocverifyError(
            f"{params.path!r} is not a path, so whether it is there was not checked",
            hint="name a file, a folder or a glob relative to the root",
        )
    if target.shape != "file":
        return _several(params, target, files_of(ctx.root, target), ctx)
    if is_binary(ctx.root / target.path):
        return _binary(params, target.path, ctx)
    return _file(params, target, ctx)


def _file(params: ArtifactParams, target: Target, ctx: CheckContext) -> Outcome:
    path = ctx.code.locate(target.path)
    lines = ctx.code.line_count(path)
    evidence = ArtifactEvidence(path=path, lines=lines)
    exports = (*params.exports, target.symbol) if target.symbol else params.exports
    findings = [
        *_length(params, target, path, lines),
        *_exports(exports, path, ctx, evidence),
        *_contents(params, (path,), ctx, evidence),
        *_rejected(path, ctx),
    ]
    if findings:
        hint = f"deliver it in the code of {path}, or correct the plan"
        return Outcome.failed(findings[0].message, evidence, hint=hint, findings=tuple(findings))
    return Outcome.passed(_summary(params, f"{path} exists ({lines} lines)", exports), evidence)


def _several(params: ArtifactParams, target: Target, files: tuple[str, ...], ctx: CheckContext) -> Outcome:
    """A folder, a glob or alternatives: each name and each text has to be in one of the files."""
    evidence = ArtifactEvidence(path=params.path, files=list(files[:20]), file_count=len(files))
    findings = [] if files else [Finding(f"{params.path} holds no file", target.path)]
    texts = tuple(path for path in files if not is_binary(ctx.root / path))
    total = sum(ctx.code.line_count(path) for path in texts) if params.min_lines else 0
    if files and params.min_lines is not None and total < params.min_lines:
        asked = f"the plan asks for {params.min_lines}"
        findings.append(Finding(f"the files of {params.path} have {total} lines, {asked}", target.path))
    for name in params.exports:
        if not any(ctx.code.definition(path, name) is not None for path in texts):
            findings.append(Finding(f"no file of {params.path} defines {name}", target.path, entity=name))
    findings += _contents(params, texts, ctx, evidence)
    if findings:
        hint = f"deliver it in {params.path}, or correct the plan"
        return Outcome.failed(findings[0].message, evidence, hint=hint, findings=tuple(findings))
    there = f"{params.path} exists ({len(files)} {'file' if len(files) == 1 else 'files'})"
    return Outcome.passed(_summary(params, there, params.exports), evidence)


def _binary(params: ArtifactParams, path: str, ctx: CheckContext) -> Outcome:
    """A file that is no text only has to be there."""
    if params.contains or params.not_contains or params.exports or params.min_lines:
        raise SourceError("is a binary file", where=path, hint="plans can search text files only")
    size = (ctx.root / path).stat().st_size
    seen = ArtifactEvidence(path=path, bytes=size)
    return Outcome.passed(f"{path} exists ({size} bytes, no text)", seen)


def _length(params: ArtifactParams, target: Target, path: str, lines: int) -> Iterator[Finding]:
    if target.line is not None and max(target.line, target.last or 0) > lines:
        yield Finding(f"{path} has {lines} lines, so there is no line {target.line}", path)
    if lines == 0:
        yield Finding(f"{path} is empty", path)
    elif params.min_lines is not None and lines < params.min_lines:
        yield Finding(f"{path} has {lines} lines, the plan asks for {params.min_lines}", f"{path}:{lines}")


def _rejected(path: str, ctx: CheckContext) -> Iterator[Finding]:
    """A kernel of the build manifest that the compiler rejects was not delivered. Where no manifest says how
    it is compiled, that is told of in the report alone: it may be ours that the flags are wrong."""
    if not is_c_family(path) or not (ctx.root / ctx.settings.manifest).is_file():
        return
    named = [entry for entry in ctx.manifest.entries if entry.source == path]
    yield from (Finding(f"{path} {error.message}", error.where) for error in rejected(ctx, named))


def _exports(
    names: tuple[str, ...], path: str, ctx: CheckContext, evidence: ArtifactEvidence
) -> Iterator[Finding]:
    found: dict[str, str] = {}
    for name in names:
        definition = ctx.code.definition(path, name)
        if definition is None:
            yield Finding(f"{path} does not define {name}{why_undefined(path, name, ctx)}", path, entity=name)
        else:
            found[name] = f"{definition.kind} at {path}:{definition.line}"
    if names:
        evidence.exports = found


def why_undefined(path: str, name: str, ctx: CheckContext) -> str:
    """What there is instead of a definition, for the message."""
    if is_python(path) and name in (declared_all(ctx.code.module(path).tree) or ()):
        return ", though __all__ lists it"
    result = ctx.code.search_word(path, name)
    if result.code:
        return f"; it only uses the name (line {result.code[0].line})"
    if result.dead:
        return f"; the name stands only in code that can never run (line {result.dead[0].line})"
    if result.comments:
        return f"; the name stands only in a comment or docstring (line {result.comments[0].line})"
    return ""


def _contents(
    params: ArtifactParams, files: tuple[str, ...], ctx: CheckContext, evidence: ArtifactEvidence
) -> Iterator[Finding]:
    if params.contains is not None and files:
        result = best_search(ctx.code, files, params.contains)
        evidence.contains = Searched.of(result)
        if finding := pattern_finding(ctx.code, result):
            yield finding
    if params.not_contains is not None:
        results = [result for path in files for result in ctx.code.forbidden(path, params.not_contains)]
        evidence.not_contains = params.not_contains
        yield from (finding for result in results if (finding := forbidden_finding(result)))


def _summary(params: ArtifactParams, there: str, exports: tuple[str, ...]) -> str:
    parts = [there]
    if exports:
        parts.append(f"defines {', '.join(exports)}")
    if params.contains is not None:
        parts.append(f"has '{params.contains}' in code")
    if params.not_contains is not None:
        parts.append(f"has no '{params.not_contains}' in code")
    return ", ".join(parts)


CHECK = CheckKind("artifact", ArtifactParams, run, evidence=ArtifactEvidence)
