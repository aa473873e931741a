"""The plan's own `rocverify:` list: which must-have each entry proves, with which check."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from rocverify.binding.model import Draft
from rocverify.binding.structural import via_parameters
from rocverify.checks.base import CheckKind
from rocverify.errors import PlanError
from rocverify.plan.demands import criterion_number, phase_demands, plan_demands, same_demand
from rocverify.plan.frontmatter import dotted
from rocverify.plan.model import ExplicitCheck, KeyPath, MustHave, Plan
from rocverify.plan.requirements import is_requirement

Kinds = Mapping[str, CheckKind[Any]]

_ID = re.compile(r"(?:(?P<plan>[\w.]+-\w+)/)?(?P<tail>[TALPVCDS]\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Explicit:
    """What one entry binds to a must-have. `demands`: what else the entry says that the must-have proves."""

    entry: ExplicitCheck
    draft: Draft
    demands: tuple[str, ...] = ()


def explicit_drafts(plan: Plan, kinds: Kinds) -> dict[str, list[Explicit]]:
    """The drafts of the plan's `rocverify:` list, by the id of the must-have they prove.

    An entry may name requirements and success criteria of the phase (`SC-1`) beside its must-haves. PlanError
    with line and key path for an unknown kind, wrong parameters, or a `proves` that names no must-have or
    several.
    """
    found: dict[str, list[Explicit]] = {}
    for entry in plan.explicit:
        params = _validated(entry, _kind(entry, kinds))
        demands = tuple(name for name in entry.proves if _is_demand(plan, name))
        named = [name for name in entry.proves if name not in demands]
        if not named:
            raise _error(
                entry,
                ("proves",),
                f"{', '.join(demands)}: no must-have is named beside it",
                f"name the must-have that proves it too: proves: [T1, {demands[0]}]",
            )
        for proves in named:
            must_have = _proved(plan, entry, proves)
            why = f"bound by rocverify[{entry.index}] on line {entry.source.line} (proves {proves!r})"
            draft = Draft(entry.check, params, why)
            found.setdefault(must_have.id, []).append(Explicit(entry, draft, demands))
    return found


def _is_demand(plan: Plan, proves: str) -> bool:
    """Whether it is something that the phase is asked for, and no must-have of the plan is meant by it."""
    if not is_requirement(proves) or (criterion_number(proves) is None and _candidates(plan, proves)):
        return False
    asked = (*phase_demands(plan.root, plan.phase_number), *plan_demands(plan))
    return any(same_demand(proves, demand.id) for demand in asked)


def _error(entry: ExplicitCheck, keys: KeyPath, message: str, hint: str | None = None) -> PlanError:
    path = dotted(("rocverify", entry.index, *keys))
    return PlanError(f"{path}: {message}", where=str(entry.at(*keys)), hint=hint)


def _kind(entry: ExplicitCheck, kinds: Kinds) -> CheckKind[Any]:
    if entry.check not in kinds:
        close = difflib.get_close_matches(entry.check, list(kinds), n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        raise _error(
            entry,
            ("check",),
            f"there is no check kind {entry.check!r}",
            f"{meant}the kinds are: {', '.join(sorted(kinds))}",
        )
    return kinds[entry.check]


def _validated(entry: ExplicitCheck, kind: CheckKind[Any]) -> dict[str, Any]:
    """The entry's parameters by the schema's names, checked against it."""
    fields = kind.params.model_fields
    written: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key, value in entry.params.items():
        name = _field_of(key, fields)
        if name in written:
            raise _error(entry, (key,), f"says the same as {written[name]!r}")
        written[name] = key
        values[name] = [value] if name == f"{key}s" and not isinstance(value, list) else value
    try:
        kind.params.model_validate(values)
    except ValidationError as error:
        raise _schema_error(entry, kind, error, written) from None
    return via_parameters(values) if kind.name == "key_link" else values


def _field_of(key: str, fields: Mapping[str, Any]) -> str:
    """The parameter that a key means: itself, the list of which it is one (`symbol`), or `from` for
    `from_path`, as must-haves write it."""
    return next((name for name in (key, f"{key}s", f"{key}_path") if name in fields), key)


def _schema_error(
    entry: ExplicitCheck, kind: CheckKind[Any], error: ValidationError, written: Mapping[str, str]
) -> PlanError:
    faults = []
    for fault in error.errors():
        head, *rest = fault["loc"] or ("",)
        keys: KeyPath = (written.get(str(head), str(head)), *rest)
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            text = f"is not a parameter of {kind.name}"
        faults.append(_error(entry, keys, text, f"the parameters are: {', '.join(kind.params.model_fields)}"))
    first, *more = faults
    message = first.message + "".join(f"\n  {f.where}: {f.message}" for f in more)
    return PlanError(message, where=first.where, hint=first.hint)


def _proved(plan: Plan, entry: ExplicitCheck, proves: str) -> MustHave:
    candidates = _candidates(plan, proves)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        listed = "; ".join(f"{m.tail}: {m.text}" for m in candidates)
        raise _error(entry, ("proves",), f"{proves!r} fits several must-haves: {listed}", "give T1, A2 or L3")
    there = ", ".join(m.tail for m in plan.must_haves) or "none"
    raise _error(
        entry,
        ("proves",),
        f"{proves!r} names no must-have of this plan (there is: {there})",
        "give a requirement id, T1, A2, L3, or the first words of a truth",
    )


def _candidates(plan: Plan, proves: str) -> list[MustHave]:
    identity = _ID.fullmatch(proves)
    if identity and identity["plan"] in (None, plan.number):
        return [m for m in plan.must_haves if m.tail == identity["tail"]]
    if is_requirement(proves):
        # A requirement is a truth first; artifacts and links may repeat its id.
        truths: list[MustHave] = [t for t in plan.truths if proves in t.requirements]
        return truths or [m for m in plan.must_haves if proves in m.requirements]
    words = " ".join(proves.lower().split())
    texts = [(truth, truth.text.lower()) for truth in plan.truths]
    exact: list[MustHave] = [truth for truth, text in texts if text == words]
    return exact or [truth for truth, text in texts if _starts_with(text, words)]


def _starts_with(text: str, words: str) -> bool:
    return text.startswith(words) and not text[len(words) : len(words) + 1].isalnum()
