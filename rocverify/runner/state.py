"""What one pytest process holds for our items: settings, the context of the checks, the seed."""

from __future__ import annotations

import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rocverify.errors import CompileError, RocverifyError, UsageError
from rocverify.store.seal import in_ci

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.runner.bound import BoundPlan
    from rocverify.settings import Settings
    from rocverify.toolchain.build import BuiltObject


_KERNEL_FACTS = (
    *("vgprs", "sgprs", "vgpr_spills", "sgpr_spills", "lds_bytes", "scratch_bytes"),
    *("wavefront_size", "max_workgroup_size"),
)


_OPTIONS = (
    *("device", "targets", "gate", "cache_dir", "case"),
    *("allow_flags", "allow_includes", "allow_commands"),
)


class State:
    """One per pytest process. Nothing is loaded before the first plan is collected."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._settings: dict[Path, Settings] = {}
        self._contexts: dict[Path, CheckContext] = {}
        self._environments: dict[Path, dict[str, Any]] = {}
        self._folders = ExitStack()
        self.bound: dict[Path, BoundPlan] = {}
        self.seed = self._seed()

    def _seed(self) -> int:
        # Workers of xdist get the controller's seed, so that a run has one, however it is spread.
        given = getattr(self._config, "workerinput", {}).get("rocverify_seed")
        option: int | None = self._config.getoption("rocverify_seed")
        return next(s for s in (given, option, secrets.randbits(32)) if s is not None)

    def root_of(self, plan: Path) -> Path:
        """The root a plan belongs to: what was given, else the folder that holds its `.planning`."""
        given = self._config.getoption("rocverify_root")
        if given:
            return Path(given).resolve()
        for parent in plan.parents:
            if parent.name == ".planning":
                return parent.parent.resolve()
        raise UsageError("lies outside any .planning folder", where=str(plan), hint="give --rocverify-root")

    def settings(self, root: Path) -> Settings:
        """The project's settings with the command line's on top."""
        if root not in self._settings:
            from rocverify.settings import load_settings

            option = self._config.getoption
            given = {name: option(f"rocverify_{name}") for name in _OPTIONS}
            if given["cache_dir"] is None and in_ci():
                given["cache_dir"] = self._folders.enter_context(
                    tempfile.TemporaryDirectory(prefix="rocverify-cache-")
                )
            self._settings[root] = load_settings(root, given)
            configured = self._settings[root].seed
            if configured is not None and option("rocverify_seed") is None:
                self.seed = configured
        return self._settings[root]

    def bind(self, path: Path, root: Path) -> BoundPlan:
        """The plan at `path`, bound; parsed once for a session."""
        if path not in self.bound:
            from rocverify.runner.bound import bind_plan

            self.bound[path] = bind_plan(path, root, self.settings(root))
        return self.bound[path]

    def context(self, root: Path) -> CheckContext:
        """What checks work with: one for a process, with one device."""
        if root not in self._contexts:
            from rocverify.checks.context import CheckContext

            settings = self.settings(root)
            self._contexts[root] = CheckContext(root, settings, seed=self.seed)
        return self._contexts[root]

    def environment(self, root: Path) -> dict[str, Any]:
        """What the checks have opened so far in this process: device and toolchain, as JSON data."""
        if root not in self._contexts:
            return {}
        opened = vars(self._contexts[root])
        facts = self._environments.setdefault(root, {})
        if "device" in opened and "device" not in facts:
            facts["device"] = _described(opened["device"].info.to_json(), root)
        if "toolchain" in opened and "toolchain" not in facts:
            facts["toolchain"] = _described(opened["toolchain"].describe(), root)
        if "tracer" in opened and "code_objects" not in facts:
            facts["code_objects"] = _described(_launched(self._contexts[root]), root)
        return facts

    def close_contexts(self) -> None:
        """Closes the devices that were opened, and ends the projects' processes."""
        for context in self._contexts.values():
            context.close()
        self._contexts.clear()

    def close(self) -> None:
        """The same, and removes what this session has made for itself."""
        self.close_contexts()
        self._folders.close()


def _launched(context: CheckContext) -> list[dict[str, Any]]:
    """The code objects that launches of this process took."""
    try:
        built = context.builds(context.manifest.entries, [context.target])
    except RocverifyError:
        return []  # the checks that need them report it
    return [_code_object(entry) for entry in built if not isinstance(entry, CompileError)]


def _code_object(built: BuiltObject) -> dict[str, Any]:
    from rocverify.device.emulator.isa.occupancy import full_workgroups

    return {
        "source": built.source,
        "target": built.target,
        "code_object_sha256": built.sha256,
        "source_sha256": built.source_sha256,
        "compiler": built.compiler,
        "kernels": {
            name: {fact: getattr(kernel, fact) for fact in _KERNEL_FACTS}
            | dict(zip(("waves", "limited_by"), full_workgroups(kernel, built.target), strict=True))
            for name, kernel in built.code_object.kernels.items()
        },
    }


def _described(facts: Any, root: Path) -> Any:
    from rocverify.payload import jsonable

    return jsonable(facts, root)


_STATE = pytest.StashKey[State]()


def state_of(config: pytest.Config) -> State:
    """The state of this pytest process, made on first use."""
    if _STATE not in config.stash:
        config.stash[_STATE] = State(config)
    return config.stash[_STATE]


def started_state(config: pytest.Config) -> State | None:
    """The state, if this session has had any use for one."""
    return config.stash.get(_STATE, None)
