"""What is proposed for a must-have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rocverify.binding.model import Draft


@dataclass(frozen=True, slots=True)
class Option:
    """Checks that may decide a must-have together. doubt: what of them is a guess; answers: whether they have
    all that the phrase of the catalogue asked for and could not find in the words."""

    drafts: tuple[Draft, ...]
    doubt: str = ""
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """Entries to add to a plan's list for one must-have.

    `id` is `16-01/T3/correctness`, `.2` for the second of a kind; `why` says where the parameters come from;
    `leaves` what a reader has to judge: words that no check would try, guesses. `certain`: nothing is left,
    and it is the only proposal for its must-have.
    """

    id: str
    must_have: str
    entries: tuple[Mapping[str, Any], ...]
    why: str
    leaves: tuple[str, ...] = ()
    certain: bool = False
