"""What the sources of a Rust or C++ wrapper show of a launch: enough to fail, never to pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rocverify.checks.base import Outcome
from rocverify.checks.support.launch_lds import wrong_lds
from rocverify.code.constants import wave_widths
from rocverify.code.host_values import SIZES
from rocverify.code.launches import LaunchFinder, LaunchSite
from rocverify.errors import RocverifyError
from rocverify.kernel_names import kernels_called, last_name, same_kernel
from rocverify.records import Finding
from rocverify.toolchain.code_metadata import KernelMetadata

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.checks.kinds.wrapper_present import WrapperPresentEvidence

_POINTER = re.compile(r"\*|\b(?:hipDeviceptr_t|DevicePtr|DevicePointer|c_void)\b")
_UNSIGNED = re.compile(r"u(?:8|16|32|64|size)|unsigned\b.*|(?:std::)?u?size_t|(?:std::)?uint\d+_t|c_uint")
_SIGNED = re.compile(r"i(?:8|16|32|64|size)|int|short|long(?: long)?|(?:std::)?int\d+_t|c_int")
_FLOATS = re.compile(r"f(?:16|32|64)|float|double|_Float16|c_float")


def launch_in_sources(
    ctx: CheckContext, source: str, symbol: str, evidence: WrapperPresentEvidence
) -> Outcome | RocverifyError:
    """What is wrong with a launch, as a failure; else the error that says how little sources show. Raises
    CompileError for a kernel that does not compile, RocverifyError for sources that cannot be parsed."""
    path, _, name = str(evidence.wrapper).partition(":")
    unit = ctx.code.unit(path)
    functions = ctx.code.functions(path, name)
    if not functions and unit.broken is not None:
        raise RocverifyError(f"whether it defines {name} cannot be told", where=f"{unit.path}:{unit.broken}")
    if not functions:
        finding = Finding(f"{unit.path} defines no function {name}", unit.path, entity=name)
        return Outcome.failed(finding.message, hint=f"write {name}, or correct the plan", findings=(finding,))
    ctx.code.locate(source)
    built = ctx.built(source, ctx.settings.targets[0])
    kernels = built.code_object.kernels
    meant = [kernels[name] for name in kernels_called(kernels, symbol)]
    if not meant:
        finding = Finding(f"the code object of {source} has no kernel {symbol}", source, kernel=symbol)
        return Outcome.failed(
            finding.message, hint="write the kernel, or correct the plan", findings=(finding,)
        )
    finder = LaunchFinder(ctx.code, ctx.settings.transfers.launches)
    sites = finder.sites(functions, symbol)
    parameters = _parameters(ctx, source, symbol)
    findings = [f for site in sites for f in _wrong_for_all(site, meant, parameters)]
    findings += [f for site in sites for f in wrong_lds(ctx.code, site, source, last_name(symbol))]
    findings += [f for file in dict.fromkeys((unit.path, source)) for f in _widths(ctx, file, meant[0])]
    evidence.defined = f"{unit.path}:{functions[0].line}"
    if not sites and (dead := finder.dead(functions, symbol)):
        message = f"{name} never launches {symbol}: at {dead[0]} it can never run: {dead[1]}"
        findings.append(Finding(message, dead[0], symbol, name))
    evidence.launch_sites = [" → ".join((*site.steps, site.where)) for site in sites]
    if findings:
        hint = f"{name} must launch {symbol} with the arguments that it declares, in their order"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), seen=evidence)
    seen = (
        f"launches {symbol} at {sites[0].where}"
        if sites
        else f"shows no launch of {symbol} that can be followed"
    )
    return RocverifyError(
        f"{name} {seen}; nothing that runs it was executed",
        where=evidence.defined,
        hint="bind wrapper_present with program: a test or program of the project that runs it",
    )


def _parameters(ctx: CheckContext, source: str, symbol: str) -> tuple[tuple[str, str], ...]:
    """The kernel's parameters as its source declares them: name and type."""
    kernels = (f for f in ctx.code.unit(source).functions if f.kernel and not f.dead)
    found = [f for f in kernels if same_kernel("::".join(f.path), symbol)]
    defined = [f for f in found if not f.declared and not f.template]
    return tuple((p.name, p.type) for p in defined[0].parameters) if len(defined) == 1 else ()


def _wrong_for_all(
    site: LaunchSite, kernels: Sequence[KernelMetadata], parameters: tuple[tuple[str, str], ...]
) -> list[Finding]:
    """What is wrong with a launch whichever of the kernels of one name it is of: the least."""
    return min((list(_wrong(site, kernel, parameters)) for kernel in kernels), key=len)


def _wrong(
    site: LaunchSite, metadata: KernelMetadata, parameters: tuple[tuple[str, str], ...]
) -> Iterator[Finding]:
    way = f" ({' → '.join(site.steps)})" if site.steps else ""
    block = site.block or ()
    threads = 1
    for size in block:
        threads *= size
    if block and threads > metadata.max_workgroup_size:
        shown = " x ".join(map(str, block))
        message = (
            f"{site.function} launches blocks of {shown} at {site.where}; {metadata.name} takes at most "
        )
        yield Finding(
            f"{message}{metadata.max_workgroup_size}{way}", site.where, metadata.name, site.function
        )
    if site.arguments is None:
        return
    expected = metadata.explicit_args
    if len(site.arguments) != len(expected):
        given = f"{site.function} hands over {len(site.arguments)} arguments at {site.where}"
        message = f"{given}; {metadata.name} takes {len(expected)}{way}"
        yield Finding(message, site.where, metadata.name, site.function)
        return
    names, given_names = [name for name, _ in parameters], [_plain(a.name) for a in site.arguments]
    for index, (handed, argument) in enumerate(zip(site.arguments, expected, strict=True)):
        declared = parameters[index] if index < len(parameters) else (argument.name or "", "")
        where = f"argument {index} of {metadata.name} ({declared[0]}) at {site.where}"
        wrong = _mismatch(handed.type, argument.kind, argument.size, declared[1])
        if wrong:
            yield Finding(f"{where}: {handed.text} is {wrong}{way}", site.where, metadata.name, site.function)
        elif (
            _plain(handed.name) != declared[0] and _plain(handed.name) in names and declared[0] in given_names
        ):
            place = names.index(_plain(handed.name))
            message = f"{where}: {handed.name} is handed over, the name of argument {place}{way}"
            yield Finding(message, site.where, metadata.name, site.function)


def _plain(name: str) -> str:
    """A variable without what says only how it is handed over: `rows` of `rows_arg`, `x` of `x_ptr`."""
    return re.sub(r"\A(?:arg|dev|d)_(?=\w)|_(?:arg|ptr|dev|i32|u32|val)\Z", "", name)


def _mismatch(given: str, kind: str, size: int, declared: str) -> str:
    """In which way a variable is not what the kernel takes; empty where it may be."""
    plain = " ".join(re.sub(r"\b(?:const|mut|volatile)\b|&", " ", given).split())
    wanted = " ".join(re.sub(r"\b(?:const|volatile)\b|__restrict\w*", " ", declared).split())
    is_pointer = _POINTER.search(given) is not None
    if not plain or (not is_pointer and plain not in SIZES):
        return ""
    if kind == "global_buffer":
        return "" if is_pointer or SIZES[plain] == 8 else f"{plain}; the kernel takes a pointer"
    if is_pointer:
        return f"a pointer ({given}); the kernel takes {wanted or f'{size} bytes'} by value"
    if SIZES[plain] != size:
        return f"{plain}, {SIZES[plain]} bytes; the kernel takes {wanted or 'a value'} of {size}"
    if bool(_FLOATS.fullmatch(plain)) != bool(_FLOATS.fullmatch(wanted)) and wanted in SIZES:
        return f"{plain}; the kernel takes {wanted}"
    if _UNSIGNED.fullmatch(plain) and _SIGNED.fullmatch(wanted):
        return f"{plain}, which has no sign; the kernel takes {wanted}"
    if _SIGNED.fullmatch(plain) and _UNSIGNED.fullmatch(wanted):
        return f"{plain}, which has a sign; the kernel takes {wanted}"
    return ""


def _widths(ctx: CheckContext, path: str, metadata: KernelMetadata) -> Iterator[Finding]:
    for name, width, line in wave_widths(ctx.code.unit(path)):
        if width != metadata.wavefront_size:
            lanes = f"waves of {metadata.name} have {metadata.wavefront_size} lanes"
            message = f"{name} is {width} at {path}:{line}; {lanes}"
            yield Finding(message, f"{path}:{line}", metadata.name, name)
