"""Kernel contracts: the one place that says how a kernel is called and what it must compute.

    @contract(source="kernels/rope.hip", symbol="rope_kernel", wrapper="kernels.rope:rope_gpu_kernel")
    class Rope:
        x = InOut("seq heads head_dim", F32 | F16 | BF16)
        cos = In("seq head_dim/2", F32)
        dims = Dims(seq=boundary(1, 4096), heads=choices(1, 7, 32), head_dim=even(2, 256))

        def call(self, wrapper, arrays, dims, dtype): ...      # how the wrapper is invoked
        def reference(self, x, cos): ...                       # the result, in the dtype it is given

A contract without a wrapper has `launch(self, arrays, dims, dtype)` instead of `call`: it returns a Launch
or, for work that takes several, a tuple of them in order. `alpha = Scalar(F32)`, `causal = Scalar(I32, 0, 1)`
are numbers that the wrapper takes by value, drawn anew for every case. `y = HostOut("rows", F32)` is an array
of the host that the wrapper fills, `y = Returned("", F32)` what `call` returns; `x = In("rows cols", F32,
pitch=4)` has rows that lie apart. A `call` that asks for `stream` is given a stream in some cases and None in
the others; so is a wrapper with a parameter `stream` that `call` does not pass. A wrapper may be
`package.module:Class.method`. The decorator turns the class into an immutable, validated ContractSpec
(ContractError says what is wrong). Methods declare only the parameters that they use; arrays may be
inherited. Integer outputs must match exactly; outputs of float64 need a `rounding`, and a reference whose own
errors are small beside it. Optional members:

    rounding    ulps of the compute type that the arithmetic may lose (see oracle.tolerance), by dtype
    compute     the type that the kernel computes in (default float32)
    kinds       the sorts of values (oracle.inputs.Kind) that its cases have (default: all)
    independent the dimension, leading in every result, along which results do not depend on one another:
                sizes that memory cannot hold are judged by some of its rows
    parameters  names of the kernel's parameters in order, checked against the code object's metadata
    prepare(self, rng, dims, dtype, kind) -> {name: array}     inputs that are not plain random values
    kernel(self, dims, dtype) -> symbol     where another kernel serves another shape
    magnitude(self, ...)    like reference: the sum of the absolute values of the terms added up
    wrong(self, ...)        like reference: {name: result} of plausible errors, all to be told apart; a result
                            may be a function of nothing, called where it is still needed. Both may ask
                            for `dtype` too
    canonical(self, ...)    like reference, but given the outputs too: what of them is to be compared, where
                            a kernel may choose (an order, one of several right answers)
    refused(self, dims) -> {name: Refusal}                     calls that must raise before a launch

and, for numerical_stability alone (`rng`, `dims`, `dtype` and inputs are on offer):

    situations(self, ...) -> {name: {array: values}}    inputs worth a look: masked rows, extreme scores
    finite      names of inputs that never hold NaN or infinities: nothing is promised of them then
    unspecified(self, ...) -> {output: mask}            results that no caller may rely on
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.errors import ContractError, RocverifyError
from rocverify.oracle.arrays import (
    AXIS,
    Array,
    HostIn,
    HostOut,
    In,
    InOut,
    Launch,
    Out,
    Refusal,
    Returned,
    Role,
    Scalar,
    Scratch,
)
from rocverify.oracle.declared import symbols_of, validate
from rocverify.oracle.dims import Dims, Extent, boundary, choices, divisor_of, even
from rocverify.oracle.dtypes import (
    BF16,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    DType,
    DTypes,
)  # fmt: skip

__all__ = [
    "BF16", "F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "Array",
    "ContractSpec", "DType", "DTypes", "Dims", "Extent", "HostIn", "HostOut", "In", "InOut", "Launch", "Out",
    "Refusal", "Returned", "Role", "Scalar", "Scratch", "boundary", "choices", "contract", "divisor_of",
    "even",
]  # fmt: skip

Values = Mapping[str, NDArray[Any]]
_Call = tuple[str, Values, DType | None]


@dataclass(frozen=True)
class ContractSpec:
    """A validated contract. `symbols` has one entry for every element type of a case. `meant` gives the name
    in the code object for one that the contract says, as soon as that is built (see oracle.symbols)."""

    reference_name: str
    source: str
    symbols: Mapping[str, str]
    wrapper: str | None
    arrays: Mapping[str, Array]
    dims: Dims
    rounding: Mapping[str, float]
    compute: DType
    kinds: tuple[str, ...] | None
    parameters: tuple[str, ...] | None
    subject: Any
    independent: str | None = None
    meant: Callable[[str], str] = str

    @property
    def dtypes(self) -> tuple[DType, ...]:
        """The element types of cases, in the order declared."""
        several = [a.dtypes for a in self.arrays.values() if len(a.dtypes) > 1]
        first = several or [a.dtypes for a in self.arrays.values() if a.written]
        return first[0].members

    @property
    def outputs(self) -> dict[str, Array]:
        """The arrays that are results, by name."""
        return {name: array for name, array in self.arrays.items() if array.written}

    @property
    def returned(self) -> dict[str, Array]:
        """What `call` returns, in order."""
        return {name: array for name, array in self.arrays.items() if array.role is Role.RETURNED}

    @property
    def where(self) -> str:
        """`module:Class` of the contract, for messages."""
        return self.reference_name

    def symbol(self, dtype: DType, dims: Mapping[str, int] | None = None) -> str:
        """The kernel for an element type, and for a shape where the contract has one for each sort."""
        return self.symbols[dtype.name] if dims is None else self.symbols_for(dtype, [dims])[0]

    @cached_property
    def _kernels(self) -> dict[tuple[str, frozenset[tuple[str, int]]], str]:
        """What `kernel` of the contract gave, by element type and shape."""
        return {}

    def symbols_for(self, dtype: DType, shapes: Sequence[Mapping[str, int]]) -> list[str]:
        """The kernel for each of several shapes; the contract is asked at once for all, and once for each."""
        if not hasattr(self.subject, "kernel"):
            return [self.symbols[dtype.name]] * len(shapes)
        keys = [(dtype.name, frozenset(shape.items())) for shape in shapes]
        new = {key: shape for key, shape in zip(keys, shapes, strict=True) if key not in self._kernels}
        offered = [{"dims": _Namespace(shape), "dtype": dtype} for shape in new.values()]
        with _ContractCode(self.where, "kernel"):
            self._kernels.update(zip(new, map(str, self._each("kernel", offered)), strict=True))
        return [self.meant(self._kernels[key]) for key in keys]

    def _each(self, method: str, offered: Sequence[Mapping[str, Any]]) -> list[Any]:
        """What a method gives for each of several sets of arguments."""
        function = getattr(self.subject, method)
        together = getattr(self.subject, "methods_together", None)
        if together is None:
            return [_with_wanted(function, one) for one in offered]
        wanted = [_wanted(function, one) for one in offered]
        return [result for result, _ in together([(method, one) for one in wanted])] if wanted else []

    def size(self, dims: Mapping[str, int]) -> int:
        """Elements of the arrays that the kernel writes."""
        return sum(prod(a.shape(dims)) for a in self.arrays.values() if a.written)

    def held(self, dims: Mapping[str, int]) -> int:
        """Elements of the largest array."""
        return max(prod(a.shape(dims)) for a in self.arrays.values())

    def terms(self, output: str, dims: Mapping[str, int]) -> int:
        """How many elements of another array go into one of an output, at most: those along its axes that
        the output lacks."""
        kept = set(self.arrays[output].axes)
        lengths = (
            prod(n for axis, n in zip(a.axes, a.shape(dims), strict=True) if axis not in kept)
            for a in self.arrays.values()
        )
        return max(lengths, default=1)

    def work(self, dims: Mapping[str, int]) -> int:
        """The product of all lengths that arrays have: what the computation costs, roughly."""
        named = _named_in(tuple(array.axes for array in self.arrays.values()))
        return prod(dims[name] for name in named if self.dims[name].divides is None)

    def reference(self, values: Values, dims: Mapping[str, int]) -> dict[str, NDArray[Any]]:
        """What the outputs must be, by name, computed in the element types of `values`."""
        return self._named(self._apply("reference", values, dims), "reference")

    def references(
        self, values: Values, stored: Values, dims: Mapping[str, int], dtype: DType
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]], dict[str, NDArray[Any]] | None, bool]:
        """What the outputs must be, computed from `values` and from `stored`, each in its element types; the
        sizes of the terms that add up to each output element, if the contract gives them; and whether a
        number became too large where the computation was in the stored types."""
        calls: list[_Call] = [("reference", values, None), ("reference", stored, None)]
        if hasattr(self.subject, "magnitude"):
            calls.append(("magnitude", values, dtype))
        (first, _), (second, overflowed), *sizes = self._together(calls, dims)
        return first, second, sizes[0][0] if sizes else None, overflowed

    def _together(
        self, calls: Sequence[_Call], dims: Mapping[str, int]
    ) -> list[tuple[dict[str, NDArray[Any]], bool]]:
        """What methods give, asked for at once where they run in another process; and whether a number
        overflowed there."""
        together = getattr(self.subject, "methods_together", None)
        if together is None:
            results = [(self._apply(method, values, dims, dtype), False) for method, values, dtype in calls]
        else:
            results = together([(m, self._wanted(m, v, dims, dtype)) for m, v, dtype in calls])
        named = zip(calls, results, strict=True)
        return [(self._named(result, call[0]), over) for call, (result, over) in named]

    def _wanted(
        self, method: str, values: Values, dims: Mapping[str, int], dtype: DType | None
    ) -> dict[str, Any]:
        offered = {"dtype": dtype, **dims, **values}
        with _ContractCode(self.where, method):
            return _wanted(getattr(self.subject, method), offered)

    def wrong(
        self, values: Values, dims: Mapping[str, int], dtype: DType | None = None
    ) -> dict[str, Callable[[], dict[str, NDArray[Any]]]]:
        """What plausible mistakes would give, by the mistake's name; each is computed when it is called."""
        if not hasattr(self.subject, "wrong"):
            return {}
        mistakes = self._apply("wrong", values, dims, dtype)
        return {name: partial(self._mistaken, name, result) for name, result in mistakes.items()}

    def _mistaken(self, name: str, result: Any) -> dict[str, NDArray[Any]]:
        with np.errstate(all="ignore"), _ContractCode(self.where, "wrong"):
            return self._named(result() if callable(result) else result, f"wrong: {name}")

    def canonical(
        self, inputs: Values, outputs: Mapping[str, NDArray[Any]], dims: Mapping[str, int]
    ) -> dict[str, NDArray[Any]]:
        """What is compared of these outputs: the outputs themselves unless the contract says otherwise."""
        if not hasattr(self.subject, "canonical"):
            return dict(outputs)
        return self._named(self._apply("canonical", {**inputs, **outputs}, dims), "canonical")

    def refused(self, dims: Mapping[str, int]) -> dict[str, Refusal]:
        """The calls that the wrapper must refuse, for a shape."""
        if not hasattr(self.subject, "refused"):
            return {}
        with _ContractCode(self.where, "refused"):
            return dict(self.subject.refused(_Namespace(dims)))

    def prepare(
        self, rng: np.random.Generator, dims: Mapping[str, int], dtype: DType, kind: str
    ) -> dict[str, NDArray[Any]]:
        """The inputs that the contract makes itself."""
        if not hasattr(self.subject, "prepare"):
            return {}
        offered = {"rng": rng, "dims": _Namespace(dims), "dtype": dtype, "kind": kind}
        with _ContractCode(self.where, "prepare"):
            return dict(_with_wanted(self.subject.prepare, offered))

    def call(self, wrapper: Any, arrays: Mapping[str, Any], dims: Mapping[str, int], dtype: DType) -> None:
        """Calls the wrapper on device views (and host arrays)."""
        offered = {"arrays": _Namespace(arrays), "dims": _Namespace(dims), "dtype": dtype, "stream": None}
        _with_wanted(self.subject.call, {"wrapper": wrapper, **offered})

    def launches(
        self, arrays: Mapping[str, Any], dims: Mapping[str, int], dtype: DType
    ) -> tuple[Launch, ...]:
        """The launches to make, in order, where no wrapper is named."""
        offered = {"arrays": _Namespace(arrays), "dims": _Namespace(dims), "dtype": dtype}
        with _ContractCode(self.where, "launch"):
            made = _with_wanted(self.subject.launch, offered)
        several = made if isinstance(made, tuple) else (made,)
        if not several or not all(isinstance(launch, Launch) for launch in several):
            raise ContractError("launch() returned no Launch", where=self.where)
        return several

    def _apply(self, method: str, values: Values, dims: Mapping[str, int], dtype: DType | None = None) -> Any:
        with np.errstate(all="ignore"), _ContractCode(self.where, method):
            return _with_wanted(getattr(self.subject, method), {"dtype": dtype, **dims, **values})

    def _named(self, result: Any, what: str) -> dict[str, NDArray[Any]]:
        names = tuple(self.outputs)
        if isinstance(result, Mapping):
            named = dict(result)
        elif isinstance(result, tuple):
            named = dict(zip(names, result, strict=False)) if len(result) == len(names) else {}
        else:
            named = {names[0]: result} if len(names) == 1 else {}
        if set(named) != set(names):
            raise ContractError(f"{what} must give {', '.join(names)}", where=self.where)
        return named


@cache
def _named_in(axes: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    """The dimensions that the axes of arrays name."""
    found = (AXIS.match(axis) for array in axes for axis in array)
    return frozenset(str(match["name"]) for match in found if match and match["name"])


class _ContractCode:
    """A block that runs a method of a contract: what it raises becomes a ContractError."""

    def __init__(self, where: str, method: str) -> None:
        self._where, self._method = where, method

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, RocverifyError):
            problem = f"{self._method}() raised {type(error).__name__}: {error}"
            raise ContractError(problem, where=self._where) from error


def _with_wanted(function: Callable[..., Any], offered: Mapping[str, Any]) -> Any:
    """Calls with those of the offered arguments that the function's parameters name."""
    return function(**_wanted(function, offered))


def _wanted(function: Callable[..., Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the offered arguments that a function asks for; what has a default need not be offered."""
    return {name: offered[name] for name in _parameters(function) if name in offered}


@cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


class _Namespace(dict[str, Any]):
    """A mapping whose items are attributes too, also those named like a method: `arrays.keys`."""

    def __getattribute__(self, name: str) -> Any:
        return self[name] if name in self else super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"there is {', '.join(self)}, no {name}")


def contract(
    *, source: str, symbol: str | Mapping[DType, str], wrapper: str | None = None
) -> Callable[[type], ContractSpec]:
    """Declares a kernel contract. symbol: one for all element types, or one for each; as the code object has
    it, demangled (`rows::scale`), or the short name (`scale`) where only one kernel there has it."""

    def declare(cls: type) -> ContractSpec:
        where = f"{cls.__module__}:{cls.__qualname__}"
        arrays = {
            name: value
            for base in reversed(cls.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, Array)
        }
        spec = ContractSpec(
            reference_name=where,
            source=source,
            symbols=symbols_of(symbol, arrays, where),
            wrapper=wrapper,
            arrays=MappingProxyType(arrays),
            dims=getattr(cls, "dims", Dims()),
            rounding=MappingProxyType({d.name: float(n) for d, n in getattr(cls, "rounding", {}).items()}),
            compute=getattr(cls, "compute", F32),
            kinds=getattr(cls, "kinds", None),
            parameters=getattr(cls, "parameters", None),
            subject=cls(),
            independent=getattr(cls, "independent", None),
        )
        validate(spec)
        return spec

    return declare
