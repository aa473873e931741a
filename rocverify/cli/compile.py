"""`rocverify compile FILE`."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rocverify.cli.codeobjects import Exit, exit_code_of, source_flags
from rocverify.errors import CompilerNotFoundError, EnvironmentFaultError, ToolchainError, UsageError
from rocverify.toolchain.packages import install_hint

if TYPE_CHECKING:
    from rocverify.device.by_hand.workspace import Workspace
    from rocverify.toolchain.bundles import DeviceCode
    from rocverify.toolchain.code_metadata import KernelMetadata

EXIT_CODES = """\b
Exit codes:
    0  compiled
    1  the compiler rejected the source; what it said is shown as it said it
    2  the command line is wrong, or a file cannot be read or written
    3  there is no compiler here, or it broke
    4  rocverify itself broke
"""


@click.command(
    "compile",
    help="Compile a kernel source to a code object, by the toolchain's own command, which is printed.\n\n"
    "It is compiled with -O3 -gline-tables-only and then with the flags after --, so that they win. With one "
    "target the output is one code object, by default the source's name with .hsaco in the working folder. "
    "Several targets make as many code objects, k.gfx1100.hsaco and so on, or with --bundle one offload "
    "bundle of all of them, by default k.hipfb. With --program the output is the whole program, host code "
    "included, for `rocverify exec` or a GPU. The build manifest has no say here.",
    epilog=EXIT_CODES,
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@source_flags
@click.option("-o", "--output", type=click.Path(path_type=Path), help="What to write.")
@click.option(
    "--target",
    "targets",
    metavar="GFX",
    multiple=True,
    help="Target to compile for, for example gfx1100 or gfx90a:xnack-; may be repeated.  [default: the first "
    "of the setting `targets`]",
)
@click.option("--bundle", is_flag=True, help="Write one offload bundle, which hipModuleLoad takes.")
@click.option(
    "--program",
    is_flag=True,
    help="Compile a whole program, host code and all, and link it with libamdhip64.",
)
def command(
    file: Path,
    flags: tuple[str, ...],
    output: Path | None,
    targets: tuple[str, ...],
    bundle: bool,
    program: bool,
) -> int:
    """Runs `rocverify compile`; returns its exit code."""
    if program:
        return exit_code_of(lambda: _compile_program(file, flags, output, targets))
    return exit_code_of(lambda: _compile(file, flags, output, targets, bundle))


def _compile_program(
    file: Path, flags: tuple[str, ...], output: Path | None, targets: tuple[str, ...]
) -> int:
    from rocverify.device.by_hand.files import DEFAULT_FLAGS, LINE_FLAGS, check_flags
    from rocverify.toolchain.commands import program_command

    workspace = _workspace_for(file)
    check_flags(flags)
    wanted = tuple(dict.fromkeys(targets)) or workspace.settings.targets[:1]
    toolchain = workspace.toolchain
    if not toolchain.clang.resolve().with_name("clang-offload-bundler").is_file():
        raise CompilerNotFoundError(
            "has no clang-offload-bundler beside it, which whole programs need",
            where=str(toolchain.clang),
            hint=install_hint((f"clang-tools-{toolchain.llvm_major}",)),
        )
    with tempfile.TemporaryDirectory(prefix="rocverify-compile-") as folder:
        libraries = _libraries(workspace, wanted, Path(folder))
        every = (*DEFAULT_FLAGS, *LINE_FLAGS, *flags)
        line = program_command(toolchain, str(file), wanted, every, libraries=libraries)
        if not _ran([*line, "-o", str(output or file.stem)], workspace, file):
            return Exit.FOUND
    click.echo(f"{output or file.stem}: a program for {', '.join(wanted)}")
    return Exit.FINE


def _libraries(workspace: Workspace, targets: Sequence[str], scratch: Path) -> str:
    """One folder of device bitcode for all of the targets."""
    from rocverify.toolchain.devicelibs import libraries_for

    cache = workspace.cache_dir or scratch
    found = {target: libraries_for(workspace.toolchain, target, None, cache) for target in targets}
    made_up = {one.folder: target for target, one in found.items() if one.synthesised}
    if len(made_up) > 1:
        raise UsageError(
            f"the device libraries here know none of {', '.join(made_up.values())}: one of them at a time",
            hint="give a single --target",
        )
    return str(next(iter(made_up), found[targets[0]].folder))


def _workspace_for(file: Path) -> Workspace:
    from rocverify.device.by_hand.workspace import Workspace

    if not file.is_file():
        raise UsageError("is a folder" if file.is_dir() else "does not exist", where=str(file))
    return Workspace.here()


def _ran(command_line: Sequence[str], workspace: Workspace, file: Path) -> bool:
    """Shows the compiler's command, which ends in `-o OUTPUT`, and runs it; False where it rejected the
    source."""
    from rocverify.store.tools import run_tool

    click.echo(shlex.join(command_line))
    try:
        said = run_tool(command_line, timeout_s=workspace.toolchain.timeout_s)
    except EnvironmentFaultError as error:
        told = f"{error.where}: {error.message}"
        raise EnvironmentFaultError(told, where=f"-o {command_line[-1]}", hint=error.hint) from error
    click.echo(said.output + said.log, nl=False, err=True)
    if said.returncode < 0 or said.returncode > 1:
        raise ToolchainError(f"the compiler broke (exit status {said.returncode})", where=str(file))
    return said.returncode == 0


def _compile(
    file: Path, flags: tuple[str, ...], output: Path | None, targets: tuple[str, ...], bundle: bool
) -> int:
    from rocverify.device.by_hand.files import check_flags

    workspace = _workspace_for(file)
    check_flags(flags)
    wanted = tuple(dict.fromkeys(targets)) or workspace.settings.targets[:1]
    if len(wanted) > 1 and output is not None and not bundle:
        raise UsageError(
            f"{len(wanted)} targets do not fit in one code object",
            where=f"-o {output}",
            hint="give --bundle for one file of all, or leave -o out for one file each",
        )
    codes: list[DeviceCode] = []
    with tempfile.TemporaryDirectory(prefix="rocverify-compile-") as folder:
        for target in wanted:
            # Inside a bundle a code object has no name of its own.
            path = Path(folder) / f"{target}.co" if bundle else output or _named(file, wanted, target)
            code = _compiled(file, target, flags, path, workspace, Path(folder))
            if code is None:
                return Exit.FOUND
            codes.append(code)
    if bundle:
        _write_bundle(output or Path(f"{file.stem}.hipfb"), codes)
    return Exit.FINE


def _named(file: Path, targets: Sequence[str], target: str) -> Path:
    middle = f".{target.replace(':', '-')}" if len(targets) > 1 else ""
    return Path(f"{file.stem}{middle}.hsaco")


def _compiled(
    file: Path, target: str, flags: Sequence[str], output: Path, workspace: Workspace, scratch: Path
) -> DeviceCode | None:
    """Compiles for one target, and shows the command and the kernels; None where the compiler said no."""
    from rocverify.device.by_hand.files import DEFAULT_FLAGS, LINE_FLAGS
    from rocverify.toolchain.bundles import DeviceCode
    from rocverify.toolchain.codeobject import read_code_object
    from rocverify.toolchain.commands import asked_version, compile_command
    from rocverify.toolchain.devicelibs import libraries_for

    toolchain = workspace.toolchain
    every = (*DEFAULT_FLAGS, *LINE_FLAGS, *flags)
    libraries = libraries_for(toolchain, target, asked_version(every), workspace.cache_dir or scratch)
    line = compile_command(toolchain, str(file), target, every, libraries=str(libraries.folder))
    if not _ran([*line, "-o", str(output)], workspace, file):
        return None
    data = _read(output)
    facts = read_code_object(data, str(output))
    name = file if output.is_relative_to(scratch) else output
    click.echo(f"{name}: {len(facts.kernels)} kernel(s) for {facts.target}{facts.features}")
    for line_of_text in described(tuple(facts.kernels.values()), toolchain.demangler):
        click.echo(f"  {line_of_text}")
    return DeviceCode(facts.target, facts.features, data)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(path)) from None


def described(kernels: Sequence[KernelMetadata], demangler: Path | None) -> Iterator[str]:
    """A line for each kernel: its name, registers, LDS, and what was spilled."""
    from rocverify.kernel_names import demangled

    names = demangled([kernel.name for kernel in kernels], demangler)
    for kernel in kernels:
        parts = [f"{kernel.vgprs} VGPRs", f"{kernel.sgprs} SGPRs", f"{kernel.lds_bytes} bytes of LDS"]
        if kernel.scratch_bytes:
            parts.append(f"{kernel.scratch_bytes} bytes of scratch")
        if kernel.vgpr_spills or kernel.sgpr_spills:
            parts.append(f"{kernel.vgpr_spills} VGPRs and {kernel.sgpr_spills} SGPRs spilled")
        yield f"{names[kernel.name]}: {', '.join(parts)}"


def _write_bundle(path: Path, codes: Sequence[DeviceCode]) -> None:
    from rocverify.toolchain.bundles import listed, write_bundle

    try:
        path.write_bytes(write_bundle(codes))
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(path)) from None
    click.echo(f"{path}: an offload bundle for {listed(code.target_id for code in codes)}")
