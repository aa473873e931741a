"""Sentences about calls, in truths and key links: "X() calls Y()", "Y() is called in X()"; and the call
chains that a plan's key links make."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rocverify.code.written import is_code, is_written_as_code
from rocverify.plan.model import Plan

_NAME = r"(?P<{0}_quoted>`)?(?P<{0}>[A-Za-z_][\w.:]*)(?P<{0}_call>\([^()]*\))?`?"
_VERB = (
    r"(?:(?:must|should|shall|will)\s+)?(?:(?:[a-z]+ly|then|also|always)\s+)?"
    r"(?:(?P<{0}plural>call|invoke|launch)|calls|invokes|launches|dispatches(?:\s+to)?"
    r"|(?:delegates|forwards)\s+to|(?P<{0}weak>uses|goes\s+through))"
)
CALLS = rf"{_NAME.format('caller')}\s+{_VERB.format('')}\s+(?:the\s+)?{_NAME.format('callee')}"
""" "X() calls Y()"."""
CALLED_IN = (
    rf"(?:\bthe\s+)?{_NAME.format('callee')}\s+(?:is\s+)?"
    r"(?:call(?:ed)?|invoked|invocation|launched)\s+(?:in|inside|within|from|by)\s+(?:the\s+)?"
    rf"{_NAME.format('caller')}"
)
""" "Y() is called in X()"."""

_SENTENCES = tuple(re.compile(rf"\s*{form}", re.IGNORECASE) for form in (CALLED_IN, CALLS))
_FURTHER = re.compile(
    r"(?:\s*,\s*|\s+)(?P<word>(?:(?:and|then|also|or|not|but|nor|never)\s+)*)(?:the\s+)?"
    + _NAME.format("callee")
)
_IS_CALLER = re.compile(rf"\s+{_VERB.format('')}\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:no|not|never|neither|nor|without|zero)\s+(?:the\s+|any\s+)?\Z", re.IGNORECASE)
_SORTS_TEXT = """
a an and api at backend by each every for from function functions gpu helper hip host in into it kernel
kernels method module on or runtime test tests that the them this those to via when where which with
wrapper wrappers
"""
_SORTS = frozenset(_SORTS_TEXT.split())
"""Words that say what sort of thing is called."""
_QUANTIFIERS_TEXT = """
a all an another any both each either every exactly few its many more most neither no none one only other
several some such that the their these this those three two various
"""
_QUANTIFIERS = frozenset(_QUANTIFIERS_TEXT.split())
"""Words that say how many or which ("launches both kernels"), unless they are written as code."""
_NO_CALLERS_TEXT = "cannot may must neither never no nobody none nor not nothing or to"
_NO_CALLERS = frozenset(_NO_CALLERS_TEXT.split())


def parse_call(sentence: str) -> tuple[str, str] | None:
    """Caller and callee of a sentence that says nothing but a call; None for any other prose.

    What "uses" or "goes through" Y calls it only where Y is written as `y()`. See `is_of_code`.
    """
    for pattern in _SENTENCES:
        found = pattern.match(sentence)
        if found is None:
            continue
        weak = found.groupdict().get("weak") and not found["callee_call"]
        if weak or not is_of_code(found) or further_names(sentence[found.end() :])[1] < 0:
            return None
        return found["caller"].rstrip(".:"), found["callee"].rstrip(".:")
    return None


def is_of_code(found: re.Match[str]) -> bool:
    """Whether a sentence speaks of functions: two plain English words ("wrapper calls kernel") are prose.

    One side must be written as code, the callee be no word that says what sort of thing is called, and who
    calls in the plural ("tests call g()") a name of the code.
    """
    caller, callee = (_is_written(found, side) for side in ("caller", "callee"))
    if _NEGATED.search(found.string, 0, found.start()) or found["caller"].lower() in _NO_CALLERS:
        return False
    if found.groupdict().get("plural") and not caller:
        return False
    return callee or (caller and found["callee"].lower() not in _SORTS | _QUANTIFIERS)


def is_made(found: re.Match[str]) -> bool:
    """Whether a truth's `CALLS` may be meant. The project is asked for what "f calls g" names, so words that
    are not written as code will do for it; "tests call g()" is of tests."""
    if found["callee"].lower() in _QUANTIFIERS and not _is_written(found, "callee"):
        return False
    return found["plural"] is None or is_of_code(found)


def is_received(found: re.Match[str]) -> bool:
    """Whether a truth's `CALLED_IN` is meant: "is called in the hot path" names no caller."""
    return is_of_code(found) and _is_written(found, "caller")


def _is_written(found: re.Match[str], side: str) -> bool:
    name = found[side].rstrip(".:")
    quoted = found[f"{side}_call"] or found[f"{side}_quoted"]
    return bool(quoted) or is_written_as_code(found.string, name)


def further_callees(sentence: str) -> tuple[str, ...]:
    """The others that the caller of a sentence calls: b and c of "f() calls a(), b() and then c()"."""
    found = _SENTENCES[1].match(sentence)
    return further_names(sentence[found.end() :])[0] if found else ()


def further_names(rest: str) -> tuple[tuple[str, ...], int]:
    """The names written as code that a sentence goes on with, and how many characters they take up; -1 where
    an "or" or a "not" is among them, which ask for less or for something else."""
    names: list[str] = []
    whole = len(rest)
    while (found := _FURTHER.match(rest)) and (
        found["callee_call"] or found["callee_quoted"] or is_code(found["callee"])
    ):
        joined = set(found["word"].split())
        if not joined and not rest.lstrip().startswith(","):
            break
        if _IS_CALLER.match(rest, found.end()):
            break
        if joined & {"or", "not", "nor", "never"}:
            return (), -1
        names.append(found["callee"].rstrip(".:"))
        rest = rest[found.end() :]
    return tuple(names), whole - len(rest)


def bare(name: str) -> str:
    """The last part of `module.f` or `module::f`."""
    return re.split(r"[.:]+", name.rstrip(".:"))[-1]


def call_edges(plan: Plan) -> dict[str, list[str]]:
    """Who calls whom by the plan's key links, in their order."""
    edges: dict[str, list[str]] = {}
    for link in plan.key_links:
        call = parse_call(link.via)
        if call and (callee := bare(call[1])) not in edges.setdefault(bare(call[0]), []):
            edges[bare(call[0])].append(callee)
    return edges


def chain_heads(edges: dict[str, list[str]]) -> list[str]:
    """The callers that nothing in the plan calls."""
    called = {callee for callees in edges.values() for callee in callees}
    return [caller for caller in edges if caller not in called]


def chains(edges: dict[str, list[str]], head: str) -> Iterator[tuple[str, ...]]:
    """Every call path from `head` to a function that calls nothing further, without `head` itself."""
    stack: list[tuple[str, ...]] = [(head,)]
    while stack:
        path = stack.pop()
        onward = [callee for callee in edges.get(path[-1], []) if callee not in path]
        if not onward and len(path) > 1:
            yield path[1:]
        stack += [(*path, callee) for callee in reversed(onward)]
