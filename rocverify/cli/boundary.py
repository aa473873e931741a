"""The one error boundary: expected errors become a message, anything else a report to paste."""

from __future__ import annotations

import sys
from types import TracebackType

import click

from rocverify.errors import ExitCode, RocverifyError, environment_fault

_PACKAGES = ("rocverify", "pytest", "pytest-xdist", "click", "pydantic", "numpy", "llvmlite", "hip-python")


class Boundary:
    """Around the whole of a command. `code` is what the process exits with."""

    def __init__(self) -> None:
        self.code: int = ExitCode.VERIFIED

    def __enter__(self) -> Boundary:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        del kind, trace
        if error is None:
            return False
        code = _handled(error)
        if code is None:
            return False
        self.code = code
        return True


def _handled(error: BaseException) -> int | None:
    """Shows the error and gives its exit code; None for what nobody may hold up."""
    if isinstance(error, RocverifyError):
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return ExitCode.USAGE
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(error, SystemExit):
        # click does this after a completion (0), and where whoever read our output is gone (1: gaps here).
        return ExitCode.INTERRUPTED if error.code else ExitCode.VERIFIED
    fault = environment_fault(error)
    if fault is not None:
        click.echo(f"error: {fault}", err=True)
        return fault.exit_code
    if isinstance(error, Exception):
        import traceback

        text = "".join(traceback.format_exception(error))
        click.echo(bug_report([text]), err=True)
        return ExitCode.INTERNAL
    return None


def bug_report(texts: list[str]) -> str:
    """What a user can paste into an issue: the traces, the command and the versions."""
    import platform
    import shlex

    versions = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    return "\n".join(
        (
            "---- rocverify broke; please report this, from here ----",
            f"command:  {shlex.join(['rocverify', *sys.argv[1:]])}",
            f"platform: Python {platform.python_version()}, {platform.platform()}",
            f"versions: {versions}",
            "",
            *(text.rstrip() for text in texts),
            "---- to here ----",
        )
    )


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        from rocverify import __version__

        return __version__ if package == "rocverify" else "absent"
