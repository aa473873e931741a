"""One case of a run: a shape, an element type, a kind of values, and how the buffers are set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from rocverify.device.process.placed import Ordering
from rocverify.errors import ContractError, UsageError
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.dims import Dims
from rocverify.oracle.dtypes import DType
from rocverify.oracle.inputs import Kind
from rocverify.oracle.poison import Placement, Poison
from rocverify.oracle.shapes import Budget, Size, distinct_shape, fitted, plan_shapes

if TYPE_CHECKING:
    from rocverify.device.hip.executor import Order

# Elements of the written arrays of most cases (large enough for every boundary, small enough to be quick), of
# the large case, and the work of such a one. How large that one is is drawn: no size can be counted on.
USUAL_ELEMENTS, LARGE_ELEMENTS, _MOST_WORK = 2**13, 2**17, 2**22
_MOST_HELD = 2**22  # elements of the largest array, read or written
_SMALLER = 3.0  # binades by which a large case may be smaller
_TELLING_KINDS = (Kind.PLAIN, Kind.HEAVY, Kind.EXTREME, Kind.ROWS)
_FURTHER = 0x5EED  # makes another seed of a run's
# Shapes that no other replaces: one with distinct axes, the smallest, a large one.
_LEADING = 3
# The order in which cases take their kinds; the first case is plain, so that a failure reads easily, and so
# is the large one: of many elements, unusual values leave few that tell one mistake from another.
_KINDS = (Kind.PLAIN, Kind.EXTREME, Kind.PLAIN, Kind.ROWS, Kind.HEAVY, Kind.MASKED, Kind.SPECIAL)


@dataclass(frozen=True, slots=True)
class Case:
    """What one execution of a wrapper is made from; the same case gives the same bytes again.

    order: when the work of streams is done; drawn: what the order of waves and workgroups, and the contents
    of unwritten memory, follow from (None: the device's own); on_stream: whether the caller has a stream of
    its own, which does not wait for the default one, and passes it.
    """

    dims: Mapping[str, int]
    dtype: DType
    kind: Kind
    seed: int
    poison: Poison = Poison.NAN
    placement: Placement = Placement.GUARDED
    order: Order = "eager"
    drawn: int | None = None
    on_stream: bool = False

    @property
    def ordering(self) -> Ordering | None:
        """The order of its own; None where it is the device's."""
        return None if self.drawn is None else Ordering(self.order, self.drawn)

    def __str__(self) -> str:
        lengths = ", ".join(f"{name}={value}" for name, value in self.dims.items())
        stream = ", on a stream of the caller's" if self.on_stream else ""
        return f"{self.dtype} {lengths} ({self.kind} values, case seed {self.seed}{stream})"

    def to_json(self) -> dict[str, Any]:
        """The case as JSON data, as `--case` takes it."""
        return {
            "dtype": self.dtype.name,
            "dims": dict(self.dims),
            "kind": str(self.kind),
            "seed": self.seed,
            "poison": str(self.poison),
            "placement": str(self.placement),
            "order": self.order,
            "drawn": self.drawn,
            "on_stream": self.on_stream,
        }

    @property
    def text(self) -> str:
        """It in one word that no shell changes, for a command that replays it: `of` reads it back.
        `float32/seq=1,heads=2/plain/77/drawn=5`: what follows the seed differs from what is usual."""
        lengths = ",".join(f"{name}={value}" for name, value in self.dims.items())
        usual = Case(self.dims, self.dtype, self.kind, self.seed).to_json()
        others = [f"{name}={value}" for name, value in self.to_json().items() if value != usual[name]]
        return "/".join([self.dtype.name, lengths, str(self.kind), str(self.seed), *others])

    @classmethod
    def of(cls, spec: ContractSpec, text: str) -> Case:
        """The case that `text` tells; UsageError where it tells none of this contract."""
        try:
            told = _Told.model_validate(_parts(text))
            (dtype,) = select_dtypes(spec, [told.dtype])
            spec.dims.check(told.dims)
        except (ValueError, ContractError) as error:
            words = _why(error)
            raise UsageError(
                f"--case is not a case of {spec.where}: {words}",
                hint="paste the command that a failure printed",
            ) from None
        return cls(**{**dict(told), "dtype": dtype})


def _parts(text: str) -> dict[str, Any]:
    """The parts of a case's text; ValueError where they are not there."""
    dtype, lengths, kind, seed, *others = text.split("/")
    dims = dict(_pair(part) for part in lengths.split(",") if part)
    return {"dtype": dtype, "dims": dims, "kind": kind, "seed": seed, **dict(map(_pair, others))}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not NAME=VALUE")
    return name, value


def _why(error: ValueError | ContractError) -> str:
    if isinstance(error, ContractError):
        return error.message
    return error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)


class _Told(BaseModel):
    """A case as its text tells it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dims: dict[str, int]
    dtype: str
    kind: Kind
    seed: int
    poison: Poison = Poison.NAN
    placement: Placement = Placement.GUARDED
    order: Literal["eager", "shuffled", "lazy"] = "eager"
    drawn: int | None = None
    on_stream: bool = False


def plan_cases(
    spec: ContractSpec,
    dtype: DType,
    count: int,
    seed: int,
    *,
    dims: Dims | None = None,
    thresholds: Sequence[int] = (),
    large: int = LARGE_ELEMENTS,
) -> list[Case]:
    """The cases of one element type, boundary shapes first. The same seed gives the same cases. thresholds:
    sizes above which the code may behave differently; large: elements that a large case may have."""
    sequence = np.random.SeedSequence([seed, crc32(spec.reference_name.encode()), crc32(dtype.name.encode())])
    rng = np.random.default_rng(sequence)
    part = 2.0 ** -rng.uniform(0, _SMALLER)
    budget = Budget(
        spec.size,
        spec.work,
        usual=min(USUAL_ELEMENTS, large),
        large=max(int(large * part), min(USUAL_ELEMENTS, large)),
        most_work=int(_MOST_WORK * part),
        longest=large,
    )
    shapes = plan_shapes(dims or spec.dims, count, rng, budget=budget, thresholds=thresholds)
    shapes = _with_every_kernel(spec, dtype, dims or spec.dims, shapes)
    shapes = [_held(dims or spec.dims, shape, spec.held) for shape in shapes]
    kinds = [kind for kind in _KINDS if spec.kinds is None or kind in spec.kinds]
    return [_case(shape, dtype, index, int(rng.integers(2**32)), kinds) for index, shape in enumerate(shapes)]


def _held(dims: Dims, shape: dict[str, int], size: Size) -> dict[str, int]:
    """The shape, shortened where an array that is only read would be too large."""
    return fitted(dims, shape, lambda one: size(one) <= _MOST_HELD, size)


def further_cases(
    spec: ContractSpec, dtype: DType, count: int, seed: int, attempt: int, *, dims: Dims | None = None
) -> list[Case]:
    """A few more cases, large ones of those kinds that tell mistakes best, for a run in which no case has
    told some mistake from the right result. They follow from the seed too, others at each attempt."""
    drawn = plan_cases(spec, dtype, 2 * count, seed ^ (_FURTHER + attempt), dims=dims)
    kinds = [kind for kind in _TELLING_KINDS if spec.kinds is None or kind in spec.kinds]
    largest = sorted(drawn, key=lambda case: -spec.size(case.dims))
    return [replace(case, kind=kind, poison=Poison.NAN) for case, kind in zip(largest, kinds, strict=False)]


def _with_every_kernel(
    spec: ContractSpec, dtype: DType, dims: Dims, shapes: list[dict[str, int]]
) -> list[dict[str, int]]:
    """The shapes, the last ones replaced where a kernel that the contract has for some length would not be
    called otherwise."""
    small = distinct_shape(dims)
    tried = [
        dims.complete({**small, name: value})
        for name in dims
        for value in reversed(dims[name].boundaries() if dims[name].divides is None else ())
    ]
    symbols = spec.symbols_for(dtype, [*tried, *shapes])
    candidates = dict(zip(symbols, tried, strict=False))
    if len(candidates) < 2:
        return shapes
    symbols = symbols[len(tried) :]
    for kept in range(len(shapes), 0, -1):
        others = [shape for symbol, shape in candidates.items() if symbol not in symbols[:kept]]
        if kept + len(others) <= len(shapes) or kept <= _LEADING:
            return [*shapes[:kept], *others][: len(shapes)]
    return shapes


def next_seed(seed: int) -> int:
    """Another seed, always the same one for a seed."""
    return (seed + 1) % 2**32


def with_other_values(case: Case) -> Case:
    """The same case with values of another draw."""
    return replace(case, seed=next_seed(case.seed))


def typical_case(spec: ContractSpec, dtype: DType, seed: int) -> Case:
    """A small case of plain values whose axes all differ in length."""
    return Case(distinct_shape(spec.dims), dtype, Kind.PLAIN, seed)


def _case(shape: Mapping[str, int], dtype: DType, index: int, seed: int, kinds: Sequence[Kind]) -> Case:
    kind = kinds[index % len(kinds)]
    # NaN poison would hide behind the NaNs that a special case expects. The other settings have periods
    # that share no factor with the kinds', so that all combinations meet.
    poison = Poison.HUGE if not kind.is_finite or index % 5 in (1, 3) else Poison.NAN
    placement = (Placement.GUARDED, Placement.TIGHT)[(index // 2 + index % 3) % 2]
    return Case(dict(shape), dtype, kind, seed, poison, placement)


def select_dtypes(spec: ContractSpec, names: Sequence[str] | None) -> tuple[DType, ...]:
    """The element types of the contract that were asked for by name (None: all)."""
    known = {d.name: d for d in spec.dtypes}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ContractError(
            f"has no cases of {unknown[0]}", where=spec.where, hint=f"it has {', '.join(known)}"
        )
    return tuple(known[name] for name in names) if names else spec.dtypes
