"""wrapper_present: a wrapper exists, launches the kernel, and passes the arguments the kernel takes.

First on the syntax tree: the function exists and its live code reaches a launch. Then on the device,
for every element type of the contract: what the launch passes is compared with the code object's
metadata (once with the launch skipped, so that wrong arguments are reported and not run), and the
launch really happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, digest, known, named
from rocverify.checks.kinds.command import Line
from rocverify.checks.support.native_launch import launched_by_program
from rocverify.checks.support.references import Entry, Reference
from rocverify.checks.support.wrapper_sources import launch_in_sources
from rocverify.code.call_sites import describe_path
from rocverify.code.languages import is_c_family, is_rust
from rocverify.code.launches import LaunchFinder
from rocverify.code.places import Place
from rocverify.errors import ContractError, SubjectError
from rocverify.markdown import prose
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class WrapperPresentParams(CheckParams):
    """`wrapper` is `module:function`; `source` and `symbol` name the kernel it launches; `contract`
    (`module:Class`) drives it, looked up in the project's contracts when not named. Of a Rust or C++ wrapper
    (`src/a.rs:f`), `program` are shell lines that run it, and the launches seen decide."""

    wrapper: Entry
    source: str = Field(min_length=1)
    symbol: str = Field(min_length=1)
    contract: Reference | None = None
    program: tuple[Line, ...] = ()


class Argument(Record):
    """An argument as the kernel takes it: `size` in bytes, `passed` as the host gave it."""

    name: str | None = None
    kind: str | None = None
    size: int | None = None
    passed: str | None = None


class Launch(Record):
    """An observed launch, `grid` in workgroups and `block` in work-items."""

    dtype: str | None = None
    kernel: str | None = None
    case: dict[str, Any] | None = None
    grid: list[int] = Field(default_factory=list)
    block: list[int] = Field(default_factory=list)
    shared_bytes: int | None = None
    call_site: str | None = None
    callers: list[str] = Field(default_factory=list)
    arguments: list[Argument] = Field(default_factory=list)

    @property
    def how(self) -> str:
        """Geometry and arguments, as Markdown."""
        given = ", ".join(f"{known(a.name)} ({known(a.kind)}, {known(a.size)} bytes)" for a in self.arguments)
        return f"grid {_sizes(self.grid)}, block {_sizes(self.block)}, arguments {given or 'none'}"


def _sizes(sizes: list[int]) -> str:
    return f"({', '.join(map(str, sizes))})"


class WrapperPresentEvidence(Evidence):
    """Where the wrapper is, the path to its launch in the sources, and what the device saw. A Rust or C++
    wrapper has the `program` that ran it, and what that `launched`, by kernel."""

    wrapper: str | None = None
    defined: str | None = None
    launch: str | None = None
    launch_path: list[str] = Field(default_factory=list)
    launch_sites: list[str] = Field(default_factory=list)
    symbol_named: str | None = None
    device: dict[str, Any] | None = None
    code_object: str | None = None
    launches: list[Launch] = Field(default_factory=list)
    program: list[str] = Field(default_factory=list)
    exit_code: int | None = None
    launched: dict[str, int] = Field(default_factory=dict)
    observed: list[dict[str, Any]] = Field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Where the wrapper is, and what it passed at each launch, as lines of a Markdown list."""
        if self.defined:
            yield f"- {named(self.wrapper)} is defined at {named(self.defined)}"
        if self.launch:
            yield f"- path to the launch: {prose(self.launch)}"
        for site in self.launch_sites:
            yield f"- launches at {prose(site)}"
        how: dict[str, list[str]] = {}
        for launch in self.launches:
            # The element types of one kernel mostly agree in how it is launched.
            how.setdefault(launch.how, []).append(f"{named(launch.kernel)} ({known(launch.dtype)})")
        for words, kernels in how.items():
            yield f"- observed launch of {', '.join(kernels)}: {words}"
        if self.program:
            ran = ", ".join(f"{named(name)} {times}" for name, times in self.launched.items())
            yield f"- {'; '.join(map(named, self.program))} launched {ran or 'nothing'}"
        if self.code_object:
            yield f"- code object launched: {digest(self.code_object)}"

    def launch_calls(self) -> tuple[str, ...]:
        """From the wrapper to the launch, as the sources have it."""
        return tuple(self.launch_path)


def run(params: WrapperPresentParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a wrapper or source that is absent, CompileError, SubjectError and
    DeviceFaultError for what goes wrong on the way to the launch, ContractError for no contract."""
    ctx.code.locate(params.source)
    path = params.wrapper.partition(":")[0]
    if is_rust(path) or is_c_family(path):
        evidence = WrapperPresentEvidence(wrapper=params.wrapper)
        seen = launch_in_sources(ctx, params.source, params.symbol, evidence)
        if isinstance(seen, Outcome):
            return seen
        if not params.program:
            raise seen
        return launched_by_program(ctx, params.symbol, params.program, evidence)
    wrapper = ctx.code.resolve(params.wrapper)
    evidence = WrapperPresentEvidence(wrapper=params.wrapper, defined=wrapper.location)
    unseen = list(_static(params, ctx, wrapper, evidence))
    findings = _seen_to_launch(params, ctx, evidence, unseen) if unseen else _observed(params, ctx, evidence)
    if findings:
        hint = (
            f"{wrapper.qualname} ({wrapper.location}) must launch {params.symbol} of {params.source} with "
            "the arguments that it declares, in their order, over a grid that covers the data"
        )
        return Outcome.failed(findings[0].message, evidence, hint=hint, findings=tuple(findings))
    return Outcome.passed(_summary(params, wrapper, evidence), evidence)


def _seen_to_launch(
    params: WrapperPresentParams, ctx: CheckContext, evidence: WrapperPresentEvidence, unseen: list[Finding]
) -> list[Finding]:
    """The sources show no launch, which they need not (a name made at run time): what the device sees
    decides. Where it sees none either, the sources say why."""
    try:
        observed = _observed(params, ctx, evidence)
    except (SubjectError, ContractError):
        return unseen
    if observed:
        return [*unseen, *observed]
    evidence.launch = "not followed in the sources; seen on the device"
    return []


def _static(
    params: WrapperPresentParams, ctx: CheckContext, wrapper: Place, evidence: WrapperPresentEvidence
) -> Iterator[Finding]:
    finder = LaunchFinder(ctx.code, ctx.settings.transfers.launches)
    path = finder.path(wrapper)
    if path is None:
        launches = " or ".join(ctx.settings.transfers.launches)
        message = f"{wrapper.qualname} reaches no launch: no live call leads from it to {launches}"
        yield Finding(message, wrapper.location, params.symbol, wrapper.qualname)
        return
    evidence.launch_path = [str(site) for site in path]
    evidence.launch = describe_path(path)
    use = finder.use_of([wrapper], params.symbol)
    evidence.symbol_named = use.location if use else "not as a constant; seen at the launch"


def _observed(
    params: WrapperPresentParams, ctx: CheckContext, evidence: WrapperPresentEvidence
) -> list[Finding]:
    from rocverify.checks.support.driving import kernel_object  # these need the toolchain and device rooms
    from rocverify.checks.support.wrapper_launch import LaunchProbe

    built, missing = kernel_object(ctx, params.source, (params.symbol,))
    if built is None or missing:
        return missing
    with ctx.launching() as session:
        probe = LaunchProbe(ctx, session, built, params.source)
        findings = probe.run(params.wrapper, params.symbol, params.contract)
    evidence.device = ctx.device.info.to_json()
    evidence.code_object = built.sha256
    evidence.launches = [Launch.model_validate(launch) for launch in probe.launches]
    return findings


def _summary(params: WrapperPresentParams, wrapper: Place, evidence: WrapperPresentEvidence) -> str:
    launches = evidence.launches
    dtypes = ", ".join(launch.dtype or "" for launch in launches)
    count = len(launches[0].arguments) if launches else 0
    return (
        f"{wrapper.qualname} ({wrapper.location}) launches {params.symbol}; "
        f"its {count} arguments agree with the code object ({dtypes})"
    )


CHECK = CheckKind(
    "wrapper_present", WrapperPresentParams, run, needs_device=True, evidence=WrapperPresentEvidence
)
