"""key_link: one file really uses another, in code, and one function really calls another.

The pattern is looked for in the code of `from` and nowhere else. A call is followed on the syntax tree,
through helpers, from inside the caller's body. An item of a list is looked up in data. A target that is no
path (a package, a route, a variable) is shown as not checked: what `from` has decides.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence
from rocverify.checks.support.calls import Call, check_call
from rocverify.checks.support.lists import ListClaim, check_list
from rocverify.checks.support.matching import Searched, best_search, pattern_finding
from rocverify.code.languages import is_python
from rocverify.code.launches import LaunchFinder
from rocverify.code.search import SearchResult
from rocverify.code.targets import Target, files_of, find_target, is_binary
from rocverify.code.written import is_written_as_code
from rocverify.errors import PlanError, RocverifyError
from rocverify.markdown import prose
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class KeyLinkParams(CheckParams):
    """`from_path` holds the link, `to_path` is what it leads to. `pattern` is a text or regular expression
    for the code of `from_path`; `caller` calls `callee`, and each of `also`; the list `owner` has `item`.
    `via` is the plan's sentence: what binding read in it stands in the others."""

    from_path: str = Field(min_length=1)
    to_path: str = Field(min_length=1)
    via: str | None = Field(default=None, min_length=1)
    pattern: str | None = Field(default=None, min_length=1)
    caller: str | None = Field(default=None, min_length=1)
    callee: str | None = Field(default=None, min_length=1)
    also: tuple[str, ...] = ()
    owner: str | None = Field(default=None, min_length=1)
    item: str | None = Field(default=None, min_length=1)


class KeyLinkEvidence(Evidence):
    """Both ends; where the pattern was found, how the call goes, where the list has its item; `target` and
    `via` say what of the link was not checked."""

    source: str | None = Field(default=None, alias="from")
    to: str | None = None
    pattern: Searched | None = None
    call: str | None = None
    call_path: list[str] = Field(default_factory=list)
    listed: str | None = None
    target: str | None = None
    via: str | None = None

    def lines(self) -> Iterator[str]:
        """Where the pattern is found, and the call path, as lines of a Markdown list."""
        if self.pattern is not None:
            yield from self.pattern.lines()
        if self.call:
            yield f"- call path: {prose(self.call)}"
        for text in (self.listed, self.target, self.via):
            if text:
                yield f"- {prose(text)}"


def run(params: KeyLinkParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError where an end of the link is absent, PlanError where it claims nothing, and
    RocverifyError where the claim is about a language that cannot be followed."""
    ends = _ends(params, ctx)
    source, target = ends.source, ends.target_name
    call, listed = _claims(params, ends, ctx)
    if params.pattern is None and call is None and listed is None:
        raise PlanError(
            f"the link from {source} to {target} has nothing that can be checked",
            hint='give it a pattern, or a `via` of the form "X() calls Y()"',
        )
    evidence = KeyLinkEvidence.model_validate({"from": source, "to": target})
    if ends.target is None:
        evidence.target = f"{target!r} is not a path: not checked"
    findings = [
        *_pattern(params, ends, ctx, evidence),
        *_call(call, ends, ctx, evidence),
        *_further(call, params.also, ends, ctx, evidence),
        *_list(listed, source, ctx, evidence),
    ]
    if params.via is not None and call is None and listed is None:
        evidence.via = f"{params.via!r} is prose: not checked"
        if not findings and evidence.pattern is not None:
            _more_than_an_import(params.via, evidence.pattern, ctx)
    if findings:
        hint = f"make the link in live code of {source}, or correct the plan"
        return Outcome.failed(findings[0].message, evidence, hint=hint, findings=tuple(findings))
    return Outcome.passed(_summary(source, target, evidence), evidence)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Both ends of a link: the files that may hold it, and what it leads to (None for what is no path)."""

    source: str
    files: tuple[str, ...]
    target: Target | None
    target_name: str


def _ends(params: KeyLinkParams, ctx: CheckContext) -> _Ends:
    held = find_target(ctx.root, params.from_path)
    if held is None:
        raise RocverifyError(
            f"{params.from_path!r} is not a path, so there is no code in which the link could be looked for",
            hint="let from: name the file that makes the link",
        )
    files = files_of(ctx.root, held)
    if held.line is not None and held.line > ctx.code.line_count(held.path):
        raise PlanError(f"{held.path} has no line {held.line}", hint="name a line that is there, or none")
    target = find_target(ctx.root, params.to_path)
    name = target.path if target and target.shape in ("file", "folder") else params.to_path
    return _Ends(held.path if held.shape == "file" else params.from_path, files, target, name)


def _claims(params: KeyLinkParams, ends: _Ends, ctx: CheckContext) -> tuple[Call | None, ListClaim | None]:
    call = Call(params.caller, params.callee) if params.caller and params.callee else None
    prose = call and params.via and not is_written_as_code(params.via, call.caller)
    if call and prose and not any(ctx.code.definition(path, call.caller) for path in ends.files):
        call = None  # "Tests call launch()": an English subject
    return call, ListClaim(params.owner, params.item) if params.owner and params.item else None


def _pattern(
    params: KeyLinkParams, ends: _Ends, ctx: CheckContext, evidence: KeyLinkEvidence
) -> Iterator[Finding]:
    if params.pattern is None:
        return
    if not ends.files:
        yield Finding(f"{ends.source} holds no file", ends.source)
        return
    result = best_search(ctx.code, ends.files, params.pattern)
    evidence.pattern = Searched.of(result)
    finding = pattern_finding(ctx.code, result)
    if finding is not None:
        yield replace(finding, message=finding.message + _but_in_target(params.pattern, ends, result, ctx))


def _but_in_target(pattern: str, ends: _Ends, result: SearchResult, ctx: CheckContext) -> str:
    """That the pattern stands in the link's target instead, for the message."""
    if result.found or ends.target is None or ends.target.shape != "file" or ends.target.path in ends.files:
        return ""
    if is_binary(ctx.root / ends.target.path):
        return ""
    there = ctx.code.search(ends.target.path, pattern)
    if not there.found:
        return ""
    return f"; it stands only in {ends.target.path} (line {there.code[0].line}), to which the link leads"


def _more_than_an_import(via: str, found: Searched, ctx: CheckContext) -> None:
    """RocverifyError where the pattern matches nothing but imports, and the sentence beside it, which says
    more, cannot be checked: then nothing shows that what is imported is used."""
    source, hits = found.path, found.code
    if not is_python(source) or "import" in via.lower() or found.code_count > len(hits):
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


def _call(call: Call | None, ends: _Ends, ctx: CheckContext, evidence: KeyLinkEvidence) -> Iterator[Finding]:
    if call is None:
        return
    if len(ends.files) != 1 or ends.target is None or ends.target.shape != "file":
        raise RocverifyError(
            f"whether {call.caller} calls {call.callee} cannot be told between {ends.source} and "
            f"{ends.target_name}",
            hint="name one file at each end",
        )
    launches = LaunchFinder(ctx.code, ctx.settings.transfers.launches)
    answer = check_call(ctx.code, launches, call, ends.files[0], ends.target.path)
    if answer.finding is not None:
        yield answer.finding
    else:
        evidence.call_path = list(answer.path)
        evidence.call = answer.summary


def _further(
    call: Call | None, names: tuple[str, ...], ends: _Ends, ctx: CheckContext, evidence: KeyLinkEvidence
) -> Iterator[Finding]:
    """The other callees of the caller; RocverifyError for one that the link's end does not define."""
    if call is None or ends.target is None:
        return
    for name in names:
        if ctx.code.definition(ends.target.path, name) is None:
            raise RocverifyError(
                f"{ends.target.path} does not define {name}, so the call of it was not checked",
                hint="give it a link of its own",
            )
        first = evidence.call
        yield from _call(Call(call.caller, name), ends, ctx, evidence)
        if first and evidence.call != first:
            evidence.call = f"{first}; {evidence.call}"


def _list(
    listed: ListClaim | None, source: str, ctx: CheckContext, evidence: KeyLinkEvidence
) -> Iterator[Finding]:
    if listed is None:
        return
    answer = check_list(ctx.code, listed, source)
    if isinstance(answer, Finding):
        yield answer
    else:
        evidence.listed = answer


def _summary(source: str, target: str, evidence: KeyLinkEvidence) -> str:
    found = evidence.pattern
    first = f"'{found.pattern}' found at {found.path}:{found.code[0].partition(':')[0]}" if found else None
    parts = (evidence.call, evidence.listed, first, evidence.target, evidence.via)
    return f"{source} → {target}: {'; '.join(part for part in parts if part)}"


CHECK = CheckKind("key_link", KeyLinkParams, run, evidence=KeyLinkEvidence)
