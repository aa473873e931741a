"""`rocverify doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rocverify import __version__
from rocverify.cli.options import find_root, root_option
from rocverify.errors import ExitCode, RocverifyError, UsageError

if TYPE_CHECKING:
    from rocverify.settings import Settings
    from rocverify.toolchain.doctor import DoctorRecord

_PACKAGES = ("pytest", "pytest-xdist", "pytest-timeout", "numpy", "llvmlite", "hip-python", "pydantic")


@click.command(
    "doctor",
    help="Show which compilers and devices were found, versions, and what to install.\n\n"
    "Exits with 0 if kernels can be compiled and run here, with 3 if they cannot, and with 2 if the "
    "settings are wrong.",
)
@root_option
def command(root: Path | None) -> int:
    """Runs `rocverify doctor`; returns its exit code."""
    from rocverify.settings import Settings, load_settings
    from rocverify.toolchain.doctor import inspect

    base = _root(root)
    settings = Settings() if base is None else load_settings(base)
    click.echo(f"rocverify {__version__}")
    for package in _PACKAGES:
        click.echo(f"  {package} {_version(package)}")
    records = inspect(settings)
    click.echo("toolchain")
    for line in _toolchain(records):
        click.echo(line)
    click.echo("targets of the emulator")
    for line in _targets():
        click.echo(line)
    click.echo("devices")
    usable = False
    for line, opened in _devices(settings):
        usable |= opened
        click.echo(line)
    ready = usable and all(record.ok for record in records if record.required)
    click.echo("ready: kernels can be compiled and run" if ready else "not ready: see the hints above")
    return ExitCode.VERIFIED if ready else ExitCode.UNVERIFIED


def _root(given: Path | None) -> Path | None:
    """The project's root; doctor also works outside any project."""
    try:
        return find_root(given)
    except UsageError:
        return None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


def _toolchain(records: list[DoctorRecord]) -> Iterator[str]:
    for record in records:
        state = "ok" if record.ok else "missing" if record.required else "-"
        yield f"  {state:<8}{record.name}: {record.found}"
        if record.hint and not record.ok:
            yield f"          {record.hint}"


def _targets() -> Iterator[str]:
    """What the emulator does with the code of each processor."""
    from rocverify.device.emulator.coverage.support import supported

    for one in supported():
        names = ", ".join(one.targets)
        if not one.executed:
            yield f"  -       {names}: compiled{' and decoded' if one.decoded else ''}, not executed"
            continue
        yield (
            f"  ok      {names}: {one.executed} instructions executed, sanitized and counted "
            f"({one.modelled} modelled)"
        )


def _devices(settings: Settings) -> Iterator[tuple[str, bool]]:
    """A line for each built-in kind of device, with whether it opened."""
    from rocverify.device.process.client import DeviceProcess
    from rocverify.device.process.devices import KINDS
    from rocverify.device.select import device_options
    from rocverify.toolchain.discover import Toolchain

    try:
        toolchain = Toolchain.discover(settings)
    except RocverifyError:
        yield "  missing every device needs a compiler, for kernels to run", False
        return
    process = DeviceProcess()
    for kind in KINDS:
        try:
            device = process.open(replace(device_options(settings, toolchain), kind=kind))
        except RocverifyError as error:
            hint = f"\n          {error.hint}" if error.hint else ""
            yield f"  {'-':<8}{kind}: {error.message}{hint}", False
        else:
            yield f"  {'ok':<8}{kind}: {device.name}, {device.target}", True
    process.close()
