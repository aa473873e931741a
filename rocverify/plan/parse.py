"""PLAN.md to `Plan`: reads, checks, and knows the line of everything it found wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rocverify.plan.body import Body, parse_body, tasks_of
from rocverify.plan.frontmatter import Frontmatter, read_frontmatter
from rocverify.plan.identity import Identity, identity
from rocverify.plan.model import (
    Artifact,
    ExplicitCheck,
    KeyLink,
    KeyPath,
    Plan,
    Prohibition,
    Truth,
    UserSetup,
)
from rocverify.plan.offers import loose_checklist, of_body
from rocverify.plan.output import summary_path
from rocverify.plan.repair import validate
from rocverify.plan.requirements import trailing_requirements
from rocverify.plan.schema import FrontmatterModel, StatementModel
from rocverify.plan.source import read_source
from rocverify.plan.text import inner_text, labelled, references, section


def parse_plan(path: Path, root: Path) -> Plan:
    """The plan in the file `path` below `root`.

    What is not as the workflow writes it is read as far as it can be, with warnings in `Plan.warnings`.
    Raises PlanError with `path:line` for YAML that cannot be read, for a malformed `rocverify:` list, and for
    a file that is no plan at all. A plan without must-haves is judged by what its body offers.
    """
    source = read_source(path, root)
    front = read_frontmatter(source)
    model = validate(front)
    body = parse_body(source, front.body)
    return _assemble(root, front, model, body, identity(front, model, path))


def _assemble(root: Path, front: Frontmatter, model: FrontmatterModel, body: Body, named: Identity) -> Plan:
    source = body.source
    number = named.number
    tasks = tasks_of(body, number)
    verification = section(source, body.get("verification"))
    criteria = section(source, body.get("success_criteria"))
    stated = _truths(front, model, number), _prohibitions(front, model, number)
    files = _artifacts(front, model, number), _key_links(front, model, number)
    offered: tuple[Truth, ...] = ()
    if not any((*stated, *files)):
        offered = of_body(number, tasks, verification, criteria)
        offered = offered or (() if front.is_there else loose_checklist(source, number))
    if not front.is_there and not body.sections and not offered:
        raise source.error(
            "is not a plan: it has neither frontmatter nor a section nor a checklist",
            0,
            hint="a plan starts with a line ---, YAML, and a line ---",
        )
    objective = inner_text(source, body.get("objective"))
    return Plan(
        root=root.resolve(),
        path=source.path,
        phase=named.phase,
        phase_number=named.phase_number,
        number=number,
        kind=model.type,
        wave=model.wave,
        depends_on=tuple(model.depends_on),
        files_modified=tuple(model.files_modified),
        autonomous=model.autonomous,
        gap_closure=model.gap_closure,
        requirements=tuple(model.requirements),
        requirements_line=front.ref("requirements").line,
        user_setup=_user_setup(front, model),
        truths=stated[0],
        prohibitions=stated[1],
        artifacts=files[0],
        key_links=files[1],
        of_body=offered,
        explicit=_explicit(front, model),
        objective=objective,
        purpose=labelled(objective, "Purpose"),
        objective_output=labelled(objective, "Output"),
        execution_context=references(source, body.get("execution_context")),
        context=inner_text(source, body.get("context")),
        context_refs=references(source, body.get("context")),
        tasks=tasks,
        verification=verification,
        success_criteria=criteria,
        output_path=summary_path(source, body.get("output"), root, number),
        extra=dict(model.model_extra or {}),
        warnings=tuple(sorted(source.warnings, key=lambda w: w.source.line)),
    )


def _truths(front: Frontmatter, model: FrontmatterModel, plan: str) -> tuple[Truth, ...]:
    return tuple(
        Truth(**_statement(front, entry, plan, ("truths", "T"))) for entry in model.must_haves.truths
    )


def _prohibitions(front: Frontmatter, model: FrontmatterModel, plan: str) -> tuple[Prohibition, ...]:
    return tuple(
        Prohibition(**_statement(front, entry, plan, ("prohibitions", "P")))
        for entry in model.must_haves.prohibitions
    )


def _statement(
    front: Frontmatter, entry: StatementModel, plan: str, place: tuple[str, str]
) -> dict[str, Any]:
    """What a truth and a prohibition have in common; place: the list's key, and the letter of its ids."""
    key, letter = place
    return {
        "id": f"{plan}/{letter}{entry.index + 1}",
        "text": entry.statement,
        "requirements": trailing_requirements(entry.statement),
        "source": front.ref("must_haves", key, entry.index),
        "unread": entry.unread,
        "details": dict(entry.model_extra or {}),
    }


def _artifacts(front: Frontmatter, model: FrontmatterModel, plan: str) -> tuple[Artifact, ...]:
    return tuple(
        Artifact(
            id=f"{plan}/A{entry.index + 1}",
            text=f"{entry.path}: {entry.provides}" if entry.provides else entry.path,
            requirements=trailing_requirements(entry.provides),
            source=front.ref("must_haves", "artifacts", entry.index),
            unread=entry.unread,
            path=entry.path,
            provides=entry.provides,
            contains=entry.contains,
            not_contains=entry.not_contains,
            min_lines=entry.min_lines,
            exports=tuple(entry.exports),
        )
        for entry in model.must_haves.artifacts
    )


def _key_links(front: Frontmatter, model: FrontmatterModel, plan: str) -> tuple[KeyLink, ...]:
    found = []
    for entry in model.must_haves.key_links:
        way = f"{entry.from_path or '?'} -> {entry.to_path or '?'}"
        text = f"{way}: {entry.via}" if entry.via else way
        found.append(
            KeyLink(
                id=f"{plan}/L{entry.index + 1}",
                text=text if entry.from_path or entry.to_path else entry.via,
                requirements=trailing_requirements(entry.via),
                source=front.ref("must_haves", "key_links", entry.index),
                unread=entry.unread,
                from_path=entry.from_path,
                to_path=entry.to_path,
                via=entry.via,
                pattern=entry.pattern,
            )
        )
    return tuple(found)


def _explicit(front: Frontmatter, model: FrontmatterModel) -> tuple[ExplicitCheck, ...]:
    found = []
    for n, entry in enumerate(model.rocverify):
        here: KeyPath = ("rocverify", n)
        params: dict[str, Any] = dict(entry.model_extra or {})
        lines = {path[2:]: line for path, line in front.lines.items() if path[:2] == here and path[2:]}
        found.append(ExplicitCheck(n, tuple(entry.proves), entry.check, params, front.ref(*here), lines))
    return tuple(found)


def _user_setup(front: Frontmatter, model: FrontmatterModel) -> tuple[UserSetup, ...]:
    return tuple(
        UserSetup(entry.service, entry.why, dict(entry.model_extra or {}), front.ref("user_setup", n))
        for n, entry in enumerate(model.user_setup)
    )
