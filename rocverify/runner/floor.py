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


def below_floor(text: str, results: Iterable[CheckResult]) -> list[str]:
    """The shortfalls that remain, in words. text: of the must-have."""
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
