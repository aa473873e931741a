"""From the plain sentence of a truth to drafts of checks, or the reason why there are none."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from rocverify.binding import build_commands
from rocverify.binding.build_commands import step_commands
from rocverify.binding.catalogue import matches, nearest
from rocverify.binding.model import Answer, Draft, Partly, Undecided
from rocverify.binding.project import Subject
from rocverify.binding.reading import Reading
from rocverify.binding.vocabulary import types_in
from rocverify.plan.model import Plan, Prohibition, Truth, VerifyClaim

MAX_TRUTH = 1_000
"""Characters of a truth that are searched for phrases, so that no text can keep the search busy."""

_MERGED = ("allow_uploads", "forbid")
"""Lists that several phrases of one truth add to: "overhead is eliminated - no to_host_vec"."""


def infer(truth: Truth, plan: Plan, subject: Subject) -> Answer:
    """The checks for a truth. Undecided unless every word of it that carries meaning was used; `Partly` where
    a phrase says what no check of the project would see."""
    if truth.unread:
        return Undecided(f"the entry cannot be checked: {truth.unread}")
    if len(truth.text) > MAX_TRUTH:
        return Undecided(f"{len(truth.text)} characters are not a sentence; {_advice(truth)}")
    if isinstance(truth, VerifyClaim) and (lines := step_commands(plan, truth)):
        return build_commands.of_step(lines)
    reading = Reading(claim_of(truth), plan, subject)
    drafts: list[Draft] = []
    less: list[str] = []
    for phrase, match in matches(reading.text):
        reading.at(match)
        built = phrase.build(reading)
        if isinstance(built, Undecided):
            left = reading.leftover()
            left = [word for word in left if not types_in(word)]
            unknown = f" (nothing known is called {', '.join(left)})" if left else ""
            return Undecided(
                f"recognised {match[0].strip()!r} (phrase {phrase.name}), but {built.reason}{unknown}"
            )
        if isinstance(built, Partly):
            less += built.less
            built = built.drafts
        why = f"inferred from {match[0].strip()!r} (phrase {phrase.name})"
        drafts += [replace(draft, why=f"{why}: {draft.why}") for draft in built]
    if not drafts and less:
        return Undecided("; ".join(less))
    if not drafts:
        return Undecided(f"no phrase of the catalogue fits; {_advice(truth)}", _nearest(truth))
    left = reading.leftover()
    if left:
        return Undecided(
            f"recognised a part, but nothing would decide {' '.join(left)!r}; say it in a truth of its own, "
            f"or {_advice(truth)}"
        )
    return Partly(_merged(drafts), tuple(dict.fromkeys(less))) if less else _merged(drafts)


_NEGATION = re.compile(
    r"\b(?:not|no|never|none|without|cannot|can't|don't|doesn't|mustn't|avoid|forbidden|neither|nor)\b",
    re.IGNORECASE,
)


def claim_of(truth: Truth) -> str:
    """What is claimed: of a prohibition, that what it names is not so, whether or not it says the word."""
    if isinstance(truth, Prohibition) and not _NEGATION.search(truth.text):
        return f"must not: {truth.text}"
    return truth.text


def _nearest(truth: Truth) -> str:
    phrase = nearest(truth.text)
    return f"{phrase.example!r} (phrase {phrase.name}, binds {phrase.kind})"


def _advice(truth: Truth) -> str:
    return f"bind it in the plan's frontmatter: rocverify: [{{proves: {truth.tail}, check: ..., ...}}]"


def _merged(drafts: list[Draft]) -> tuple[Draft, ...]:
    """Each check once; lists that phrases add to are joined."""
    found: dict[str, Draft] = {}
    for draft in drafts:
        rest = {k: v for k, v in draft.params.items() if k not in _MERGED}
        key = f"{draft.kind} {rest!r}"
        found[key] = _joined(found[key], draft) if key in found else draft
    return tuple(found.values())


def _joined(first: Draft, second: Draft) -> Draft:
    params: dict[str, Any] = {**second.params, **first.params}
    for name in _MERGED:
        both = [*first.params.get(name, ()), *second.params.get(name, ())]
        if both:
            params[name] = list(dict.fromkeys(both))
    return replace(first, params=params)
