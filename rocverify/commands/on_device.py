"""Commands as clients of a device of their own, and what the device saw of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rocverify.commands.sandbox import CommandRun, Request, run_commands
from rocverify.commands.started import own_program
from rocverify.device.trace.events import Category, TraceEvent
from rocverify.errors import CompileError

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.device.process.client import RemoteDevice


@dataclass(frozen=True, slots=True)
class Seen:
    """A run, the HIP calls that it made, what was found (texts), and counters by launch."""

    run: CommandRun
    events: Sequence[TraceEvent]
    findings: tuple[Any, ...] = ()
    undecided: str = ""
    counters: tuple[tuple[str, Any], ...] = ()

    @property
    def launched(self) -> Mapping[str, int]:
        """How often each kernel ran."""
        runs = (e for e in self.events if e.category is Category.LAUNCH and e.ok and not e.ghost)
        return Counter(event.kernel or "an unknown kernel" for event in runs)


def library_variables() -> dict[str, str]:
    """What makes a program load rocverify's HIP library, which without a device says that there is none; and
    a linker find it."""
    from rocverify.device.library_build import hip_library_folder

    folder = str(hip_library_folder())
    given = os.environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": f"{folder}{os.pathsep}{given}" if given else folder, "LIBRARY_PATH": folder}


def run_on_device(
    request: Request,
    ctx: CheckContext,
    *,
    instrument: str | None = None,
    without: Sequence[str] = (),
    refused: Sequence[str] = (),
    taken: Sequence[str] = (),
) -> Seen:
    """Runs commands on a device of their own. `instrument`: as in `CheckContext.launching`. Launches of the
    kernels `without` are not executed; the HIP functions `refused` fail; the kernels `taken` are not found.

    The manifest's code objects are in their variables, as wrappers and tests get them.
    """
    from contextlib import ExitStack

    with ctx.device_apart(instrument) as device, ExitStack() as stack:
        if without:
            stack.enter_context(device.ghost(without))
        if refused:
            stack.enter_context(device.refuse(refused))
        if taken:
            stack.enter_context(device.taken_away(taken))
        mark = device.mark()
        variables = {**library_variables(), **_of_device(ctx, device), **(request.variables or {})}
        run = run_commands(ctx.root, replace(request, variables=variables))
        programs = [own_program(path, ctx.root) for path in device.take_programs()]
        started = dict.fromkeys((*run.programs, *(p for p in programs if p is not None)))
        run = replace(run, programs=tuple(started))
        events = device.events(mark)
        findings = (*device.take_findings(), *device.take_host_findings())
        undecided, fault = device.outcome()
        found = (*findings, *([fault] if fault is not None else []))
        counters = tuple(device.take_counters()) if instrument == "counters" else ()
        if instrument is None:
            ctx.executed += device.take_coverage(lines=True)
    return Seen(run, events, found, "" if undecided is None else str(undecided.message), counters)


def _of_device(ctx: CheckContext, device: RemoteDevice) -> dict[str, str]:
    found = {
        **device.environment(),
        "ROCVERIFY_DEVICE": device.kind,
        "ROCVERIFY_TARGET": device.target,
        "ROCVERIFY_SEED": str(ctx.seed),
    }
    if not (ctx.root / ctx.settings.manifest).is_file():
        return found
    entries = ctx.manifest.entries
    for entry, built in zip(entries, ctx.builds(entries, [device.target]), strict=True):
        if not isinstance(built, CompileError):
            found[entry.env] = str(built.path)
    return found
