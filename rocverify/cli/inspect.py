"""`rocverify inspect FILE`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rocverify.cli.codeobjects import Exit, exit_code_of, source_flags, target_option

if TYPE_CHECKING:
    from rocverify.device.by_hand.inspection import Inspection, KernelInspection, Refusal
    from rocverify.toolchain.code_metadata import KernelArg

EXIT_CODES = """\b
Exit codes:
    0  the emulator would run every kernel shown
    1  it would refuse something, which is listed
    2  the command line is wrong, FILE holds no intact code object, or is a source that does not compile
    3  FILE is a source, and there is no compiler
    4  rocverify itself broke
"""


@click.command(
    "inspect",
    help="Show the kernels of a code object: arguments, resources, instructions by format, and what of "
    "them the emulator would refuse.\n\n"
    "Nothing is executed, and no device is needed, nor a compiler for what is compiled already. FILE is a "
    "source (.hip, .cpp), a code object (.hsaco, .co), an offload bundle, also a compressed one, or a host "
    "program, library or object file with device code in it. Instructions are those that control can reach "
    "from the kernel's entry, functions that it calls included, each counted once.",
    epilog=EXIT_CODES,
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@source_flags
@click.option(
    "--kernel", metavar="NAME", help="Show this kernel only, by mangled or demangled name.  [default: all]"
)
@target_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON (schema rocverify.inspect/1).")
def command(file: Path, flags: tuple[str, ...], kernel: str | None, target: str | None, as_json: bool) -> int:
    """Runs `rocverify inspect`; returns its exit code."""
    return exit_code_of(lambda: _inspect(file, flags, kernel, target, as_json))


def _inspect(
    file: Path, flags: tuple[str, ...], kernel: str | None, target: str | None, as_json: bool
) -> int:
    from rocverify.device.by_hand.files import open_kernels
    from rocverify.device.by_hand.inspection import inspect_code_object
    from rocverify.device.by_hand.workspace import Workspace

    workspace = Workspace.here()
    kernels = open_kernels(file, workspace, target=target, flags=flags)
    chosen = [(image, kernel) for image in kernels.images]
    if kernel is not None:
        chosen = [kernels.find(kernel, workspace.demangler)]
    found = [inspect_code_object(image.data, str(file), name) for image, name in chosen]
    if as_json:
        click.echo(json.dumps(_document(file, found), indent=2))
    else:
        for line in _text(str(file), found, workspace.demangler):
            click.echo(line)
    return Exit.FOUND if any(inspection.refused for inspection in found) else Exit.FINE


def _document(file: Path, found: Sequence[Inspection]) -> dict[str, Any]:
    """One code object's facts stand at the top; those of a program of several sources in a list."""
    if len(found) == 1:
        return {"file": str(file), **found[0].to_json()}
    objects = [inspection.to_json() for inspection in found]
    return {"file": str(file), "schema": objects[0]["schema"], "code_objects": objects}


def _text(file: str, found: Sequence[Inspection], demangler: Path | None) -> Iterator[str]:
    from rocverify.kernel_names import demangled

    names = demangled([kernel.metadata.name for one in found for kernel in one.kernels], demangler)
    for inspection in found:
        yield from described(file, inspection, names)


def described(file: str, inspection: Inspection, names: Mapping[str, str]) -> Iterator[str]:
    """The inspection, line by line; `names` are the demangled ones."""
    code = inspection.code_object
    yield file
    yield f"  target          {code.target}{code.features}"
    yield f"  code object     version {code.abi_version}"
    yield f"  sha256          {code.sha256}"
    yield f"  kernels         {len(code.kernels)}"
    for kernel in inspection.kernels:
        yield ""
        yield from _kernel(kernel, names.get(kernel.metadata.name, ""))
    yield ""
    shown = len(inspection.kernels)
    refused = sum(1 for kernel in inspection.kernels if kernel.refusals)
    yield (
        f"the emulator would refuse {refused} of {shown} kernel(s)"
        if refused
        else f"the emulator would run all of {shown} kernel(s)"
    )


def _kernel(kernel: KernelInspection, readable: str) -> Iterator[str]:
    facts = kernel.metadata
    yield f"kernel {facts.name}"
    if readable not in ("", facts.name):
        yield f"  in C++          {readable}"
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
