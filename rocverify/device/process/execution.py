"""`rocverify exec`: this process is the device process of a program that it starts, and of its children."""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.device.process.child import Child, held_signals
from rocverify.device.process.program import check_program, find_program
from rocverify.errors import DeviceUnavailableError

if TYPE_CHECKING:
    from rocverify.device.by_hand.workspace import Workspace
    from rocverify.device.hip.control import DeviceControl
    from rocverify.device.hip.executor import Order
    from rocverify.device.process.devices import DeviceOptions, OpenedDevice
    from rocverify.device.process.server import Server

_POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class ExecOptions:
    """What to run, and how. None: as the settings say. `environment` is the program's, before what makes it
    take our library."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    device: str | None = None
    target: str | None = None
    order: Order = "eager"
    seed: int | None = None
    sanitize: bool = False
    strict: bool = False
    counters: bool = False
    keep_trace: bool = False
    threads: int | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """How it went: `code` is what the program ended with, as a shell has it; `left` counts clients that were
    still there then; `clients` all that ever came."""

    options: ExecOptions
    code: int
    seconds: float
    device: OpenedDevice
    clients: int
    left: int
    mismatches: tuple[str, ...] = ()

    @property
    def control(self) -> DeviceControl:
        """What the device saw."""
        return self.device.control

    @property
    def launches(self) -> int:
        """Kernels that ran to their end, and those under way."""
        return sum(self.control.trace.summary.launches.values())

    @property
    def ran(self) -> bool:
        """Whether the device computed anything: kernels, or functions of a library."""
        return bool(self.launches or self.control.trace.summary.library)

    @property
    def wrong(self) -> bool:
        """Whether anything was seen that should not be: findings, faults."""
        control = self.control
        return bool(control.findings or control.host_findings or control.faults)


def execute(options: ExecOptions) -> Execution:
    """Runs a program to its end. Raises UsageError for what cannot be run, and EnvironmentFaultError,
    CompilerNotFoundError or DeviceUnavailableError where there can be no device."""
    if options.order == "shuffled" and options.seed is None:
        options = replace(options, seed=secrets.randbits(31))
    program = find_program(options.command[0])
    with _no_collection():
        device = _device(options, _workspace())
    with held_signals() as mask, _server(device) as server:
        environment = {**options.environment, **_client_variables(server)}
        check_program(program, device.info.target, environment, _folder())
        child = Child(program.path, (program.name, *options.command[1:]), environment, mask)
        began = time.monotonic()
        code = child.run()
        _drain(device.control)
        return Execution(
            options,
            code,
            time.monotonic() - began,
            device,
            server.clients,
            len(server.sessions),
            tuple(server.mismatches),
        )


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Nothing that is imported ever becomes garbage; looking for it takes a tenth of the start."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _workspace() -> Workspace:
    from rocverify.device.by_hand.workspace import Workspace

    return Workspace.here()


def _folder() -> Path:
    from rocverify.device.library_build import hip_library_folder

    return hip_library_folder()


@contextlib.contextmanager
def _server(device: OpenedDevice) -> Iterator[Server]:
    from rocverify.device.process.server import Server

    server = Server([device.context])
    try:
        yield server
    finally:
        server.close()


def _client_variables(server: Server) -> Mapping[str, str]:
    from rocverify.device.process.attach import HipLibrary

    return HipLibrary.environment(server.path, 0)


def _device(options: ExecOptions, workspace: Workspace) -> OpenedDevice:
    from rocverify.device.base import GPU_DRIVER
    from rocverify.device.process.devices import open_device

    how = _device_options(options, workspace)
    device = None
    if how.kind == "auto":
        with contextlib.suppress(DeviceUnavailableError):
            if GPU_DRIVER.exists() and not (options.sanitize or options.counters):
                device = open_device(replace(how, kind="amd"))
        how = replace(how, kind="emulator")
    if device is None:
        device = open_device(_with_tools(how, workspace))
    device.control.trace.keep = options.keep_trace
    return device


def _device_options(options: ExecOptions, workspace: Workspace) -> DeviceOptions:
    from rocverify.device.process.devices import DeviceOptions

    settings = workspace.settings
    return DeviceOptions(
        kind=options.device or settings.device,
        target=options.target or settings.targets[0],
        order=options.order,
        seed=options.seed or 0,
        counters=options.counters,
        sanitize=options.sanitize or options.strict,
        strict_lockstep=options.strict,
        threads=options.threads or settings.emulator_threads,
        launch_timeout_s=options.timeout_s,
        cache_dir=workspace.cache_dir,
    )


def _with_tools(how: DeviceOptions, workspace: Workspace) -> DeviceOptions:
    if how.kind != "emulator":
        return how
    return replace(how, objdump=workspace.objdump, clang=workspace.clang)


def _drain(control: DeviceControl) -> None:
    """Waits until what clients that have ended left behind is done: a launch that nobody waited for."""
    while any(not _alive(context.client.pid) for context in control.all_contexts()):
        time.sleep(_POLL_S)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
