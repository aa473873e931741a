"""wrapper_present: a wrapper exists, launches the kernel, and passes the arguments the kernel takes.

First on the syntax tree: the function exists and its live code reaches a launch. Then on the device,
for every element type of the contract: what the launch passes is compared with the code object's
metadata (once with the launch held back, so that wrong arguments are reported and not run), and the
launch really happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.kinds.command import Line
from rocverify.checks.support.native_launch import launched_by_program
from rocverify.checks.support.references import Entry, Reference
from rocverify.checks.support.wrapper_sources import launch_in_sources
from rocverify.code.call_sites import describe_path
from rocverify.code.languages import is_c_family, is_rust
from rocverify.code.launches import LaunchFinder
from rocverify.code.places import Place
from rocverify.errors import ContractError, SubjectError
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


def run(params: WrapperPresentParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for a wrapper or source that is absent, CompileError, SubjectError and
    DeviceFaultError for what goes wrong on the way to the launch, ContractError for no contract."""
    ctx.code.locate(params.source)
    path = params.wrapper.partition(":")[0]
    if is_rust(path) or is_c_family(path):
        seen = launch_in_sources(ctx, params.wrapper, params.source, params.symbol)
        if isinstance(seen, Outcome):
            return seen
        if not params.program:
            raise seen
        return launched_by_program(ctx, params.wrapper, params.symbol, params.program)
    wrapper = ctx.code.resolve(params.wrapper)
    evidence: dict[str, Any] = {"wrapper": params.wrapper, "defined": wrapper.location}
    unseen = list(_static(params, ctx, wrapper, evidence))
    findings = _seen_to_launch(params, ctx, evidence, unseen) if unseen else _observed(params, ctx, evidence)
    if findings:
        hint = (
            f"{wrapper.qualname} ({wrapper.location}) must launch {params.symbol} of {params.source} with "
            "the arguments that it declares, in their order, over a grid that covers the data"
        )
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), **evidence)
    return Outcome.passed(_summary(params, wrapper, evidence), **evidence)


def _seen_to_launch(
    params: WrapperPresentParams, ctx: CheckContext, evidence: dict[str, Any], unseen: list[Finding]
) -> list[Finding]:
    """The sources show no launch, which they need not (a name made at run time): what the device sees
    decides. Where it sees none either, the sources say why."""
    try:
        observed = _observed(params, ctx, evidence)
    except (SubjectError, ContractError):
        return unseen
    if observed:
        return [*unseen, *observed]
    evidence["launch"] = "not followed in the sources; seen on the device"
    return []


def _static(
    params: WrapperPresentParams, ctx: CheckContext, wrapper: Place, evidence: dict[str, Any]
) -> Iterator[Finding]:
    finder = LaunchFinder(ctx.code, ctx.settings.transfers.launches)
    path = finder.path(wrapper)
    if path is None:
        launches = " or ".join(ctx.settings.transfers.launches)
        message = f"{wrapper.qualname} reaches no launch: no live call leads from it to {launches}"
        yield Finding(message, wrapper.location, params.symbol, wrapper.qualname)
        return
    evidence["launch_path"] = [str(site) for site in path]
    evidence["launch"] = describe_path(path)
    use = finder.use_of([wrapper], params.symbol)
    evidence["symbol_named"] = use.location if use else "not as a constant; seen at the launch"


def _observed(params: WrapperPresentParams, ctx: CheckContext, evidence: dict[str, Any]) -> list[Finding]:
    from rocverify.checks.support.driving import kernel_object  # these need the toolchain and device rooms
    from rocverify.checks.support.wrapper_launch import LaunchProbe

    built, missing = kernel_object(ctx, params.source, (params.symbol,))
    if built is None or missing:
        return missing
    with ctx.launching() as session:
        probe = LaunchProbe(ctx, session, built, params.source)
        findings = probe.run(params.wrapper, params.symbol, params.contract)
    evidence["device"] = ctx.device.info.to_json()
    evidence["code_object"] = built.sha256
    evidence["launches"] = probe.launches
    return findings


def _summary(params: WrapperPresentParams, wrapper: Place, evidence: dict[str, Any]) -> str:
    launches = evidence["launches"]
    dtypes = ", ".join(launch["dtype"] for launch in launches)
    count = len(launches[0]["arguments"]) if launches else 0
    return (
        f"{wrapper.qualname} ({wrapper.location}) launches {params.symbol}; "
        f"its {count} arguments agree with the code object ({dtypes})"
    )


CHECK = CheckKind("wrapper_present", WrapperPresentParams, run, needs_device=True)
