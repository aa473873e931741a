"""propose(): entries that would decide a must-have which nothing decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from rocverify.binding.catalogue import matches
from rocverify.binding.covering import uncovered
from rocverify.binding.explicit import Kinds
from rocverify.binding.infer import MAX_TRUTH, claim_of
from rocverify.binding.model import BoundMustHave, Draft, Partly
from rocverify.binding.project import Subject
from rocverify.binding.proposals.about import MOST, About
from rocverify.binding.proposals.kinds import PROPOSERS, by_contracts, by_tests
from rocverify.binding.proposals.model import Option, Proposal
from rocverify.binding.reading import Reading, code_names
from rocverify.code.search import PatternSearch
from rocverify.errors import RocverifyError
from rocverify.plan.model import KeyLink, MustHave, Plan, Truth

_SAYS_NOTHING = frozenset({"mod", "lib", "main", "index", "init", "utils", "kernels", "src"})
"""Names of files that half of all code has in it."""


def propose(
    bound: BoundMustHave, plan: Plan, subject: Subject, kinds: Kinds | None = None
) -> tuple[Proposal, ...]:
    """The proposals for a must-have without checks; none where it has some, or where the project does not
    show the parameters of any. Nothing is executed. Raises ManifestError for a malformed manifest."""
    must_have = bound.must_have
    if bound.checks or must_have.unread or len(must_have.text) > MAX_TRUTH:
        return ()
    if kinds is None:
        from rocverify.checks.registry import CHECKS

        kinds = CHECKS
    if isinstance(must_have, Truth):
        options, left = _of_truth(must_have, plan, subject)
    elif isinstance(must_have, KeyLink):
        options, left = list(_of_link(must_have, subject)), []
    else:
        return ()
    valid: list[Option] = []
    for option in options:
        if _is_valid(option, kinds) and option not in valid:
            valid.append(option)
    return tuple(_proposals(must_have, valid, left, subject))


def _of_truth(truth: Truth, plan: Plan, subject: Subject) -> tuple[list[Option], list[str]]:
    """The ways to decide it, and what of it nobody would try."""
    reading = Reading(claim_of(truth), plan, subject)
    found = matches(reading.text)
    fixed: list[Draft] = []
    ways: list[Option] = []
    doubts: list[str] = []
    for phrase, match in found:
        reading.at(match)
        built = phrase.build(reading)
        if isinstance(built, tuple):
            fixed += built
            continue
        fixed += built.drafts if isinstance(built, Partly) else ()
        reason = "; ".join(built.less) if isinstance(built, Partly) else built.reason
        proposer = PROPOSERS.get(phrase.kind)
        offered = [] if proposer is None else list(proposer(About(reading), match))
        asked = reason if phrase.owns else ""
        ways += [replace(o, doubt=o.doubt or ("" if o.answers else asked)) for o in offered]
        doubts += [] if offered else [reason]
    about = About(reading)
    if not found and about.named:
        ways = [*by_contracts("correctness", about), *by_tests(about)]
        doubts.append("no phrase of the catalogue fits: whether this check decides it is for you to judge")
    left = [f"nothing would try {word!r}" for word in reading.leftover()]
    together = [replace(o, drafts=tuple(_each_once((*fixed, *o.drafts)))) for o in ways]
    if fixed and not ways:
        together = [Option(tuple(fixed))]
    return together, [*doubts, *left, *(_other_sources(together, subject) if left else ())]


def _other_sources(options: Sequence[Option], subject: Subject) -> Iterator[str]:
    """The kernel sources that compiling would leave out: words that nothing tries may mean one of them."""
    compiled = [d for option in options for d in option.drafts if d.kind == "kernel_compiled"]
    proposed = {draft.params["source"] for draft in compiled}
    others = [k.source for k in subject.kernels if k.in_manifest and k.source not in proposed]
    if proposed and others:
        more = f" and {len(others) - MOST} more" if len(others) > MOST else ""
        yield f"other kernel sources are not proposed: {', '.join(others[:MOST])}{more}"


def _each_once(drafts: Sequence[Draft]) -> Iterator[Draft]:
    seen: list[tuple[str, Mapping[str, Any]]] = []
    for draft in drafts:
        if (draft.kind, draft.params) not in seen:
            seen.append((draft.kind, draft.params))
            yield draft


def _of_link(link: KeyLink, subject: Subject) -> Iterator[Option]:
    """A link that does not say how it shows: by a name of what it leads to, in the code where it starts."""
    if not (subject.root / link.from_path).is_file():
        return
    names = [name for _, name in code_names(link.via)]
    names += [s for kernel in subject.kernels if kernel.source == link.to_path for s in kernel.symbols]
    stem = PurePosixPath(link.to_path).stem
    names += [stem] if len(stem) > 2 and stem.strip("_") not in _SAYS_NOTHING else []
    for name in list(dict.fromkeys(names))[:MOST]:
        search = PatternSearch(name)
        if search.expression is not None and search.expression.vacuous:
            continue
        params = {"from_path": link.from_path, "to_path": link.to_path, "pattern": name}
        why = f"{name} is to stand in the code of {link.from_path}"
        yield Option((Draft("key_link", params, why),), "whether this name shows the link")


def _is_valid(option: Option, kinds: Kinds) -> bool:
    try:
        for draft in option.drafts:
            kinds[draft.kind].params.model_validate(dict(draft.params))
    except (ValidationError, RocverifyError):
        return False
    return bool(option.drafts)


def _proposals(
    must_have: MustHave, options: Sequence[Option], left: list[str], subject: Subject
) -> Iterator[Proposal]:
    seen: Counter[str] = Counter()
    for option in options:
        kind = option.drafts[-1].kind
        seen[kind] += 1
        open_words = [*left, *([option.doubt] if option.doubt else [])]
        if isinstance(must_have, Truth):
            open_words += uncovered(must_have.text, option.drafts, subject)
        leaves = tuple(dict.fromkeys(open_words))
        yield Proposal(
            id=f"{must_have.id}/{kind}{f'.{seen[kind]}' if seen[kind] > 1 else ''}",
            must_have=must_have.id,
            entries=tuple(_entry(must_have, draft) for draft in option.drafts),
            why="; ".join(dict.fromkeys(draft.why for draft in option.drafts)),
            leaves=leaves,
            certain=len(options) == 1 and not leaves,
        )


def _entry(must_have: MustHave, draft: Draft) -> dict[str, Any]:
    return {"proves": must_have.tail, "check": draft.kind, **draft.params}
