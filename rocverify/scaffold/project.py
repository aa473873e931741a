"""A project's beginnings for rocverify: settings, contracts, a first plan, what git ignores, a page for
whoever writes plans. Nothing that is there is changed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rocverify.binding.project import Contract, Subject
from rocverify.binding.proposals import propose
from rocverify.checks.registry import CHECKS
from rocverify.code.index import CodeIndex
from rocverify.device.by_hand.workspace import Workspace
from rocverify.errors import CompilerNotFoundError, PlanError, RocverifyError, ToolchainError, UsageError
from rocverify.plan.folders import PHASES, folders, plan_files
from rocverify.plan.locate import active_phases
from rocverify.runner.bound import BoundPlan, bind_plans
from rocverify.scaffold.bindings import add_entries
from rocverify.scaffold.ignored import ignore_lines
from rocverify.scaffold.layout import Layout, kernels_of, look, unread_sources
from rocverify.scaffold.modules import Begun, Contracts, module_of, write_module
from rocverify.scaffold.render import render
from rocverify.scaffold.steps import State, Step, Writer
from rocverify.settings import Settings, load_settings
from rocverify.subject.host.python_path import source_folders

SETTINGS = "rocverify.toml"
PAGE = ".planning/ROCVERIFY.md"
_SHOWN = ("targets", "manifest", "kernel_globs", "host_globs", "contract_globs", "gate")
"""Settings that a new file lists, those with the default as comments."""


@dataclass
class Project:
    """Begins one project, in steps. target: what its kernels are compiled for to read their metadata."""

    root: Path
    writer: Writer
    target: str | None = None
    _layout: Layout | None = field(default=None, init=False)
    _entries: list[dict[str, Any]] = field(default_factory=list, init=False)
    _places: list[str] = field(default_factory=list, init=False)

    def steps(self) -> Iterator[Step]:
        """Does it all, and says what became of each file. Raises UsageError for settings or a build manifest
        that are wrong, for a project without kernels, and where something cannot be written."""
        if not self.kernels:
            raise UsageError(
                "no source of this project defines a kernel (a __global__ function)",
                where=str(self.root),
                hint="write one, for example kernels/add.hip, or name the project with --root DIR",
            )
        yield self._settings_step()
        yield from self._contract_steps()
        yield from self._plan_steps()
        yield from ignore_lines(self.root, self.settings, self.writer)
        page = render(
            "ROCVERIFY.md.j2", kinds={name: list(k.params.model_fields) for name, k in CHECKS.items()}
        )
        yield self.writer.new(PAGE, page, "how to write must-haves that execute")

    @cached_property
    def settings(self) -> Settings:
        """Those that are there, else those that the layout asks for."""
        if self._has_settings():
            return load_settings(self.root)
        self._layout = look(self.root)
        return self._layout.settings

    @cached_property
    def kernels(self) -> tuple[str, ...]:
        """The kernel sources that the settings name, relative to the root."""
        return kernels_of(self.root, self.settings)

    def _has_settings(self) -> bool:
        if (self.root / SETTINGS).exists():
            return True
        project = self.root / "pyproject.toml"
        try:
            data = tomllib.loads(project.read_text(encoding="utf-8")) if project.is_file() else {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            return True  # what is wrong with it is for the settings' reader to say
        return "rocverify" in data.get("tool", {})

    def _settings_step(self) -> Step:
        if self._layout is None:
            name = SETTINGS if (self.root / SETTINGS).exists() else "pyproject.toml"
            return Step(name, State.KEPT, "has the settings already")
        values = self._layout.settings.model_dump(mode="json")
        text = render(
            "rocverify.toml.j2",
            settings=[(name, values[name]) for name in _SHOWN],
            changed=self._layout.values,
            folders=source_folders(self.root),
            other_targets=self._layout.other_targets,
        )
        kernels = f"{len(self.kernels)} kernel source{'' if len(self.kernels) == 1 else 's'}"
        return self.writer.new(SETTINGS, text, f"settings for {kernels}")

    # -- contracts -------------------------------------------------------------------------------------

    def _contract_steps(self) -> Iterator[Step]:
        code = CodeIndex(self.root, self.settings)
        known = Subject(self.root, self.settings).contracts
        workspace = Workspace.of(self.root, self.settings, keep=not self.writer.dry)
        contracts = Contracts(self.root, self.settings, workspace, self.target)
        for source in unread_sources(self.root, code, self.kernels):
            yield Step(source, State.LEFT, "it says __global__, and no kernel of it could be read")
        for source in self.kernels:
            self._compiled(source, code)
            mine = [contract for contract in known if contract.source == source]
            if mine:
                yield self._kept(source, code, mine)
                self._entries += [e for c in mine if c.symbols for e in _truths(c.symbols[0], c.ref)]
                continue
            try:
                yield from self._begun(contracts.place_of(source, code), contracts.begin(source, code))
            except CompilerNotFoundError as error:
                yield Step("contracts", State.LEFT, _said(error))
                return
            except (ToolchainError, UsageError) as error:
                yield Step(source, State.LEFT, f"no contract of it was begun: {_said(error)}")

    def _compiled(self, source: str, code: CodeIndex) -> None:
        kernels = [f"`{name}`" for name in code.kernels(source)]
        words = " and ".join(filter(None, (", ".join(kernels[:-1]), *kernels[-1:])))
        if kernels:
            truth = f"{words} {'is' if len(kernels) == 1 else 'are'} compiled"
            self._entries.append({"truth": truth, "check": {"check": "kernel_compiled", "source": source}})

    def _kept(self, source: str, code: CodeIndex, contracts: list[Contract]) -> Step:
        """A source that has contracts. Where their symbols are computed, they may be of any kernel."""
        symbols = [symbol for contract in contracts for symbol in contract.symbols]
        shown = all(contract.symbols for contract in contracts)
        lacking = [n for n in code.kernels(source) if shown and not any(n in symbol for symbol in symbols)]
        if not lacking:
            return Step(source, State.KEPT, f"has its contracts: {', '.join(c.ref for c in contracts)}")
        hint = f"rocverify contract new {source} --kernel {lacking[0]} --output PATH"
        return Step(source, State.LEFT, f"no contract of {', '.join(lacking)}; begin it with: {hint}")

    def _begun(self, name: str, begun: Begun) -> Iterator[Step]:
        module = module_of(self.root, name)
        if (self.root / name).exists():
            yield Step(name, State.LEFT, f"is there already, and has no contract of {begun.source}")
            return
        number = len(begun.skeletons)
        note = f"{number} contract{'' if number == 1 else 's'}, {len(begun.doubts)} lines marked CHECK"
        yield from write_module(self.writer, name, begun.text, note)
        self._places.append(name)
        for skeleton in begun.skeletons:
            self._entries += _truths(skeleton.kernel, f"{module}:{skeleton.name}")

    # -- plans -----------------------------------------------------------------------------------------

    def _plan_steps(self) -> Iterator[Step]:
        there = [file.path for folder in folders(self.root) for file in plan_files(folder.path)]
        if there:
            yield from self._bindings(len(there))
            return
        taken = {folder.path.name.partition("-")[0].lstrip("0") for folder in folders(self.root)}
        number = next(f"{n:02}" for n in range(1, 1000) if str(n) not in taken)
        phase = f"{number}-kernels"
        text = render(
            "PLAN.md.j2",
            phase=phase,
            number=f"{number}-01",
            entries=self._entries,
            places=self._places,
            page=PAGE,
        )
        yield self.writer.new(f"{PHASES.as_posix()}/{phase}/{number}-01-PLAN.md", text, "a first plan")

    def _bindings(self, number: int) -> Iterator[Step]:
        """Entries for the active plans, where a must-have has no check and one leaves nothing to judge."""
        refused: list[PlanError] = []
        entries: dict[str, list[Mapping[str, Any]]] = {}
        open_ones = 0
        for bound in self._bound(refused):
            subject = bound.subject or Subject(self.root, self.settings)
            for one in (one for one in bound.must_haves if not one.checks):
                certain = [p for p in propose(one, bound.plan, subject) if p.certain]
                open_ones += not certain
                for proposal in certain:
                    entries.setdefault(bound.plan.path, []).extend(proposal.entries)
        yield from add_entries(self.writer, entries)
        for error in refused:
            yield Step(error.where or PHASES.as_posix(), State.LEFT, error.message)
        count = f"{number} plan{'' if number == 1 else 's'}"
        more = f"; no check decides {open_ones} must-haves of them, see `rocverify bind`" if open_ones else ""
        yield Step(PHASES.as_posix(), State.KEPT, f"has {count}{more}")

    def _bound(self, refused: list[PlanError]) -> tuple[BoundPlan, ...]:
        paths = [path for phase in active_phases(self.root) for path in phase.plans]
        try:
            return bind_plans(paths, self.root, self.settings, refused)
        except PlanError as error:  # the last of them: no plan can be read
            refused.append(error)
            return ()


def _truths(kernel: str, contract: str) -> list[dict[str, Any]]:
    return [
        {"truth": f"`{kernel}` gives what its reference gives", "check": _check("correctness", contract)},
        {"truth": f"`{kernel}` is memory safe", "check": _check("memory_safety", contract)},
    ]


def _check(kind: str, contract: str) -> dict[str, str]:
    return {"check": kind, "contract": contract}


def _said(error: RocverifyError) -> str:
    """An error in one line."""
    text = f"{error.where}: {error.message}" if error.where else error.message
    return f"{text} ({error.hint})" if error.hint else text
