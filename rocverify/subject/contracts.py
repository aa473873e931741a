"""A contract as the judge has it: what it declares, and methods that run where no output is.

`reference`, `magnitude`, `wrong`, `prepare` and what else computes from inputs run in the process of
references, which is no client of a device. `canonical` is given outputs: each call has a process of its own,
copied from one that never saw any, and is made twice.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rocverify.errors import ContractError, SubjectError
from rocverify.oracle.contract import ContractSpec
from rocverify.subject.host.codec import Later
from rocverify.subject.process import raised

if TYPE_CHECKING:
    from rocverify.subject.process import HostProcess

Place = tuple[str, str]
"""A file of the project and the qualified name of a function in it."""

_GIVEN_OUTPUTS = frozenset({"canonical"})


@dataclass(frozen=True)
class Origin:
    """Where a contract's code stands: its reference (`module` it comes from), its `call`, the wrapper.
    passes_stream: `call` asks for a stream to pass; takes_stream: the wrapper has a parameter of that name;
    optional: its other parameters that have a default."""

    module: str = ""
    reference: Sequence[Place] = ()
    call: Sequence[Place] = ()
    wrapper: Sequence[Place] = ()
    passes_stream: bool = False
    takes_stream: bool = False
    optional: Sequence[str] = ()


class RemoteContract:
    """A contract's object, as far as the judge sees one: its methods by name, and data."""

    def __init__(
        self,
        process: HostProcess,
        reference: str,
        methods: Mapping[str, Sequence[str]],
        data: Mapping[str, Any],
        origin: Origin,
    ) -> None:
        self.origin = origin
        self.reference_name = reference
        vars(self).update(data)
        self._process = process
        for name, parameters in methods.items():
            setattr(self, name, _Method(process, reference, name, parameters))

    def methods_together(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[tuple[Any, bool]]:
        """What calls of methods of inputs alone give, asked for at once, and whether a number overflowed in
        each. Raises ContractError for what the first raises that does, or where it ends its process."""
        names = " or ".join(dict.fromkeys(f"{name}()" for name, _ in calls))
        with _said_of(names, self.reference_name):
            outcomes = self._process.ask(
                "methods", about=self.reference_name, contract=self.reference_name, calls=list(calls)
            )
        for (name, _), (ok, result) in zip(calls, outcomes, strict=False):
            if not ok:
                with _said_of(f"{name}()", self.reference_name):
                    raise raised(result, self.reference_name)
        return [(result, over) for _, (result, over) in outcomes]


@contextmanager
def _said_of(method: str, contract: str) -> Iterator[None]:
    """What a method raises, or how it ends its process, is the contract's fault."""
    try:
        yield
    except SubjectError as error:
        raise ContractError(f"{method} {error.message}", where=contract, hint=error.hint) from None


@dataclass(eq=False)
class _Method:
    """A method that is called in another process. Its signature is that of the method."""

    process: HostProcess
    contract: str
    name: str
    parameters: Sequence[str]
    __signature__: inspect.Signature = field(init=False)

    def __post_init__(self) -> None:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in self.parameters])

    def __call__(self, *given: Any, **offered: Any) -> Any:
        """Raises ContractError for what the method raises, or where it ends its process."""
        offered |= dict(zip(self.parameters, given, strict=False))
        if self.name in _GIVEN_OUTPUTS:
            first, again = (self._asked(offered, fresh=True) for _ in range(2))
            if not _same(first, again):
                raise ContractError(
                    f"{self.name}() gives another result for the same arrays when it is called again",
                    where=self.contract,
                    hint="let it compute from its arguments alone",
                )
            return first
        return self._asked(offered, fresh=False)

    def _asked(self, offered: Mapping[str, Any], *, fresh: bool) -> Any:
        generator = offered.get("rng")
        with _said_of(f"{self.name}()", self.contract):
            result, drawn = self.process.ask(
                "method",
                about=self.contract,
                contract=self.contract,
                method=self.name,
                offered=offered,
                fresh=fresh,
            )
        if isinstance(generator, np.random.Generator) and isinstance(drawn, np.random.Generator):
            generator.bit_generator.state = drawn.bit_generator.state
        return _with_later(self.process, self.contract, result)


def _with_later(process: HostProcess, contract: str, result: Any) -> Any:
    """Results that are computed later become functions."""

    def function(later: Later) -> Any:
        return lambda: process.ask("later", about=contract, number=later.number)

    if isinstance(result, dict):
        return {name: function(v) if isinstance(v, Later) else v for name, v in result.items()}
    return result


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(one == other)


def remote_contract(process: HostProcess, reference: str) -> ContractSpec:
    """The contract that `module:Name` names, loaded in the process of references. ContractError if it is
    none or is not finished, SourceError where it cannot be imported."""
    told = process.ask("load", about=reference, reference=reference, wrapper=None)
    if not isinstance(told, dict) or "fields" not in told:
        raise ContractError(
            "is not a kernel contract", where=reference, hint="decorate the class with @contract"
        )
    if told["unwritten"]:
        names = " and ".join(f"{name}() on line {line}" for name, line in told["unwritten"].items())
        raise ContractError(
            f"is not finished: {names} can only raise NotImplementedError",
            where=reference,
            hint="write what the kernel must compute, in NumPy, and how it is launched; "
            "rocverify.references has common operations",
        )
    origin = Origin(told["reference"], tuple(told["places"]), tuple(told["call"]))
    subject = RemoteContract(process, reference, told["methods"], told["data"], origin)
    return ContractSpec(**told["fields"], subject=subject)
