"""wrapper_present of a Rust or C++ host: the launches that the device sees while a program runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.checks.base import Outcome
from rocverify.errors import RocverifyError
from rocverify.kernel_names import same_kernel
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.checks.kinds.wrapper_present import WrapperPresentEvidence

_HINT = "let the wrapper launch the kernel, and the program call the wrapper"


def launched_by_program(
    ctx: CheckContext, symbol: str, program: tuple[str, ...], evidence: WrapperPresentEvidence
) -> Outcome:
    """Fails where the source lacks the wrapper or the program never launches the kernel. RocverifyError where
    there is no program, or what launched the kernel cannot be told."""
    path, _, name = str(evidence.wrapper).partition(":")
    unit = ctx.code.unit(path)
    functions = list(unit.functions_of(name))
    if not functions:
        if unit.broken is not None:
            raise RocverifyError(f"whether it defines {name} cannot be told", where=f"{path}:{unit.broken}")
        finding = Finding(f"{path} defines no function {name}", path, entity=name)
        return Outcome.failed(finding.message, hint=_HINT, findings=(finding,))
    defined = f"{path}:{functions[0].line}"
    if not program:
        raise RocverifyError(
            f"{name}: nothing that runs it was executed",
            where=defined,
            hint="bind wrapper_present with program: a command that runs it, so that its launches are seen",
        )
    evidence.defined = defined
    return _judged(ctx, name, symbol, program, evidence)


def _judged(
    ctx: CheckContext, name: str, symbol: str, program: tuple[str, ...], evidence: WrapperPresentEvidence
) -> Outcome:
    from rocverify.checks.kinds.program import observed
    from rocverify.commands.trace import launches, under

    seen = observed(ctx, program, ".", ctx.settings.call_timeout_s, sanitize=True)
    evidence.program, evidence.exit_code = list(program), seen.run.code
    evidence.launched = dict(seen.launched)
    if seen.run.code == 0 and seen.launched and not any(same_kernel(name, symbol) for name in seen.launched):
        message = f"{symbol} was not launched by `{seen.run.line}`: it launched {', '.join(seen.launched)}"
        return Outcome.failed(message, hint=_HINT, findings=(Finding(message, "", symbol),), seen=evidence)
    if seen.findings:
        found = tuple(Finding(str(one), getattr(one, "source", None) or "") for one in seen.findings[:10])
        return Outcome.failed(found[0].message, hint=_HINT, findings=found, seen=evidence)
    if seen.run.code or not seen.launched:
        raise RocverifyError(
            f"`{seen.run.line}` ended with exit status {seen.run.code} and launched "
            f"{', '.join(seen.launched) or 'no kernel'}: it shows nothing of {name}"
        )
    own = launches(under(seen.events, name), symbol)
    if not own:
        raise RocverifyError(
            f"`{seen.run.line}` launched {symbol}; that {name} did so cannot be seen",
            hint="build the program beforehand and with -g, so that calls have their functions",
        )
    evidence.observed = [event.to_json() for event in own[:3]]
    times = "once" if len(own) == 1 else f"{len(own)} times"
    return Outcome.passed(f"{name} launches {symbol} ({times} in `{seen.run.line}`)", seen=evidence)
