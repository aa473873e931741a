"""`rocverify exec PROGRAM`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rocverify.cli import environment
from rocverify.errors import (
    CodeObjectError,
    DeviceError,
    EnvironmentFaultError,
    ExitCode,
    ToolchainError,
    UsageError,
)

if TYPE_CHECKING:
    from rocverify.device.process.execution import Execution

DEFAULT_TIMEOUT_S = 300.0
EXIT_CODES = """\b
Exit codes:
    as the program's; 128 and the signal's number if a signal ended it. Where the program ended with 0:
    1  something was found: by the sanitizer, a fault of a kernel; or no kernel ran and --require-launch
       was given
    3  the emulator lacks something that a kernel needs, so that the result says nothing
  and before the program runs:
    2  it cannot: no such program, not executable, linked statically with HIP, built for other targets,
       another HIP library found first, no room for a socket or shared memory; or --trace cannot be
       written
    3  there is no compiler here, or the device is absent
    4  rocverify itself broke
"""


@click.command(
    "exec",
    help="Run a HIP program, unmodified, on an emulated GPU (or a real one), and say what it did.\n\n"
    "The program and all its children get rocverify's libamdhip64, libhiprtc, libhipblas and librocblas, "
    "whatever their language. Nothing of them has to be built anew, but for the target: what the program "
    "holds device code for. Options come before PROGRAM; what follows it is the program's.",
    epilog=EXIT_CODES,
    context_settings={"allow_interspersed_args": False},
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] PROGRAM [ARGS]...")
@click.option("--sanitize", is_flag=True, help="Find races, undefined values and mistakes of the host.")
@click.option("--strict", is_flag=True, help="The same, and lanes do not run in lockstep.")
@click.option(
    "--trace", metavar="FILE", type=click.Path(path_type=Path), help="Write every HIP call, as JSON."
)
@click.option("--counters", is_flag=True, help="Count exactly what each kernel does.")
@click.option(
    "--order",
    type=click.Choice(["eager", "lazy", "shuffled"]),
    default="eager",
    help="When queued work is done: as soon as possible, when something waits for it, or as a seed decides. "
    "The latter two show what lacks a synchronisation.  [default: eager]",
)
@click.option("--seed", type=click.IntRange(0), help="Decides what `shuffled` does when.  [default: drawn]")
@click.option("--target", metavar="GFX", help="What the emulated GPU is.  [default: the setting `targets`]")
@click.option(
    "--device",
    type=click.Choice(["auto", "amd", "nvidia", "emulator"]),
    help="auto takes an AMD GPU if there is one.  [default: the setting `device`]",
)
@click.option("--require-launch", is_flag=True, help="Exit with 1 if no kernel was run.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_TIMEOUT_S,
    help=f"Stop a kernel after this time.  [default: {DEFAULT_TIMEOUT_S:g}]",
)
@click.option(
    "--threads", type=click.IntRange(1, 1024), help="Host threads of a launch.  [default: all CPUs]"
)
@click.option("--quiet", is_flag=True, help="Say nothing at the end unless something is wrong.")
def command(
    command: tuple[str, ...], trace: Path | None, require_launch: bool, quiet: bool, **given: Any
) -> int:
    """Runs `rocverify exec`; returns the program's exit code, or one of its own."""
    try:
        return _exec(command, trace, require_launch, quiet, given)
    except (UsageError, EnvironmentFaultError, CodeObjectError) as error:
        click.echo(f"error: {error}", err=True)
        return ExitCode.USAGE
    except (ToolchainError, DeviceError) as error:
        click.echo(f"error: {error}", err=True)
        return ExitCode.UNVERIFIED


def _exec(
    command: tuple[str, ...], trace: Path | None, require_launch: bool, quiet: bool, given: dict[str, Any]
) -> int:
    from rocverify.device.process.execution import ExecOptions, execute

    timeout = given.pop("timeout")
    options = ExecOptions(
        command, environment.given(), keep_trace=trace is not None, timeout_s=timeout, **given
    )
    if trace is not None:
        _check_writable(trace)
    done = execute(options)
    code = _exit_code(done, require_launch)
    for line in _told(done, require_launch, quiet):
        click.echo(f"rocverify: {line}", err=True)
    if trace is not None:
        _write_trace(trace, done, code)
    return code


def _told(done: Execution, require_launch: bool, quiet: bool) -> list[str]:
    from rocverify.device.process.summary import closing_line, details

    more = list(details(done, require_launch=require_launch))
    return more if quiet and not more else [*more, closing_line(done)]


def _exit_code(done: Execution, require_launch: bool) -> int:
    if done.code:
        return done.code
    if done.wrong or (require_launch and not done.ran):
        return ExitCode.GAPS_FOUND
    return ExitCode.UNVERIFIED if done.control.undecided is not None else ExitCode.VERIFIED


def _check_writable(path: Path) -> None:
    """UsageError before the program has run for nothing."""
    folder = path.parent
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError("cannot be written there", where=f"--trace {path}")


def _write_trace(path: Path, done: Execution, code: int) -> None:
    from rocverify.device.process.summary import to_json
    from rocverify.store.files import write_if_changed

    try:
        write_if_changed(path, json.dumps(to_json(done, code), indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=f"--trace {path}") from None
