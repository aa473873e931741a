"""`rocverify inspect FILE.hsaco`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rocverify.cli.codeobjects import Exit, exit_code_of, project_settings, read_file

if TYPE_CHECKING:
    from rocverify.device.by_hand.inspection import Inspection, KernelInspection, Refusal
    from rocverify.toolchain.codeobject import KernelArg

EXIT_CODES = """\b
Exit codes:
    0  the emulator would run every kernel shown
    1  it would refuse something, which is listed
    2  the command line is wrong, or FILE is no intact code object
    3  there is no disassembler here
    4  rocverify itself broke
"""


@click.command(
    "inspect",
    help="Show the kernels of a code object: arguments, resources, instructions by format, and what of "
    "them the emulator would refuse.\n\n"
    "Nothing is executed, and no device is needed; the disassembler is the one of the compiler that "
    "`rocverify doctor` names. FILE is one code object (.hsaco, .co), not an offload bundle. Instructions "
    "are those that control can reach from the kernel's entry, functions that it calls included, each "
    "counted once.",
    epilog=EXIT_CODES,
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--kernel", metavar="NAME", help="Show this kernel only.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema rocverify.inspect/1).")
def command(file: Path, kernel: str | None, as_json: bool) -> int:
    return exit_code_of(lambda: _inspect(file, kernel, as_json))


def _inspect(file: Path, kernel: str | None, as_json: bool) -> int:
    from rocverify.device.by_hand.inspection import inspect_code_object
    from rocverify.toolchain.discover import Toolchain

    data = read_file(file)
    settings, _ = project_settings()
    inspection = inspect_code_object(data, str(file), Toolchain.discover(settings).objdump, kernel)
    if as_json:
        click.echo(json.dumps({"file": str(file), **inspection.to_json()}, indent=2))
    else:
        for line in described(str(file), inspection):
            click.echo(line)
    return Exit.FOUND if inspection.refused else Exit.FINE


def described(file: str, inspection: Inspection) -> Iterator[str]:
    """The inspection, line by line."""
    code = inspection.code_object
    yield file
    yield f"  target          {code.target}{code.features}"
    yield f"  code object     version {code.abi_version}"
    yield f"  sha256          {code.sha256}"
    yield f"  kernels         {len(code.kernels)}"
    for kernel in inspection.kernels:
        yield ""
        yield from _kernel(kernel)
    yield ""
    shown = len(inspection.kernels)
    refused = sum(1 for kernel in inspection.kernels if kernel.refusals)
    yield (
        f"the emulator would refuse {refused} of {shown} kernel(s)"
        if refused
        else f"the emulator would run all of {shown} kernel(s)"
    )


def _kernel(kernel: KernelInspection) -> Iterator[str]:
    facts = kernel.metadata
    yield f"kernel {facts.name}"
    yield "  arguments" if facts.args else "  arguments       none"
    for index, arg in enumerate(facts.args):
        yield _argument(index, arg)
    yield f"  registers       {facts.vgprs} VGPRs, {facts.sgprs} SGPRs"
    yield f"  spills          {facts.vgpr_spills} VGPRs, {facts.sgpr_spills} SGPRs"
    stack = ", and a stack of unknown depth" if facts.uses_dynamic_stack else ""
    yield f"  LDS             {facts.lds_bytes} bytes, and what a launch asks for"
    yield f"  scratch         {facts.scratch_bytes} bytes per work-item{stack}"
    yield f"  waves           {facts.wavefront_size} lanes, workgroups of up to {facts.max_workgroup_size}"
    yield f"  instructions    {'unknown' if kernel.instructions is None else kernel.instructions} reached"
    for name, count in kernel.formats.items():
        yield f"    {name:<12}  {count}"
    yield f"  refused         {len(kernel.refusals) or 'nothing'}"
    for refusal in kernel.refusals:
        yield from _refusal(refusal)


def _argument(index: int, arg: KernelArg) -> str:
    name = arg.name or "-"
    return f"    {index:>3}  {name:<16}  offset {arg.offset:>4}  size {arg.size:>3}  {arg.kind}".rstrip()


def _refusal(refusal: Refusal) -> Iterator[str]:
    if refusal.address is None:
        yield f"    {refusal.reason}"
        return
    source = f"  ({refusal.source})" if refusal.source else ""
    yield f"    {refusal.address:#x}  {refusal.text}{source}"
    yield f"      {refusal.reason}"
