"""Checks for truths about builds and test runs: which command decides them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.reading import Reading
from rocverify.binding.verify_steps import command_lines
from rocverify.plan.model import Plan, Truth

TOOLS = r"(?:cargo|ctest|cmake|make|ninja|meson|pytest|python3?|bash|sh|\./[\w./-]+|[\w./-]+\.sh)"
_KNOWN = re.compile(rf"(?:\w+=\S+\s+)*(?:cd\s+\S+\s*&&\s*)?{TOOLS}(?=\s|\Z)")
_TESTING = re.compile(r"\b(?:cargo\s+(?:\+\S+\s+)?(?:test|nextest)|ctest|pytest)\b")
_BUILDING = re.compile(
    r"\b(?:cargo\s+(?:\+\S+\s+)?(?:build|check|clippy|test)|make|ninja|cmake\s+--build|meson\s+compile)\b"
)
_ALWAYS = re.compile(r"(?:\|\||;)\s*(?:true|:|exit\s+0)\s*(?:#.*)?\Z")
_NO_GPU = r"\b(?:without\s+a\s+(?:GPU|device)|with\s+(?:the\s+|all\s+)?(?:GPUs?|devices?)\s+hidden)\b"
_NO_WARNING = r"\b(?:without|with\s+no|with\s+zero|and\s+(?:has|gives)\s+no)\s+(?:compiler\s+)?warnings?\b"
_AFTER = r"\bafter\s+(?:the|this|these|each|every)\s+(?:change|changes|refactoring|migration|update)\b"


def is_command(line: str) -> bool:
    """Whether a text begins with a tool, a script or a program by its path."""
    return _KNOWN.match(line) is not None


def step_commands(plan: Plan, claim: Truth) -> tuple[str, ...]:
    """The commands that a step of `<verify>` consists of; empty where it has other words."""
    steps = (step for task in plan.tasks for step in task.verify if step.source == claim.source)
    return next((command_lines(step) for step in steps), ())


def of_step(lines: tuple[str, ...]) -> Built:
    """A step of `<verify>` as it stands."""
    params: dict[str, Any] = {"run": list(lines)}
    if any(_TESTING.search(line) for line in lines):
        params["gpu"] = "emulated"
    return _commanded(params, "the step is a command")


def _commanded(params: dict[str, Any], why: str) -> Built:
    always = next((line for line in params["run"] if _ALWAYS.search(line)), "")
    if always:
        return Undecided(f"{always!r} could not fail; leave out what makes it succeed whatever happens")
    return (Draft("command", params, why),)


def passes(reading: Reading) -> Built:
    """ "`cargo test` passes", "ctest succeeds"."""
    line = reading.group("quoted") or reading.group("plain")
    if not _KNOWN.match(line):
        return Undecided(f"{line!r} may not be a command; bind command with run: [{line!r}]")
    params: dict[str, Any] = {"run": [line]}
    if reading.take(_NO_GPU):
        params["gpu"] = "hidden"
    elif _TESTING.search(line):
        params["gpu"] = "emulated"
    if reading.take(_NO_WARNING):
        params["no_warnings"] = ["all"]
    return _commanded(params, "the truth names the command")


def no_warnings(reading: Reading) -> Built:
    """ "No warnings of class X remain", by the build that the plan names."""
    names = re.findall(r"[A-Za-z][\w:=-]*", reading.group("classes"))
    names = [name for name in names if name.lower() not in ("and", "or")]
    build = next(_plan_lines(reading.plan, _BUILDING), None) or _build_of(reading)
    if build is None:
        return Undecided(
            "neither the plan's <verify> lines nor the project say how it is built; "
            f"bind command with run and no_warnings: {names or ['all']}"
        )
    params = {"run": [build], "no_warnings": [name.removeprefix("-W") for name in names] or ["all"]}
    return _commanded(params, f"{build!r} builds the project")


def build_with_feature(reading: Reading) -> Built:
    """ "The build script makes HSACO files when feature F is on": files that the build must write."""
    feature = reading.group("feature")
    if feature not in _features(reading):
        return Undecided(
            f"Cargo.toml has no feature {feature}; bind command with run: [...] and writes: ['*.hsaco']"
        )
    params = {"run": [f"cargo build --features {feature}"], "writes": ["*.hsaco"]}
    return _commanded(params, f"Cargo.toml has the feature {feature}")


def build_without_feature(reading: Reading) -> Built:
    """ "The build stays intact with feature F off"."""
    feature, features = reading.group("feature"), _features(reading)
    if feature not in features:
        return Undecided(f"Cargo.toml has no feature {feature}; bind command with run: [...]")
    line = "cargo build --no-default-features" if feature in features.get("default", ()) else "cargo build"
    return _commanded({"run": [line]}, f"so {feature} of Cargo.toml is off")


def build_succeeds(reading: Reading) -> Built:
    """ "The build succeeds", by the build that the plan names, else by the project's."""
    build = next(_plan_lines(reading.plan, _BUILDING), None) or _build_of(reading)
    if build is None:
        return Undecided(
            "neither the plan's <verify> lines nor the project say how it is built; bind command with run"
        )
    params: dict[str, Any] = {"run": [build]}
    if reading.take(_NO_WARNING):
        params["no_warnings"] = ["all"]
    return _commanded(params, f"{build!r} builds the project")


def skips(reading: Reading) -> Built:
    """ "Tests skip without a GPU": the tests, with devices hidden."""
    line = next(_plan_lines(reading.plan, _TESTING), None) or _test_of(reading)
    if line is None:
        return Undecided("it does not say which tests; bind command with run, gpu: hidden, min_skipped: 1")
    params: dict[str, Any] = {"run": [line], "gpu": "hidden"}
    # a test of Cargo's that has nothing to run on can only return: there is no skipping at run time
    params |= {"max_skipped": 100_000} if "cargo" in line else {"min_skipped": 1}
    return _commanded(params, f"{line!r} runs the tests")


def project_tests(reading: Reading) -> Built:
    """The tests of a project whose plan names none in Python: Cargo's or CTest's, on the emulated GPU."""
    line = next(_plan_lines(reading.plan, _TESTING), None) or _test_of(reading)
    if line is None:
        return Undecided(
            "neither the truth nor an artifact of the plan names a test file; "
            "bind tests_pass with nodes: [path/to/test_file.py], or command with run: [...]"
        )
    return _commanded({"run": [line], "gpu": "emulated"}, f"{line!r} runs the project's tests")


def take_change(reading: Reading) -> None:
    """ "... after the change" adds nothing: the tree is as it is now."""
    reading.take(_AFTER)


def _plan_lines(plan: Plan, wanted: re.Pattern[str]) -> Iterator[str]:
    """The plan's own `<verify>` lines of a kind, without what hides their exit status."""
    for task in plan.tasks:
        for step in task.verify:
            for line in command_lines(step):
                if wanted.search(line) and "|" not in line and ";" not in line:
                    yield line


def _features(reading: Reading) -> dict[str, list[str]]:
    try:
        found = tomllib.loads(reading.subject.text("Cargo.toml")).get("features", {})
    except tomllib.TOMLDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _build_of(reading: Reading) -> str | None:
    if reading.subject.text("Cargo.toml"):
        return "cargo build"
    if reading.subject.text("CMakeLists.txt"):
        return "cmake -S . -B build-verify && cmake --build build-verify"
    return None


def _test_of(reading: Reading) -> str | None:
    if reading.subject.text("Cargo.toml"):
        return "cargo test"
    if "enable_testing" in reading.subject.text("CMakeLists.txt"):
        return "cmake -S . -B build-verify && cmake --build build-verify && ctest --test-dir build-verify"
    return None
