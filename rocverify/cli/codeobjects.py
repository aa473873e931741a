"""What `inspect` and `emulate` share: how a file is named, and their exit codes."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeVar

import click

from rocverify.errors import (
    CodeObjectError,
    CompileError,
    DeviceError,
    DeviceUnavailableError,
    EnvironmentFaultError,
    RocverifyError,
    ToolchainError,
    UnsupportedInstructionError,
    UsageError,
)

F = TypeVar("F", bound=Callable[..., Any])


class Exit(IntEnum):
    """Exit codes of the two commands; beside them 4 for a bug and 130 for an interruption."""

    FINE = 0
    FOUND = 1
    WRONG = 2
    UNDECIDED = 3


def exit_code_of(work: Callable[[], int]) -> int:
    """Does the work; errors are shown and give the exit code that these commands document."""
    try:
        return work()
    except CompileError as error:
        click.echo(error.log, nl=False, err=True)
        return _shown(error, Exit.WRONG)
    except (CodeObjectError, EnvironmentFaultError, UsageError) as error:
        return _shown(error, Exit.WRONG)
    except (UnsupportedInstructionError, DeviceUnavailableError, ToolchainError) as error:
        return _shown(error, Exit.UNDECIDED)
    except DeviceError as error:
        return _shown(error, Exit.WRONG)


def _shown(error: RocverifyError, code: Exit) -> Exit:
    click.echo(f"error: {error}", err=True)
    return code


def source_flags(function: F) -> F:
    """What follows `--`: flags for the compiler, where FILE is a source."""
    return click.argument("flags", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMPILER FLAGS]")(function)


def target_option(function: F) -> F:
    """`--target GFX`."""
    return click.option(
        "--target",
        metavar="GFX",
        help="What to compile a source for, or which of a bundle's targets to take.  [default: the setting "
        "`targets`, else the first in the file that the emulator runs]",
    )(function)
