"""What changed since the verdict that a document holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rocverify.records import MustHaveVerdict
from rocverify.report.earlier import table_rows
from rocverify.report.model import PlanReport

_SHOWN = 10


def verdicts_of(before: str) -> dict[str, MustHaveVerdict]:
    """The verdicts in the table of a SUMMARY's generated block, by the end of their ids: `T1`."""
    found: dict[str, MustHaveVerdict] = {}
    for row in table_rows(before):
        word = row.get("Verdict", "")
        if row.get("") and "Must-have" in row and word in [*MustHaveVerdict]:
            found[row[""]] = MustHaveVerdict(word)
    return found


def changes(before: str, completed: str, part: PlanReport) -> list[str]:
    """What is told of the last verdict. before: the generated block that the document has now, empty without
    one; completed: the day of that."""
    known = verdicts_of(before)
    if not known:
        return ["This is the first verdict on this plan."]
    since = f"the verdict of {completed}" if completed else "the last verdict"
    found = list(_changed(known, part))
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return [*found[:_SHOWN], *more] or [f"No verdict changed since {since}."]


def _changed(known: Mapping[str, MustHaveVerdict], part: PlanReport) -> Iterator[str]:
    now = {must_have.id.rpartition("/")[2]: must_have.verdict for must_have in part.must_haves}
    for name, verdict in now.items():
        if name not in known:
            yield f"{name} is new: {verdict}"
        elif known[name] is not verdict:
            yield f"{name} was {known[name]}, and is {verdict} now"
    gone: Sequence[str] = [name for name in known if name not in now]
    if gone:
        yield f"no longer in the plan: {', '.join(gone)}"
