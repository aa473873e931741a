"""What of a must-have stays below the floor of `rocverify.oracle.floor`, though every check passed.

A check says what it did not try; another check of the same must-have on the same contract may have tried it,
and the must-have's own words may ask for no more: "in float32", "at max_seq_len".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rocverify.records import CheckResult

_TYPE_WORDS = re.compile(
    r"\b(?:(?:b?f(?:loat)?|fp|int|uint|i|u)(?:8|16|32|64)|bfloat16|bf16|half|single|double)\b", re.I
)

_EVERY_SIZE = re.compile(
    r"\b(?:any|all|every|each|arbitrary|whatever)\W+(?:\w+\W+){0,2}?(?:sizes?|lengths?|shapes?|dimensions?)\b"
    r"|\bhowever\s+(?:large|long|many)\b|\b(?:large|huge|very\s+long)\s+(?:\w+\s+)?"
    r"(?:arrays?|tensors?|inputs?|buffers?|sizes?|sequences?|matri(?:x|ces)|shapes?)\b"
    r"|\b(?:64|32|31)[\s-]?bit\s+(?:index|indices|indexing|offsets?)\b|\bno\s+(?:size\s+)?limit\b"
    r"|\b[24]\s?Gi?B\b|\b2\s?(?:\*\*|\^)\s?3[12]\b",
    re.I,
)
"""Claims that sizes which no case can reach would have to bear out."""

_BOUNDED = re.compile(
    r"\b(?:up\s+to|at\s+most|below|under|within)\s+\d|\d\s*(?:to|through|and|-|\.\.+)\s*\d", re.I
)
"""Sizes up to a number that is named: that number must be covered as any other."""


def below_floor(text: str, results: Iterable[CheckResult]) -> list[str]:
    """The shortfalls that remain, in words. text: of the must-have."""
    found = _of_floor(text, results := list(results))
    if not _EVERY_SIZE.search(text) or _BOUNDED.search(text):
        return found
    sizes = [result.evidence.get("sizes_not_tried") for result in results]
    return [*found, *(f"{words}" for some in sizes if isinstance(some, list) for words in some)]


def _of_floor(text: str, results: Iterable[CheckResult]) -> list[str]:
    contracts: dict[str, list[Mapping[tuple[str, str], Mapping[str, Any]]]] = {}
    for result in results:
        below = result.evidence.get("below_floor")
        if isinstance(below, list):
            named = {(str(entry["what"]), str(entry["name"])): entry for entry in below}
            contracts.setdefault(str(result.evidence.get("contract")), []).append(named)
    return [
        f"{contract.rpartition(':')[2]}: {entry['text']}"
        for contract, checks in contracts.items()
        for key, entry in checks[0].items()
        if all(key in others for others in checks[1:])
        and not _asked_for(text, key, [others[key] for others in checks])
    ]


def _asked_for(text: str, key: tuple[str, str], entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the words limit themselves to what was tried."""
    what, name = key
    if what == "types":
        return bool(_TYPE_WORDS.search(text))
    if what != "dims":
        return False
    tried = {int(length) for entry in entries for length in entry["tried"]}
    named = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None
    numbers = {int(digits.replace(",", "")) for digits in re.findall(r"\d[\d,]*", text) if digits.strip(",")}
    numbers |= {1} if re.search(r"\b(?:single|one)\b", text, re.I) else set()
    # Checks of one must-have that pin a dimension to several lengths have varied it between them.
    return named or len(tried) > 1 or tried <= numbers
