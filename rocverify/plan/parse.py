"""PLAN.md to `Plan`: reads, checks, and knows the line of everything it found wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rocverify.plan.body import Body, parse_body, tasks_of
from rocverify.plan.frontmatter import Frontmatter, read_frontmatter
from rocverify.plan.locate import phase_folder_of, plan_file_of
from rocverify.plan.model import (
    Artifact,
    ExplicitCheck,
    KeyLink,
    KeyPath,
    Plan,
    Truth,
    UserSetup,
)
from rocverify.plan.numbers import Number, split_phase, split_plan
from rocverify.plan.output import summary_path
from rocverify.plan.patterns import pattern_fault
from rocverify.plan.requirements import trailing_requirements
from rocverify.plan.schema import FrontmatterModel, validate
from rocverify.plan.source import read_source
from rocverify.plan.text import inner_text, labelled, references, section


def parse_plan(path: Path, root: Path) -> Plan:
    """The plan in the file `path` below `root`.

    Raises PlanError with `path:line` for anything malformed. A plan without must-haves is no error:
    it is a plan of which nothing can be verified.
    """
    source = read_source(path, root)
    front = read_frontmatter(source)
    model = validate(front)
    body = parse_body(source, front.body)
    return _assemble(root, front, model, body, _identity(front, model, path))


def _assemble(
    root: Path, front: Frontmatter, model: FrontmatterModel, body: Body, identity: tuple[str, str, str]
) -> Plan:
    source = body.source
    phase, phase_number, number = identity
    objective = inner_text(source, body.get("objective"))
    return Plan(
        root=root.resolve(),
        path=source.path,
        phase=phase,
        phase_number=phase_number,
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
        truths=_truths(front, model, number),
        artifacts=_artifacts(front, model, number),
        key_links=_key_links(front, model, number),
        explicit=_explicit(front, model),
        objective=objective,
        purpose=labelled(objective, "Purpose"),
        objective_output=labelled(objective, "Output"),
        execution_context=references(source, body.get("execution_context")),
        context=inner_text(source, body.get("context")),
        context_refs=references(source, body.get("context")),
        tasks=tasks_of(body, number),
        verification=section(source, body.get("verification")),
        success_criteria=section(source, body.get("success_criteria")),
        output_path=summary_path(source, body.get("output"), root, number),
        extra=dict(model.model_extra or {}),
    )


def _identity(front: Frontmatter, model: FrontmatterModel, path: Path) -> tuple[str, str, str]:
    """Phase name, phase number and plan number: from names and frontmatter, which must agree."""
    file, folder = plan_file_of(path.resolve()), phase_folder_of(path.resolve())
    phase = _agreed_phase(front, model, file.phase, folder)
    plan = _agreed_plan(front, model, phase, file.plan)
    name = model.phase if model.phase and split_phase(model.phase.strip()) else None
    name = name or (folder[1] if folder else str(phase))
    if folder and name == name.partition("-")[0]:
        name = folder[1]
    return name.strip(), str(phase), f"{phase}-{plan}"


def _agreed_phase(
    front: Frontmatter, model: FrontmatterModel, in_name: Number | None, folder: tuple[Number, str] | None
) -> Number:
    written = _written_phase(front, model)
    known = [n for n in (in_name, folder[0] if folder else None, written) if n is not None]
    if not known:
        raise front.error(("phase",), "is missing, and the file's name has no phase number")
    for number in known:
        if number != known[0]:
            raise front.error(
                ("phase",),
                f"is phase {written or number}, but the file's name and folder say {known[0]}"
                if written
                else f"the file's name says phase {known[0]}, its folder {number}",
                hint="correct the frontmatter, or rename the file",
            )
    return known[0]


def _written_phase(front: Frontmatter, model: FrontmatterModel) -> Number | None:
    if model.phase is None:
        return None
    named = split_phase(model.phase.strip())
    if named is None:
        raise front.error(("phase",), f"{model.phase!r} has no phase number", hint="such as 16-slug or 06.1")
    return named[0]


def _agreed_plan(
    front: Frontmatter, model: FrontmatterModel, phase: Number, in_name: Number | None
) -> Number:
    written = _written_plan(front, model, phase)
    if written and in_name and written != in_name:
        raise front.error(
            ("plan",),
            f"is plan {written}, but the file's name says {in_name}",
            hint="correct the frontmatter, or rename the file",
        )
    return in_name or written or Number((1,))


def _written_plan(front: Frontmatter, model: FrontmatterModel, phase: Number) -> Number | None:
    """`01`, or the long form `16-01`."""
    if model.plan is None:
        return None
    text = model.plan.strip()
    both = split_plan(text)
    if both and both[0] == phase:
        return both[1]
    number = Number.parse(text)
    if number is None:
        raise front.error(("plan",), f"{model.plan!r} is no plan number", hint="such as 01")
    return number


def _truths(front: Frontmatter, model: FrontmatterModel, plan: str) -> tuple[Truth, ...]:
    return tuple(
        Truth(
            f"{plan}/T{n + 1}",
            text,
            trailing_requirements(text),
            front.ref("must_haves", "truths", n),
        )
        for n, text in enumerate(model.must_haves.truths)
    )


def _artifacts(front: Frontmatter, model: FrontmatterModel, plan: str) -> tuple[Artifact, ...]:
    found = []
    for n, entry in enumerate(model.must_haves.artifacts):
        here = ("must_haves", "artifacts", n)
        _check_pattern(front, (*here, "contains"), entry.contains)
        found.append(
            Artifact(
                id=f"{plan}/A{n + 1}",
                text=f"{entry.path}: {entry.provides}" if entry.provides else entry.path,
                requirements=trailing_requirements(entry.provides),
                source=front.ref(*here),
                path=entry.path,
                provides=entry.provides,
                contains=entry.contains,
                min_lines=entry.min_lines,
                exports=tuple(entry.exports),
            )
        )
    return tuple(found)


def _key_links(front: Frontmatter, model: FrontmatterModel, plan: str) -> tuple[KeyLink, ...]:
    found = []
    for n, entry in enumerate(model.must_haves.key_links):
        here = ("must_haves", "key_links", n)
        _check_pattern(front, (*here, "pattern"), entry.pattern)
        way = f"{entry.from_path} -> {entry.to_path}"
        found.append(
            KeyLink(
                id=f"{plan}/L{n + 1}",
                text=f"{way}: {entry.via}" if entry.via else way,
                requirements=trailing_requirements(entry.via),
                source=front.ref(*here),
                from_path=entry.from_path,
                to_path=entry.to_path,
                via=entry.via,
                pattern=entry.pattern,
            )
        )
    return tuple(found)


def _check_pattern(front: Frontmatter, path: KeyPath, pattern: str | None) -> None:
    fault = pattern_fault(pattern) if pattern is not None else None
    if fault:
        raise front.error(path, fault, hint="write a regular expression that only what is meant matches")


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
