"""key_link: one file really uses another, in code, and one function really calls another.

The pattern is looked for in the code of `from` and nowhere else. A call is followed on the syntax tree,
through helpers, from inside the caller's body. An item of a list is looked up in data.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.calls import Call, check_call
from rocverify.checks.lists import ListClaim, check_list
from rocverify.checks.matching import pattern_finding, searched
from rocverify.code.files import inside_root
from rocverify.code.languages import is_python
from rocverify.code.launches import LaunchFinder
from rocverify.errors import PlanError, RocverifyError, SourceError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class KeyLinkParams(CheckParams):
    """`from_path` holds the link, `to_path` is what it leads to. `pattern` is a regular expression for
    the code of `from_path`; `caller` calls `callee`; the list `owner` has `item`. `via` is the plan's
    sentence: what binding read in it stands in the others."""

    from_path: str = Field(min_length=1)
    to_path: str = Field(min_length=1)
    via: str | None = Field(default=None, min_length=1)
    pattern: str | None = Field(default=None, min_length=1)
    caller: str | None = Field(default=None, min_length=1)
    callee: str | None = Field(default=None, min_length=1)
    owner: str | None = Field(default=None, min_length=1)
    item: str | None = Field(default=None, min_length=1)


def run(params: KeyLinkParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError where an end of the link is absent, PlanError where it claims nothing, and
    RocverifyError where the claim is about a language that cannot be followed."""
    source, target = ctx.code.locate(params.from_path), _existing(params.to_path, ctx)
    call, listed = _claims(params)
    if params.pattern is None and call is None and listed is None:
        raise PlanError(
            f"the link from {source} to {target} has nothing that can be checked",
            hint='give it a pattern, or a `via` of the form "X() calls Y()"',
        )
    evidence: dict[str, Any] = {"from": source, "to": target}
    findings = [
        *_pattern(params, source, ctx, evidence),
        *_call(call, source, target, ctx, evidence),
        *_list(listed, source, ctx, evidence),
    ]
    if params.via is not None and call is None and listed is None:
        evidence["via"] = f"{params.via!r} is prose: not checked"
        if not findings:
            _more_than_an_import(params.via, source, ctx, evidence)
    if findings:
        hint = f"make the link in live code of {source}, or correct the plan"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), **evidence)
    return Outcome.passed(_summary(source, target, evidence), **evidence)


def _existing(path: str, ctx: CheckContext) -> str:
    """The target may be a folder too."""
    real = inside_root(ctx.root, path)
    if not real.exists():
        raise SourceError("does not exist", where=path)
    return real.relative_to(ctx.root).as_posix()


def _claims(params: KeyLinkParams) -> tuple[Call | None, ListClaim | None]:
    call = Call(params.caller, params.callee) if params.caller and params.callee else None
    return call, ListClaim(params.owner, params.item) if params.owner and params.item else None


def _pattern(
    params: KeyLinkParams, source: str, ctx: CheckContext, evidence: dict[str, Any]
) -> Iterator[Finding]:
    if params.pattern is None:
        return
    result = ctx.code.search(source, params.pattern)
    evidence["pattern"] = searched(result)
    if finding := pattern_finding(ctx.code, result):
        yield finding


def _more_than_an_import(via: str, source: str, ctx: CheckContext, evidence: dict[str, Any]) -> None:
    """RocverifyError where the pattern matches nothing but imports, and the sentence beside it, which says
    more, cannot be checked: then nothing shows that what is imported is used."""
    hits = evidence["pattern"]["code"]
    if not is_python(source) or "import" in via.lower() or evidence["pattern"]["code_count"] > len(hits):
        return
    imports = {n for node in ast.walk(ctx.code.module(source).tree) if _is_import(node) for n in _rows(node)}
    lines = [int(hit.partition(":")[0]) for hit in hits]
    if all(line in imports for line in lines):
        raise RocverifyError(
            f"the pattern matches only imports (line {lines[0]}), {via!r} is prose: nothing shows the use",
            where=source,
            hint='let the pattern match the use, or write via: "f() calls g()"',
        )


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _rows(node: ast.AST) -> range:
    begin = getattr(node, "lineno", 1)
    return range(begin, (getattr(node, "end_lineno", None) or begin) + 1)


def _call(
    call: Call | None, source: str, target: str, ctx: CheckContext, evidence: dict[str, Any]
) -> Iterator[Finding]:
    if call is None:
        return
    launches = LaunchFinder(ctx.code, ctx.settings.transfers.launches)
    answer = check_call(ctx.code, launches, call, source, target)
    if answer.finding is not None:
        yield answer.finding
    else:
        evidence["call_path"] = list(answer.path)
        evidence["call"] = answer.summary


def _list(
    listed: ListClaim | None, source: str, ctx: CheckContext, evidence: dict[str, Any]
) -> Iterator[Finding]:
    if listed is None:
        return
    answer = check_list(ctx.code, listed, source)
    if isinstance(answer, Finding):
        yield answer
    else:
        evidence["listed"] = answer


def _summary(source: str, target: str, evidence: dict[str, Any]) -> str:
    parts = []
    if "call" in evidence:
        parts.append(evidence["call"])
    if "listed" in evidence:
        parts.append(evidence["listed"])
    if "pattern" in evidence:
        first = evidence["pattern"]["code"][0].partition(":")[0]
        parts.append(f"{evidence['pattern']['pattern']!r} found at {source}:{first}")
    if "via" in evidence:
        parts.append(evidence["via"])
    return f"{source} → {target}: {'; '.join(parts)}"


CHECK = CheckKind("key_link", KeyLinkParams, run)
