"""What a condition asks of a launch: whether it failed, or what it gave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rocverify.code.call_sites import CallSite
from rocverify.code.places import Place
from rocverify.code.syntax import Branch

_IF_FAILED = re.compile(r"\blet\s+Err\b|\.is_err\s*\(|!=\s*\(?(?:\w+::)*(?:\w*[Ss]uccess|\w*OK)\b")
_IF_DONE = re.compile(r"\blet\s+Ok\b|\.is_ok\s*\(|==\s*\(?(?:\w+::)*(?:\w*[Ss]uccess|\w*OK)\b")
_IF_NONE = re.compile(r"\.is_none\s*\(")
_IF_SOME = re.compile(r"\blet\s+Some\b|\.is_some\s*\(")
_IF_ZERO = re.compile(r"==\s*0\b")
_NEGATED = re.compile(r"\s*(?:!|not\b)\s*(?![=])")
_FAILED_CASE = re.compile(r"\s*(?:(?:\w+::)*(?:Err|None)\b|_\s*\Z|\w+\s*\Z)")


def given(place: Place, asked: Branch) -> Iterator[Branch]:
    """What gives the variables of a condition their values before it, as far as that is written."""
    names = set(re.findall(r"[A-Za-z_]\w*", asked.text))
    for value in place.function.values:
        if value.name in names and value.end and value.end <= asked.begin:
            yield Branch("given", value.text, value.line, value.line, value.begin, value.end)
    for branch in place.function.branches:
        if branch.kind == "given" and branch.text in names and branch.end <= asked.begin:
            yield branch


def arm_when_failed(asked: Branch, told: Sequence[Branch], sites: Sequence[CallSite]) -> tuple[str, bool]:
    """Which arm is taken where a launch gives an error, or gives nothing: `if`, `else`, or none where that
    does not show; and whether it is an error. told: what gives the condition's variables; sites: the launches
    in all of it."""
    text = asked.text
    negated = _NEGATED.match(text) is not None
    if _IF_FAILED.search(text) or _IF_DONE.search(text):
        return "if" if _IF_FAILED.search(text) else "else", True
    if _IF_NONE.search(text) or _IF_SOME.search(text):
        return "if" if _IF_NONE.search(text) else "else", False
    for part in told:
        if _IF_FAILED.search(part.text) or _IF_DONE.search(part.text):
            done = _IF_DONE.search(part.text) is not None
            return "if" if done == negated else "else", True
    returned = {s.callee.function.returns.rpartition(" ")[2] for s in sites if s.callee is not None}
    hip = bool(sites) and all(site.short.startswith("hip") for site in sites)
    if hip or returned == {"hipError_t"}:
        return "else" if negated or _IF_ZERO.search(text) else "if", True
    if returned == {"bool"}:
        return "if" if negated else "else", False
    return "", False


def failed_cases(cases: Sequence[Branch]) -> tuple[list[Branch], bool]:
    """The cases of a match over what a launch gives that are taken where it gives an error, or nothing; and
    whether it is an error."""
    done = [c for c in cases if re.match(r"\s*(?:\w+::)*(?:Ok|Some)\b", c.text)]
    others = [c for c in cases if c not in done and _FAILED_CASE.match(c.text)]
    is_error = not any(re.search(r"\b(?:Some|None)\b", case.text) for case in cases)
    return (others if done or any("Err" in c.text or "None" in c.text for c in others) else []), is_error


def gives_back(place: Place, arm: Branch, asked: Branch) -> bool:
    """Whether a part returns the very error that it was asked about."""
    names = set(re.findall(r"[A-Za-z_]\w*", asked.text))
    leaving = (b.text for b in place.function.branches if b.kind == "leave" and arm.holds(b))
    return any(
        re.fullmatch(r"return \(?(\w+)\)?;?", text) and text.split()[1].strip("();") in names
        for text in leaving
    )
