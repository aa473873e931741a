"""resources: registers, LDS, spills, scratch and occupancy of kernels stay within a plan's limits.

The figures are those of the code object that is built now. With a contract, dynamic LDS and the workgroup
are those of an observed launch; without one only static LDS counts, and the largest workgroup that the
kernel admits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, digest, known, named
from rocverify.checks.support.references import Reference
from rocverify.kernel_names import kernels_called, same_kernel
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.device.emulator.isa.occupancy import Occupancy
    from rocverify.toolchain.build import BuiltObject
    from rocverify.toolchain.code_metadata import KernelMetadata

Lengths = int | str | tuple[int | str, ...]


class Limits(CheckParams):
    """What a kernel may take, at most; `spills` counts VGPR and SGPR spills together. The least number of
    waves that a SIMD must be able to hold is `min_occupancy_waves`."""

    vgprs: int | None = Field(default=None, ge=0)
    sgprs: int | None = Field(default=None, ge=0)
    lds_bytes: int | None = Field(default=None, ge=0)
    spills: int | None = Field(default=None, ge=0)
    scratch_bytes: int | None = Field(default=None, ge=0)
    min_occupancy_waves: float | None = Field(default=None, gt=0, le=16)

    @model_validator(mode="after")
    def _something_is_limited(self) -> Limits:
        if not self.model_dump(exclude_none=True):
            raise ValueError(f"limit something: {', '.join(type(self).model_fields)}")
        return self


class ResourcesParams(CheckParams):
    """`source`: the kernel source. `symbols`: its kernels that are looked at (default: all that the
    manifest lists). `limits`: see Limits. `contract` (`module:Class`) is launched to see the workgroup
    and the dynamic LDS, on a shape that `dims` limits. `targets`: instead of the manifest's."""

    source: str = Field(min_length=1)
    symbols: tuple[str, ...] | None = Field(default=None, min_length=1)
    limits: Limits
    contract: Reference | None = None
    dims: dict[str, Lengths] = Field(default_factory=dict)
    targets: tuple[str, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _dims_need_a_contract(self) -> ResourcesParams:
        if self.dims and self.contract is None:
            raise ValueError("dims says nothing without a contract")
        return self


@dataclass(frozen=True, slots=True)
class Use:
    """How a kernel is launched: work-items of a workgroup, and dynamic LDS in bytes."""

    workgroup: int
    dynamic_lds: int


class Taken(Record):
    """The kernels of one target's code object: registers, memory in bytes, occupancy by its names."""

    code_object_sha256: str | None = None
    kernels: dict[str, dict[str, Any]] = Field(default_factory=dict)


class ResourcesEvidence(Evidence):
    """What each kernel takes on each target."""

    source: str | None = None
    targets: dict[str, Taken] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """What each kernel takes, by target, as lines of a Markdown list."""
        for target, taken in self.targets.items():
            yield f"- {known(target)}: code object {digest(taken.code_object_sha256)}"
            for name, values in taken.kernels.items():
                told = ", ".join(
                    f"{known(str(k).replace('_', ' '))} {known(v)}"
                    for k, v in values.items()
                    if v is not None
                )
                yield f"  - {named(name)}: {told}"


def run(params: ResourcesParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a source that the manifest lacks, CompileError, ContractError, and
    ToolchainError for an occupancy that nobody can compute here."""
    entry = ctx.entry(params.source)
    symbols = params.symbols or entry.symbols
    targets = params.targets or entry.targets or ctx.settings.targets
    uses = _observed(params, ctx) if params.contract else {}
    findings: list[Finding] = []
    evidence = ResourcesEvidence(source=params.source, targets={})
    for target in targets:
        built = ctx.built(params.source, target)
        rows: dict[str, Any] = {}
        findings += _judged(params, symbols, built, uses, rows)
        evidence.targets[target] = Taken(code_object_sha256=built.sha256, kernels=rows)
    findings += _not_launched(params, symbols, uses)
    if findings:
        hint = (
            "use fewer registers or less LDS (smaller tiles, __launch_bounds__, shorter live ranges), or "
            "change the plan's limits"
        )
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), seen=evidence)
    given = ", ".join(f"{name} {value:g}" for name, value in _given(params.limits).items())
    return Outcome.passed(
        f"{', '.join(symbols)} of {params.source} keep to the limits ({given}) on {', '.join(targets)}",
        seen=evidence,
    )


def _given(limits: Limits) -> dict[str, float]:
    return {name: value for name, value in limits.model_dump().items() if value is not None}


def _observed(params: ResourcesParams, ctx: CheckContext) -> dict[str, Use]:
    """How each kernel is launched by the contract's wrapper, the most demanding launch of each."""
    from rocverify.checks.support.trial import load_spec, planned, shaped
    from rocverify.device.trace.events import Category
    from rocverify.oracle.drive import invocation

    assert params.contract is not None
    uses: dict[str, Use] = {}
    with ctx.launching() as session:
        spec = load_spec(session, params.contract)
        invoke = invocation(spec, session, ctx.built(spec.source, ctx.target).path)
        for dtype in spec.dtypes:
            case = shaped(spec, dtype, ctx.seed, params.dims)
            run = planned(spec, session, case, invoke)
            for event in run.events:
                if event.category is Category.LAUNCH and event.kernel and event.block:
                    x, y, z = event.block
                    before = uses.get(event.kernel, Use(0, 0))
                    most = max(before.workgroup, x * y * z), max(before.dynamic_lds, event.shared_bytes or 0)
                    uses[event.kernel] = Use(*most)
    return uses


def _not_launched(
    params: ResourcesParams, symbols: tuple[str, ...], uses: Mapping[str, Use]
) -> list[Finding]:
    """With a contract, what was asked for must be what it launches."""
    if params.contract is None:
        return []
    seen = ", ".join(uses) or "nothing"
    return [
        Finding(f"{params.contract} does not launch {symbol}: it launched {seen}", params.source, symbol)
        for symbol in symbols
        if not any(same_kernel(name, symbol) for name in uses)
    ]


def _judged(
    params: ResourcesParams,
    symbols: tuple[str, ...],
    built: BuiltObject,
    uses: Mapping[str, Use],
    rows: dict[str, Any],
) -> list[Finding]:
    """The findings of one code object; what was measured goes into `rows`."""
    from rocverify.device.emulator.isa.occupancy import occupancy

    found: list[Finding] = []
    target, kernels = built.code_object.target, built.code_object.kernels
    for symbol in symbols:
        meant = kernels_called(kernels, symbol)
        if not meant:
            known = ", ".join(sorted(kernels)) or "no kernel"
            text = f"the code object of {params.source} for {target} has no {symbol}: it has {known}"
            found.append(Finding(text, params.source, symbol))
        for kernel in (kernels[name] for name in meant):
            use = uses.get(kernel.name, Use(kernel.max_workgroup_size, 0))
            measured = _measured(kernel, use)
            held: Occupancy | None = None
            if params.limits.min_occupancy_waves is not None:
                held = occupancy(kernel, target, workgroup=use.workgroup, lds_bytes=measured["lds_bytes"])
            shown = symbol if len(meant) == 1 else kernel.name
            rows[shown] = {**measured, **_metadata(kernel), "occupancy": held.to_json() if held else None}
            found += _excesses(params, shown, target, measured, held)
    return found


def _measured(kernel: KernelMetadata, use: Use) -> dict[str, int]:
    return {
        "vgprs": kernel.vgprs,
        "sgprs": kernel.sgprs,
        "lds_bytes": kernel.lds_bytes + use.dynamic_lds,
        "spills": kernel.vgpr_spills + kernel.sgpr_spills,
        "scratch_bytes": kernel.scratch_bytes,
    }


def _metadata(kernel: KernelMetadata) -> dict[str, int]:
    names = ("vgpr_spills", "sgpr_spills", "wavefront_size", "max_workgroup_size")
    return {name: getattr(kernel, name) for name in names}


def _excesses(
    params: ResourcesParams, symbol: str, target: str, measured: Mapping[str, int], held: Occupancy | None
) -> list[Finding]:
    limits = _given(params.limits)
    texts = [
        f"{symbol} takes {measured[name]} {_WORDS[name]} on {target}, at most {limit:g} are allowed"
        for name, limit in limits.items()
        if name in measured and measured[name] > limit
    ]
    least = params.limits.min_occupancy_waves
    if held is not None and least is not None and held.waves < least:
        texts.append(
            f"a SIMD of {target} holds {held.waves:g} waves of {symbol} at once, limits: {held.limited_by} "
            f"({measured['vgprs']} VGPRs, {held.lds_bytes} bytes of LDS, workgroups of {held.workgroup}); "
            f"at least {least:g} are asked for"
        )
    return [Finding(text, params.source, symbol) for text in texts]


_WORDS = {
    "vgprs": "VGPRs",
    "sgprs": "SGPRs",
    "lds_bytes": "bytes of LDS",
    "spills": "spilled registers",
    "scratch_bytes": "bytes of scratch",
}

CHECK = CheckKind("resources", ResourcesParams, run, evidence=ResourcesEvidence)
