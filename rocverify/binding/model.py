"""What binding produces: each must-have with the checks that decide it, or the reason why none does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rocverify.checks.base import CheckSpec
from rocverify.plan.model import Artifact, KeyLink, Truth


@dataclass(frozen=True, slots=True)
class BoundMustHave:
    """A must-have and its checks. `reason` explains empty `checks`, else it is empty.

    `nearest` is the phrase of the catalogue that came closest to a truth which none fits. `proves` are the
    requirements and success criteria that entries of the plan's list name beside it. `uncovered` says what
    its text names and its checks do not try: with it, the must-have is not verified however they end.
    """

    must_have: Truth | Artifact | KeyLink
    checks: tuple[CheckSpec, ...]
    reason: str = ""
    nearest: str = ""
    proves: tuple[str, ...] = ()
    uncovered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A check before its parameters were validated; `why` says how it came about."""

    kind: str
    params: Mapping[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Why a must-have gives no check, with what to do; `nearest` as in `BoundMustHave`."""

    reason: str
    nearest: str = ""


Built = tuple[Draft, ...] | Undecided


@dataclass(frozen=True, slots=True)
class Partly:
    """Checks that decide a part of what is said; `less` says what they leave out (`uncovered` of
    `BoundMustHave`)."""

    drafts: tuple[Draft, ...]
    less: tuple[str, ...]


Answer = Built | Partly
"""What a phrase of a truth comes to."""
