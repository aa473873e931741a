"""`rocverify emulate FILE KERNEL`."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rocverify.cli.codeobjects import Exit, exit_code_of, source_flags, target_option
from rocverify.errors import UsageError

if TYPE_CHECKING:
    from rocverify.device.by_hand.files import KernelFile
    from rocverify.device.by_hand.launch import BufferAfter, Emulation, LaunchRequest
    from rocverify.device.by_hand.workspace import Workspace
    from rocverify.device.emulator.machine import LoadedKernel, Machine
    from rocverify.device.faults import FaultReport

Triple = tuple[int, int, int]
DEFAULT_TIMEOUT_S = 300.0
NOTES = """\b
Forms of --arg, given in the kernel's order:
    u32:5  i64:-1  u8:0xff  f32:1.5  bf16:inf     a value
    bytes:0100c0ff                                a struct passed by value, by its bytes
    f32[1024]:zeros                               an array on the device, and what it holds:
    f32[1024]:1.5                                   every element the same
    f32[1024]:random                                floats in [-1, 1), integers of all values
    f32[1024]:range                                 0, 1, 2, ...
    f32[1024]:out                                   NaN, or bytes A5 if integers: unwritten elements show
                                                    (and with --sanitize, reads of them)
    f32[]:=1,2,3                                    a list (the count may be left out)
    f32[]:@x.npy                                    a file's elements, of the same type
    same:0                                        the array of argument 0 again
    null                                          a null pointer
Types: i8 i16 i32 i64 u8 u16 u32 u64 f16 bf16 f32 f64. bf16 is read from and saved as float32.

\b
Exit codes:
    0  the kernel ran to its end
    1  it faulted, or was stopped by --timeout or --max-instructions (the arrays are not shown), or the
       sanitizer found something
    2  the command line is wrong (arguments that are not the kernel's, an impossible launch), or FILE holds
       no intact code object or does not compile, or a file cannot be written
    3  the emulator cannot run it: unsupported instruction or target, or no compiler here
    4  rocverify itself broke
  130  interrupted
"""


def _triple(ctx: click.Context, param: click.Parameter, value: str) -> Triple:
    """`X[,Y[,Z]]`, all positive."""
    parts = value.split(",")
    if not 1 <= len(parts) <= 3 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise click.BadParameter(f"{value!r} is not of the form X, X,Y or X,Y,Z", ctx, param)
    if not all(len(part) <= 10 and 1 <= int(part) < 1 << 32 for part in parts):
        raise click.BadParameter(f"{value!r} holds a number that is not from 1 to 2**32 - 1", ctx, param)
    numbers = [int(part) for part in parts] + [1, 1]
    return numbers[0], numbers[1], numbers[2]


def _axes(name: str, help_text: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    return click.option(name, metavar="X[,Y[,Z]]", callback=_triple, required=True, help=help_text)


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for."""

    file: Path
    kernel: str
    flags: tuple[str, ...]
    target: str | None
    grid: Triple
    block: Triple
    shared: int
    cooperative: bool
    arg: tuple[str, ...]
    save: tuple[str, ...]
    seed: int
    order: str
    timeout: float
    max_instructions: int | None
    threads: int | None
    counters: bool
    by_line: bool
    sanitize: bool
    strict: bool
    portable: bool
    fidelity: bool
    as_json: bool


@click.command(
    "emulate",
    help="Run one kernel on the emulator, once, and show what its arrays hold after.\n\n"
    "FILE is a source (.hip, .cpp), a code object (.hsaco, .co), an offload bundle, also a compressed one, "
    "or a host program, library or object file with device code in it, for a target that the emulator runs "
    "(`rocverify doctor` names them); no GPU is needed. KERNEL is a name as `rocverify inspect` shows it, "
    "mangled or demangled; `scale` will do for `void ns::scale<float>(float*, int)` where no other kernel is "
    "called so. Number, kind and size of the arguments are checked against the code object's metadata. A "
    "source is compiled as the build manifest says, or with -O3, and then the flags after --. In a code "
    "object compiled with "
    "-gline-tables-only, faults name the source line.",
    epilog=NOTES,
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("kernel", metavar="KERNEL")
@source_flags
@target_option
@_axes("--grid", "Workgroups along each axis.")
@_axes("--block", "Work-items of a workgroup along each axis.")
@click.option(
    "--shared", metavar="BYTES", type=click.IntRange(0), default=0, help="Dynamic LDS.  [default: 0]"
)
@click.option(
    "--cooperative", is_flag=True, help="All workgroups are resident at once, so that grid barriers work."
)
@click.option("--arg", metavar="FORM", multiple=True, help="An argument; repeated, in the kernel's order.")
@click.option(
    "--save",
    metavar="ARG=FILE",
    multiple=True,
    help="Write the array of an argument, by name or index, to a .npy file after the launch.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    help="Decides what `random` draws, and the order with --order drawn.  [default: 0]",
)
@click.option(
    "--order",
    type=click.Choice(["fixed", "drawn"]),
    default="fixed",
    help="In which order workgroups and waves run: their own, or one drawn from the seed; then unwritten LDS "
    "and registers hold another pattern, too. Results that differ depend on it.  [default: fixed]",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    default=DEFAULT_TIMEOUT_S,
    help=f"Stop the launch after this time, translation not counted.  [default: {DEFAULT_TIMEOUT_S:g}]",
)
@click.option(
    "--max-instructions",
    metavar="N",
    type=click.IntRange(1, (1 << 63) - 1),
    help="Stop at the first backward branch of a wave that has executed more.  [default: 2**36]",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    help="Host threads.  [default: the setting emulator_threads, else all CPUs]",
)
@click.option(
    "--counters",
    is_flag=True,
    help="Count exactly what the launch does: instructions by class, bytes, bank conflicts, FLOPs and more.",
)
@click.option("--by-line", is_flag=True, help="The same for each source line; implies --counters.")
@click.option(
    "--sanitize",
    is_flag=True,
    help="Find undefined values that decide something, data races and misused barriers, on one host thread. "
    "Findings name source lines if the code object was compiled with -gline-tables-only.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="The same, and lanes of one wave are not taken to run in lockstep; implies --sanitize.",
)
@click.option("--portable", is_flag=True, help="--sanitize, and vector accesses off their alignment.")
@click.option(
    "--fidelity",
    is_flag=True,
    help="List executed instructions whose result is a model of the hardware's, and what they may decide.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema rocverify.emulate/1).")
def command(**options: Any) -> int:
    """Runs `rocverify emulate`; returns its exit code."""
    return exit_code_of(lambda: _emulate(Options(**options)))


def _emulate(options: Options) -> int:
    from rocverify.device.by_hand.files import open_kernels
    from rocverify.device.by_hand.launch import check_arguments, emulate
    from rocverify.device.by_hand.parameter_types import types_of
    from rocverify.device.by_hand.workspace import Workspace
    from rocverify.kernel_names import demangled

    request = _request(options)
    workspace = Workspace.here()
    kernels = open_kernels(options.file, workspace, target=options.target, flags=options.flags)
    machine = _machine(options, kernels, workspace)
    if options.as_json:  # the document has the standard output for itself
        machine.printer = lambda _, text: click.echo(text, nl=False, err=True)
    try:
        image, name = kernels.find(options.kernel, workspace.demangler)
        kernel = machine.load(image.data, str(options.file), kernels.debug_twin).kernel(name)
        readable = demangled([name], workspace.demangler)[name]
        types = types_of(readable, kernel.metadata.explicit_args, kernels.source, name)
        check_arguments(kernel, request.arguments, types)
        saves = _saves(options, kernel, request)
        result = emulate(machine, kernel, request)
    finally:
        machine.close()
    for index, path in saves.items():
        _save(path, next((b for b in result.buffers if b.index == index), None))
    if options.as_json:
        document = {"file": str(options.file), **result.to_json(), **_watched_json(options, result)}
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        told = (
            described(result),
            _counters_text(options, result),
            _findings_text(result),
            _models_text(result),
        )
        for line in itertools.chain(*told):
            click.echo(line)
    return Exit.FINE if result.fault is None and not result.findings else Exit.FOUND


def _request(options: Options) -> LaunchRequest:
    from rocverify.device.by_hand.arguments import parse_argument
    from rocverify.device.by_hand.launch import LaunchRequest

    if not math.isfinite(options.timeout):
        raise UsageError("--timeout takes a finite number of seconds")
    arguments = tuple(parse_argument(text, i, options.seed) for i, text in enumerate(options.arg))
    sizes = options.grid, options.block, options.shared
    return LaunchRequest(*sizes, arguments, options.timeout, options.cooperative)


def _machine(options: Options, kernels: KernelFile, workspace: Workspace) -> Machine:
    """An emulated GPU of the code object's own target."""
    from rocverify.device.by_hand.machine import Watch, open_machine

    watch = Watch(
        counters=options.counters or options.by_line,
        sanitize=options.sanitize or options.strict or options.portable,
        strict=options.strict,
        portable=options.portable,
        coverage=options.fidelity,
    )
    return open_machine(
        kernels.target,
        workspace,
        watch,
        where=kernels.where,
        threads=options.threads,
        instruction_limit=options.max_instructions,
        seed=options.seed if options.order == "drawn" else None,
    )


def _saves(options: Options, kernel: LoadedKernel, request: LaunchRequest) -> dict[int, Path]:
    """The files to write, by the index of their argument."""
    from rocverify.device.by_hand.arguments import Buffer

    indices = {str(index): index for index in range(len(request.arguments))}
    indices |= {arg.name: i for i, arg in enumerate(kernel.metadata.explicit_args) if arg.name}
    saves = {}
    for text in options.save:
        name, separator, path = text.partition("=")
        if not separator or not path or name not in indices:
            raise UsageError(
                f"--save {text} is not ARG=FILE with an argument's name or index",
                hint=f"arguments: {', '.join(indices) or 'none'}",
            )
        if not isinstance(request.arguments[indices[name]], Buffer):
            raise UsageError(f"--save {text}: that argument is not an array")
        saves[indices[name]] = Path(path)
    return saves


def _save(path: Path, buffer: BufferAfter | None) -> None:
    import numpy as np

    if buffer is None:
        return
    try:
        with path.open("wb") as file:
            np.save(file, buffer.saved)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(path)) from None


def described(result: Emulation) -> Iterator[str]:
    """What the launch did, line by line."""
    request = result.request
    grid, block = (",".join(map(str, triple)) for triple in (request.grid, request.block))
    yield f"{result.kernel}  grid {grid}  block {block}  dynamic LDS {request.shared_bytes} bytes"
    if result.fault is not None:
        yield from _fault(result.fault, result.hint)
        return
    stats = result.stats
    if stats is not None:
        yield (
            f"  ran  {stats.wave_instructions} wave instructions, {stats.waves} waves, "
            f"{stats.workgroups} workgroups, {stats.barriers} barriers, {stats.seconds:.3f} s "
            f"(translation {stats.translate_seconds:.3f} s)"
        )
    for buffer in result.buffers:
        yield from _buffer(buffer)


def _watched_json(options: Options, result: Emulation) -> dict[str, Any]:
    found = result.findings
    models = {} if result.models is None else {"fidelity": [one.to_json() for one in result.models]}
    if found is None:
        return {**_counters_json(options, result), **models}
    findings = {"findings": [one.to_json() for one in found.found], "findings_dropped": found.dropped}
    return {**_counters_json(options, result), **findings, **models}


def _models_text(result: Emulation) -> Iterator[str]:
    if result.models is None:
        return
    yield f"  fidelity  {len(result.models)} instruction(s) executed whose result is a model"
    yield from (f"    {one.words}" for one in result.models)


def _findings_text(result: Emulation) -> Iterator[str]:
    found = result.findings
    if found is None:
        return
    from rocverify.device.emulator.sanitize.findings import told_once

    told = told_once(found.found)
    yield f"  sanitizer  {len(told)} finding(s)" + (f", {found.dropped} more" if found.dropped else "")
    for one in told:
        yield from (f"    {line}" for line in str(one).splitlines())


def _counters_json(options: Options, result: Emulation) -> dict[str, Any]:
    """The parts of the document that were asked for; null after a fault."""
    from rocverify.device.emulator.counters import lines_to_json

    counted = None if result.stats is None else result.stats.counters
    document: dict[str, Any] = {}
    if options.counters or options.by_line:
        document["counters"] = None if counted is None else counted.to_json()
    if options.by_line:
        document["counters_by_line"] = None if counted is None else lines_to_json(counted.per_line())
    return document


def _counters_text(options: Options, result: Emulation) -> Iterator[str]:
    from rocverify.device.emulator.counters import words

    counted = None if result.stats is None else result.stats.counters
    if counted is None:
        return
    yield "  counters"
    for line in words.described(counted):
        yield f"    {line}"
    if options.by_line:
        for line in words.by_line(counted.per_line()):
            yield f"    {line}"


def _buffer(buffer: BufferAfter) -> Iterator[str]:
    name = f" {buffer.name}" if buffer.name else ""
    limits = buffer.limits
    extent = "no finite element" if limits is None else f"min {limits[0]:g}  max {limits[1]:g}"
    special = f"  not finite {buffer.special}" if buffer.special else ""
    count = buffer.after.size
    changed = f"changed {buffer.changed} of {count}"
    yield f"  {buffer.index}{name}  {buffer.type_name}[{count}]  {changed}  {extent}{special}"
    more = ", ..." if count > len(buffer.head) else ""
    yield f"    [{', '.join(f'{number:.9g}' for number in buffer.head)}{more}]"
    yield f"    sha256 {buffer.sha256}"


def _fault(fault: FaultReport, hint: str | None) -> Iterator[str]:
    yield f"  fault        {fault.kind}: {fault.message}{fault.rest}"
    if fault.instruction is not None:
        yield f"  instruction  {fault.instruction}  (at {fault.pc:#x})"
    elif fault.pc is not None:
        yield f"  instruction  at {fault.pc:#x}"
    if fault.source_line:
        yield f"  source       {fault.source_line}"
    if fault.workgroup is not None:
        yield f"  workgroup    {','.join(map(str, fault.workgroup))}"
    if fault.workitem is not None:
        yield f"  workitem     {','.join(map(str, fault.workitem))}"
    if fault.address is not None:
        yield f"  address      {fault.address:#x}, {fault.access} of {fault.size} byte(s)"
    if fault.allocation:
        yield f"  allocation   {fault.allocation}"
    if hint:
        yield f"  hint         {hint}"
