"""kernel_compiled: a kernel is in the build manifest and compiles, now, to an object that holds it.

Not that a file exists, and not that a build once passed: the source is compiled for each target (or found
unchanged in the content-addressed cache) and the kernels are looked up in the code object itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from textwrap import indent
from typing import Any

from pydantic import Field, model_validator

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.context import CheckContext
from rocverify.checks.evidence import Evidence, Record, digest, known
from rocverify.device.emulator.isa.occupancy import full_workgroups
from rocverify.device.launch_limits import lds_bytes
from rocverify.errors import CompileError
from rocverify.kernel_names import kernels_called
from rocverify.markdown import code, fenced, inline
from rocverify.records import CheckVerdict, Finding
from rocverify.toolchain.build import BuiltObject
from rocverify.toolchain.code_metadata import KernelMetadata
from rocverify.toolchain.diagnostics import first_error
from rocverify.toolchain.found import IN_SOURCES
from rocverify.toolchain.manifest import ManifestEntry
from rocverify.toolchain.prebuilt import is_prebuilt
from rocverify.toolchain.stores import kernels_without_stores


class KernelCompiledParams(CheckParams):
    """`source`: the kernel source, relative to the root. `symbols`: the kernels that must be in it (one
    may be given as `symbol`); without, all that the manifest lists. `targets`: instead of the
    manifest's or the settings'."""

    source: str = Field(min_length=1)
    symbols: tuple[str, ...] | None = Field(default=None, min_length=1)
    targets: tuple[str, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_symbol(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "symbol" not in data:
            return data
        if data.get("symbols") is not None:
            raise ValueError("give either symbol or symbols")
        rest = {key: value for key, value in data.items() if key != "symbol"}
        return {**rest, "symbols": (data["symbol"],)}


class CompiledKernel(Record):
    """A kernel of a code object, as its metadata have it. Registers in number, memory in bytes."""

    vgprs: int | None = None
    sgprs: int | None = None
    vgpr_spills: int | None = None
    sgpr_spills: int | None = None
    lds_bytes: int | None = None
    scratch_bytes: int | None = None
    wavefront_size: int | None = None
    max_workgroup_size: int | None = None
    kernarg_bytes: int | None = None
    waves: float | None = None
    """Waves that a SIMD can hold of it, in workgroups of the largest size; None on a target of which that is
    not known."""
    limited_by: str | None = None

    @classmethod
    def of(cls, kernel: KernelMetadata, target: str) -> CompiledKernel:
        """What a code object says of one."""
        own = ("kernarg_bytes", "waves", "limited_by")
        same = {name: getattr(kernel, name) for name in cls.model_fields if name not in own}
        waves, limited_by = full_workgroups(kernel, target)
        return cls(**same, kernarg_bytes=kernel.kernarg_size, waves=waves, limited_by=limited_by)


class Compiled(Record):
    """What became of a source for one target: a code object, or an `error` with its place and the compiler's
    `log`. `command` has the compiler by name: where it lies differs between machines."""

    error: str | None = None
    where: str | None = None
    log: str | None = None
    source_sha256: str | None = None
    headers_sha256: str | None = None
    code_object_sha256: str | None = None
    code_object_version: int | None = None
    compiler: str | None = None
    command: str | None = None
    warnings: str | None = None
    cached: bool | None = None
    compile_seconds: float | None = None
    kernels: dict[str, CompiledKernel] = Field(default_factory=dict)

    @classmethod
    def of(cls, built: BuiltObject | CompileError, target: str) -> Compiled:
        """What a build gave."""
        if isinstance(built, CompileError):
            return cls(error=built.message, where=built.where, log=built.log)
        kernels = {
            name: CompiledKernel.of(one, target) for name, one in sorted(built.code_object.kernels.items())
        }
        if is_prebuilt(built.source):
            version = built.code_object.abi_version
            return cls(code_object_sha256=built.sha256, code_object_version=version, kernels=kernels)
        return cls(
            source_sha256=built.source_sha256,
            headers_sha256=built.headers_sha256,
            code_object_sha256=built.sha256,
            code_object_version=built.code_object.abi_version,
            compiler=built.compiler,
            command=" ".join((Path(built.command[0]).name, *built.command[1:])),
            warnings=built.log,
            cached=built.cached,
            compile_seconds=round(built.seconds, 3),
            kernels=kernels,
        )

    def lines(self, target: str) -> Iterator[str]:
        """List items of Markdown."""
        if self.code_object_sha256 is None:
            yield f"- {inline(target)}: {known(self.error)} (see the compiler's output)"
            return
        kernels = ", ".join(map(code, self.kernels))
        yield f"- {inline(target)}: code object {digest(self.code_object_sha256)} with {kernels}"
        if self.compiler is None:
            yield "  - built before; nothing was compiled"
            return
        yield f"  - compiled by {known(self.compiler)}:"
        if self.command:
            yield f"\n{indent(fenced(self.command, 'sh'), '    ')}\n"
        yield f"  - source {digest(self.source_sha256)}, headers {digest(self.headers_sha256)}"
        if self.warnings:
            yield f"  - the compiler said: {known(self.warnings)}"


class KernelCompiledEvidence(Evidence):
    """Where the source is listed, and what became of it by target; `manifest_sources` where it is not."""

    coverage: dict[str, Any] | None = None
    manifest: str | None = None
    targets: dict[str, Compiled] = Field(default_factory=dict)
    manifest_sources: list[str] = Field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The manifest entry, and what was built for each target, as lines of a Markdown list."""
        if self.manifest:
            yield f"- listed at {code(self.manifest)}"
        for target, built in self.targets.items():
            yield from built.lines(target)
        if self.manifest_sources:
            yield f"- the manifest lists {', '.join(map(code, self.manifest_sources))}"


def run(params: KernelCompiledParams, ctx: CheckContext) -> Outcome:
    """Passed if every symbol is in the code object of every target. Evidence: digests, compiler, command,
    and for each kernel its registers, LDS, scratch, spills and wavefront size."""
    source = PurePosixPath(params.source).as_posix()
    entry = next((e for e in ctx.manifest.entries if e.source == source), None)
    if entry is None:
        return _not_in_manifest(params, ctx)
    if not (ctx.root / source).is_file():
        return _source_gone(entry, ctx)
    targets = params.targets or entry.targets or ctx.settings.targets
    results = dict(zip(targets, ctx.builds([entry], targets), strict=True))
    symbols = params.symbols or entry.symbols
    findings = tuple(f for t, built in results.items() for f in _findings(built, t, entry, symbols, ctx))
    compiled = {
        name
        for built in results.values()
        if isinstance(built, BuiltObject)
        for name in built.code_object.kernels
    }
    evidence = KernelCompiledEvidence(
        coverage={"source": source, "compiled": sorted(compiled)},
        manifest=_listed(entry, ctx),
        targets={t: Compiled.of(built, t) for t, built in results.items()},
    )
    if findings:
        return Outcome.failed(findings[0].message, evidence, hint=_hint(results), findings=findings)
    if is_prebuilt(source):
        return Outcome(CheckVerdict.NOT_RUN, _built_before(source, results), evidence=evidence.data())
    return Outcome.passed(_summary(entry, symbols, results), evidence)


def _not_in_manifest(params: KernelCompiledParams, ctx: CheckContext) -> Outcome:
    symbols = ", ".join(f'"{name}"' for name in params.symbols or ("...",))
    message = f"{params.source} is not in the build manifest {ctx.manifest.path}"
    present = [entry.source for entry in ctx.manifest.entries]
    return Outcome.failed(
        message,
        KernelCompiledEvidence(manifest_sources=present),
        hint=f'add [[kernel]] with source = "{params.source}", symbols = [{symbols}] and env',
        findings=(Finding(message, location=f"{ctx.manifest.path}:1", entity=params.source),),
    )


def _source_gone(entry: ManifestEntry, ctx: CheckContext) -> Outcome:
    message = f"{entry.source} does not exist, but the build manifest lists it"
    return Outcome.failed(
        message,
        hint=f"restore {entry.source}",
        findings=(Finding(message, location=f"{ctx.manifest.path}:{entry.line}", entity=entry.source),),
    )


def _findings(
    built: BuiltObject | CompileError,
    target: str,
    entry: ManifestEntry,
    symbols: tuple[str, ...],
    ctx: CheckContext,
) -> list[Finding]:
    """What is wrong with one target's result; nothing if it is as it must be."""
    if isinstance(built, CompileError):
        where = built.where or entry.source
        text = f"{entry.source} {built.message}\n{first_error(built.log)}".strip()
        return [Finding(text, location=where, entity=entry.source)]
    kernels = built.code_object.kernels
    at = _listed(entry, ctx)
    # Names of a manifest are those that hipModuleGetFunction is given; without one they are the sources'.
    written = ctx.manifest.path == IN_SOURCES
    if not kernels:
        message = f"the code object of {entry.source} for {target} holds no kernel at all"
        return [Finding(message, location=at, entity=entry.source)]
    held = ", ".join(sorted(kernels))
    missing = [
        Finding(
            f"the code object of {entry.source} for {target} has no kernel {name}; it has {held}",
            location=entry.source,
            kernel=name,
            entity=name,
        )
        for name in symbols
        if name not in kernels and not (written and kernels_called(kernels, name))
    ]
    limit = lds_bytes(built.code_object.target)
    too_much = [
        Finding(
            f"{kernel.name} needs {kernel.lds_bytes} bytes of LDS on {target}; a workgroup can have {limit}",
            location=entry.source,
            kernel=kernel.name,
        )
        for kernel in kernels.values()
        if kernel.lds_bytes > limit
    ]
    idle = [
        Finding(
            f"{name} writes nothing to memory on {target}: it has no store, no atomic and no call",
            location=entry.source,
            kernel=name,
        )
        for name in kernels_without_stores(built.path.read_bytes(), built.code_object.target, tuple(kernels))
    ]
    return missing + too_much + idle


def _listed(entry: ManifestEntry, ctx: CheckContext) -> str:
    """Where a kernel is listed: in the manifest, else in its source."""
    return f"{entry.source if ctx.manifest.path == IN_SOURCES else ctx.manifest.path}:{entry.line}"


def _hint(results: dict[str, BuiltObject | CompileError]) -> str:
    errors = [built for built in results.values() if isinstance(built, CompileError)]
    return (errors[0].hint if errors else None) or "correct the source, or what the plan and manifest name"


def _built_before(source: str, targets: Iterable[str]) -> str:
    return (
        f"{source} was built before, for {', '.join(targets)}, and holds the kernels; that its source "
        "compiles was not tried"
    )


def _summary(
    entry: ManifestEntry, symbols: tuple[str, ...], results: dict[str, BuiltObject | CompileError]
) -> str:
    count = f"{len(symbols)} kernel{'s' if len(symbols) != 1 else ''}"
    return f"{entry.source} compiles for {', '.join(results)}; {count} found: {', '.join(symbols)}"


CHECK = CheckKind("kernel_compiled", KernelCompiledParams, run, evidence=KernelCompiledEvidence)
