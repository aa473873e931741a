"""bind(): every must-have of a plan with the checks that decide it. Executes nothing."""

from __future__ import annotations

from collections import Counter

from pydantic import ValidationError

from rocverify.binding.build_commands import step_commands
from rocverify.binding.covering import uncovered
from rocverify.binding.explicit import Kinds, explicit_drafts
from rocverify.binding.infer import infer
from rocverify.binding.model import BoundMustHave, Draft, Partly, Undecided
from rocverify.binding.project import Subject
from rocverify.binding.structural import artifact_draft, key_link_draft
from rocverify.checks.base import CheckSpec
from rocverify.errors import PlanError
from rocverify.plan.model import Artifact, KeyLink, MustHave, Plan, Truth, VerifyClaim
from rocverify.plan.offers import verify_claims
from rocverify.records import SourceRef
from rocverify.settings import Settings

Sourced = list[tuple[Draft, SourceRef]]


def bind(
    plan: Plan, settings: Settings, *, kinds: Kinds | None = None, subject: Subject | None = None
) -> tuple[BoundMustHave, ...]:
    """Binds each must-have: by the plan's `rocverify:` list, else by what it says, else to nothing.

    An explicit entry replaces what would be inferred for a truth, and adds to what an artifact or key
    link asks by itself. What the words of a truth name and its entries do not try stands in `uncovered`.
    Raises PlanError for a wrong entry, ManifestError for a malformed manifest.
    kinds: the kinds of check there are (the registry's unless given); subject: the project.
    """
    if kinds is None:
        from rocverify.checks.registry import CHECKS

        kinds = CHECKS
    explicit = explicit_drafts(plan, kinds)
    subject = subject or Subject(plan.root, settings)
    bound = []
    for must_have in (*plan.must_haves, *_steps(plan, settings)):
        entries = explicit.get(must_have.id, [])
        given = [(one.draft, one.entry.source) for one in entries]
        proves = tuple(dict.fromkeys(name for one in entries for name in one.demands))
        own, less = ([], ()) if given and isinstance(must_have, Truth) else _own(must_have, plan, subject)
        if isinstance(own, Undecided) and not given:
            bound.append(BoundMustHave(must_have, (), own.reason, own.nearest))
            continue
        drafts = given if isinstance(own, Undecided) else [*own, *given]
        if given and not own:
            less = uncovered(must_have.text, [draft for draft, _ in given], subject)
        try:
            specs = _specs(must_have, drafts, kinds)
        except PlanError as error:
            if given:
                raise
            bound.append(
                BoundMustHave(must_have, (), f"{error.message}; bind it in the plan's rocverify: list")
            )
            continue
        bound.append(BoundMustHave(must_have, specs, proves=proves, uncovered=less))
    return tuple(bound)


def _steps(plan: Plan, settings: Settings) -> tuple[Truth, ...]:
    """Where commands are allowed, the steps of `<verify>` that are commands are must-haves of any plan."""
    if not settings.allow_commands or any(isinstance(one, VerifyClaim) for one in plan.must_haves):
        return ()
    claims = verify_claims(plan.number, plan.tasks)
    return tuple(claim for claim in claims if step_commands(plan, claim))


def _own(
    must_have: Truth | Artifact | KeyLink, plan: Plan, subject: Subject
) -> tuple[Sourced | Undecided, tuple[str, ...]]:
    """What the must-have's own text asks for, and what that leaves out."""
    built = (
        infer(must_have, plan, subject)
        if isinstance(must_have, Truth)
        else artifact_draft(must_have)
        if isinstance(must_have, Artifact)
        else key_link_draft(must_have)
    )
    if isinstance(built, Undecided):
        return built, ()
    less = built.less if isinstance(built, Partly) else ()
    drafts = (built,) if isinstance(built, Draft) else built.drafts if isinstance(built, Partly) else built
    return [(draft, must_have.source) for draft in drafts], less


def _specs(must_have: MustHave, drafts: Sourced, kinds: Kinds) -> tuple[CheckSpec, ...]:
    seen: Counter[str] = Counter()
    specs = []
    for draft, source in drafts:
        seen[draft.kind] += 1
        suffix = f".{seen[draft.kind]}" if seen[draft.kind] > 1 else ""
        specs.append(
            CheckSpec(
                id=f"{must_have.id}/{draft.kind}{suffix}",
                kind=draft.kind,
                must_have=must_have.id,
                params=_params(draft, must_have, kinds),
                why=draft.why,
                source=source,
            )
        )
    return tuple(specs)


def _params(draft: Draft, must_have: MustHave, kinds: Kinds) -> dict[str, object]:
    """The parameters as JSON data, once more through the schema: what was inferred needs it too."""
    try:
        model = kinds[draft.kind].params.model_validate(dict(draft.params))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise PlanError(
            f"{must_have.tail} cannot be checked by {draft.kind}: {faults}", where=str(must_have.source)
        ) from None
    params: dict[str, object] = model.model_dump(mode="json", exclude_unset=True)
    return params
