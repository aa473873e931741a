"""The sentence of a key link (`via`), read: who calls whom, or which list has what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import regex

from rocverify.code.written import is_code, is_written_as_code

_NAME = r"(?P<{0}_quoted>`)?(?P<{0}>[A-Za-z_][\w.:]*)(?P<{0}_call>\()?(?:[^()]*\))?`?"
_VERB = (
    r"(?:directly\s+|then\s+)?(?:calls?|invokes|launches|delegates\s+to|dispatches(?:\s+to)?|forwards\s+to)"
)
_CALLS = regex.compile(rf"\s*{_NAME.format('caller')}\s+{_VERB}\s+(?:the\s+)?{_NAME.format('callee')}")
_CALLED_IN = regex.compile(
    rf"\s*(?:the\s+)?{_NAME.format('callee')}\s+(?:is\s+)?(?:call(?:ed)?|invoked|invocation|launched)\s+"
    rf"(?:in|inside|within|from|by)\s+(?:the\s+)?{_NAME.format('caller')}"
)
_FURTHER = regex.compile(
    r"(?:\s*,\s*|\s+)(?P<word>(?:(?:and|then|also|or|not|but|nor|never)\s+)*)(?:the\s+)?"
    r"(?P<quoted>`)?(?P<callee>[A-Za-z_][\w.:]*)(?P<call>\()?(?:[^()]*\))?`?"
)
_IS_CALLER = regex.compile(rf"\s+{_VERB}\b")
_ENGLISH_TEXT = """
a an and api at backend by each every for from function functions gpu helper hip host in into it kernel
kernels method module on or runtime test tests that the them this those to via when where which with
wrapper wrappers
"""
_ENGLISH = frozenset(_ENGLISH_TEXT.split())
_LISTS = regex.compile(
    r"\s*`?(?P<owner>[\w./-]+)`?(?:\s+(?:list|array|table|manifest|section|entries|file))*"
    r"\s+(?:includes|lists|contains|names|registers|has)\s+(?:an?\s+entry\s+(?:for|of)\s+|the\s+)?"
    r"`?(?P<item>[\w./-]*[\w-])`?"
)


def via_parameters(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a key_link check with what its `via` says.

    `caller` and `callee` of "f() calls g()", `owner` and `item` of "KERNELS list includes k.hip"; unchanged
    where they say it already, or `via` is prose.
    """
    via = params.get("via")
    if not isinstance(via, str) or {"caller", "callee", "owner", "item"} & params.keys():
        return dict(params)
    call = parse_call(via)
    if call is not None:
        further = further_callees(via)
        return {**params, "caller": call[0], "callee": call[1], **({"also": further} if further else {})}
    listed = parse_list(via)
    return {**params, "owner": listed[0], "item": listed[1]} if listed else dict(params)


def parse_call(via: str) -> tuple[str, str] | None:
    """Caller and callee of a sentence of the form "X() calls Y()" or "Y() is called in X()"; None for any
    other prose.

    Two plain English words ("wrapper calls kernel") are prose: one side must be written as code, and the
    callee be no word that says what sort of thing is called. See `is_written_as_code` for the caller.
    """
    for pattern in (_CALLED_IN, _CALLS):
        found = pattern.match(via)
        if found is None:
            continue
        caller, callee = found["caller"].rstrip(".:"), found["callee"].rstrip(".:")
        written = found["callee_call"] or found["callee_quoted"] or is_code(callee)
        if not written and (callee.lower() in _ENGLISH or not is_written_as_code(via, caller)):
            return None
        return None if _further(via[found.end() :]) is None else (caller, callee)
    return None


def further_callees(via: str) -> tuple[str, ...]:
    """The others that the caller of a sentence calls: b and c of "f() calls a(), b() and then c()"."""
    found = _CALLS.match(via)
    return (_further(via[found.end() :]) or ()) if found else ()


def _further(rest: str) -> tuple[str, ...] | None:
    """The names written as code that a sentence goes on with; None for "or" and "not", which ask for less or
    for something else."""
    names, length = further_names(rest)
    return names if length >= 0 else None


def further_names(rest: str) -> tuple[tuple[str, ...], int]:
    """The same with how many characters they take up; -1 where an "or" or a "not" is among them."""
    names: list[str] = []
    whole = len(rest)
    while (found := _FURTHER.match(rest)) and (found["call"] or found["quoted"] or is_code(found["callee"])):
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


def parse_list(via: str) -> tuple[str, str] | None:
    """Owner and item of a sentence of the form "KERNELS list includes rope.hip"; None for other prose.

    The item must look like a file or an identifier, not like a plain English word.
    """
    found = _LISTS.match(via)
    if found is None or not regex.search(r"[._/\d]", found["item"]):
        return None
    return found["owner"], found["item"]
