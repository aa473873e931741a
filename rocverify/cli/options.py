"""The options that the `run` commands share, and what they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rocverify.errors import UsageError

if TYPE_CHECKING:
    from rocverify.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. None and empty mean: as the settings say."""

    root: Path | None
    device: str | None
    targets: tuple[str, ...]
    seed: int | None
    gate: str | None
    baseline: str | None
    write: bool
    json: str | None
    cache_dir: Path | None
    trust_cache: bool
    allow_flags: tuple[str, ...]
    allow_includes: tuple[Path, ...]
    allow_commands: bool
    case: str | None
    verbose: bool
    pytest_args: tuple[str, ...]

    def settings(self, root: Path, **more: Any) -> Settings:
        """The project's settings with these options on top."""
        from rocverify.settings import load_settings

        given = {
            "device": self.device,
            "targets": list(self.targets) or None,
            "seed": self.seed,
            "case": self.case,
            "gate": self.gate,
            "allow_flags": list(self.allow_flags),
            "allow_includes": [str(folder.resolve()) for folder in self.allow_includes],
            "allow_commands": self.allow_commands,
            "cache_dir": None if self.cache_dir is None else str(self.cache_dir.absolute()),
        }
        return load_settings(root, {**given, **more})


def find_root(given: Path | None) -> Path:
    """The project's root: what was given, else the nearest folder upwards with a `.planning` in it."""
    if given is not None:
        return given.resolve()
    from rocverify.roots import nearest_root

    here = Path.cwd()
    root = nearest_root(here)
    if root is not None:
        return root
    raise UsageError(
        "neither this folder nor any above it has a .planning folder",
        where=str(here),
        hint="change into the project, or give --root DIR",
    )


def phase_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The numbers of the phases here, for a shell that completes one."""
    del context, parameter
    numbers = (path.name.partition("-")[0] for path in _folders())
    return [number for number in dict.fromkeys(numbers) if number.startswith(incomplete)]


def plan_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The numbers of the plans here, for a shell that completes one."""
    del context, parameter
    names = (path.name.removesuffix("-PLAN.md") for folder in _folders() for path in folder.glob("*-PLAN.md"))
    return sorted(name for name in names if name.startswith(incomplete))


def _folders() -> list[Path]:
    from rocverify.roots import nearest_root

    root = nearest_root(Path.cwd())
    return [] if root is None else sorted((root / ".planning/phases").glob("[0-9]*"))


def root_option(function: F) -> F:
    """`--root DIR`."""
    return click.option(
        "--root",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Root of the project under verification.  [default: the nearest folder with a .planning]",
    )(function)


def device_options(function: F) -> F:
    """`--device` and `--target`."""
    function = click.option(
        "--target",
        "targets",
        metavar="GFX",
        multiple=True,
        help="Target to compile for, for example gfx1100; may be repeated, and the first one is what the "
        "emulator runs.  [default: the setting `targets`]",
    )(function)
    return click.option(
        "--device",
        type=click.Choice(["auto", "amd", "nvidia", "emulator"]),
        help="What runs the kernels; auto takes an AMD GPU if there is one, else the emulator.  "
        "[default: the setting `device`]",
    )(function)


_ALLOWING = (
    click.option(
        "--allow-flag",
        "allow_flags",
        metavar="FLAG",
        multiple=True,
        help="Let the build manifest set this compiler flag too (--allow-flag=-mllvm); may be repeated.",
    ),
    click.option(
        "--allow-include",
        "allow_includes",
        metavar="DIR",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Let sources include headers of this folder outside the project; may be repeated.",
    ),
    click.option(
        "--allow-commands",
        is_flag=True,
        help="Run the commands that plans name (builds, tests, <verify> lines): printed first, over the "
        "tree and not in it, without network where the kernel allows that. They run as you.",
    ),
)


_VERBOSE = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="A line for every check, all kernels and findings, each document that is written.",
)


def run_options(function: F) -> F:
    """Every option of a `run` command, pytest's after `--` included."""
    decorators = (
        root_option,
        device_options,
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            help="Replay the random inputs of a run, by the seed it printed.  [default: a fresh one]",
        ),
        click.option(
            "--case",
            metavar="CASE",
            help="Run this one case of a correctness check alone, as a failure printed it; such a run "
            "proves nothing.",
        ),
        click.option(
            "--gate",
            type=click.Choice(["strict", "lenient"]),
            help="lenient exits with 0 where nothing failed but something is unverified; reports say the "
            "same under both.  [default: the setting `gate`]",
        ),
        click.option(
            "--baseline",
            metavar="REF",
            help="Judge against the verdicts that a commit holds (main, HEAD~1), in its VERIFICATION "
            "documents, else in its report.json: what got better or worse is told, and only gaps that were "
            "not there make the exit code 1 or 3.",
        ),
        click.option(
            "--no-write",
            "write",
            flag_value=False,
            default=True,
            help="Write nothing into the project: no SUMMARY, no reports, no caches, no byte code.",
        ),
        click.option("--json", metavar="PATH", help="Write report.json to PATH as well; - is stdout."),
        click.option(
            "--cache-dir",
            metavar="DIR",
            type=click.Path(file_okay=False, path_type=Path),
            help="Where compiled and translated kernels are kept, inside the project or not.  [default: the "
            "setting `cache_dir`]",
        ),
        click.option(
            "--trust-cache",
            is_flag=True,
            help="Take kernels from the cache under CI too, where otherwise all are compiled anew.",
        ),
        _VERBOSE,
        *_ALLOWING,
        click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST OPTIONS]"),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function
