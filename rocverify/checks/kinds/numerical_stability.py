"""numerical_stability: values that break careless arithmetic come out as the contract's reference says.

Five sorts of situation, each small and each judged element by element against the float64 reference:

- one NaN, +infinity or -infinity in an otherwise ordinary input, for every floating-point input in turn but
  those that the contract lists as `finite`: NaN and infinities must come out where the reference has them,
  and nowhere else;
- the contract's other kinds of values: extreme (near overflow, subnormal, zeros of both signs), over many
  binades, rows that are one-sided, shifted, equal or have an outlier, rows partly masked;
- every input in turn all large and of one sign, unless the contract prepares it;
- subnormal values in one input in turn;
- what the contract's own `situations(self, rng, dims, dtype)` gives, {name: {array: values}}: extreme
  scores, fully masked rows. Its `unspecified(self, ...)`, called like the reference, gives {output: mask} of
  results that no caller may rely on.

The run itself must be able to tell: NaN and finite results are expected side by side, and a result that is
all NaN, or has zeros for NaN, would have been rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, known
from rocverify.checks.support.kernel_coverage import coverage_of
from rocverify.checks.support.references import Reference
from rocverify.checks.support.situations import Situation, situations_of, unspecified_of
from rocverify.checks.support.trial import Lengths, Trials, shaped
from rocverify.errors import DeviceFaultError, SubjectError
from rocverify.oracle.case import select_dtypes
from rocverify.oracle.controls import Judged, accepted, judges_of
from rocverify.oracle.dtypes import DType, to_float64
from rocverify.oracle.judge import CaseVerdict, expected_of, judge, tolerances_of
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.oracle.drive import CaseRun

_SHOWN = 10


class NumericalStabilityParams(CheckParams):
    """`contract` is `module:Class`; `dtypes` and `dims` as for correctness."""

    contract: Reference
    dtypes: tuple[str, ...] | None = Field(default=None, min_length=1)
    dims: dict[str, Lengths] = Field(default_factory=dict)


class Situations(Record):
    """The situations of one element type."""

    dims: dict[str, int] = Field(default_factory=dict)
    situations: list[str] = Field(default_factory=list)
    elements: int = 0
    expected_nan: int = 0
    expected_infinite: int = 0


class NumericalStabilityEvidence(Evidence):
    """The situations of each element type, and the NaN and infinities that had to come out."""

    contract: str | None = None
    wrapper: str | None = None
    source: str | None = None
    seed: int | None = None
    coverage: dict[str, Any] = Field(default_factory=dict)
    dtypes: dict[str, Situations] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """NaN and infinities that were expected, by element type, as lines of a Markdown list."""
        for dtype, row in self.dtypes.items():
            dims = ", ".join(f"{name}={length}" for name, length in row.dims.items())
            yield (
                f"- {known(dtype)} ({dims}): {row.expected_nan} NaN and {row.expected_infinite} infinities "
                f"among {row.elements} results, in: {', '.join(map(known, row.situations))}"
            )


def run(params: NumericalStabilityParams, ctx: CheckContext) -> Outcome:
    """Raises ContractError for situations that the contract makes wrongly."""
    findings: list[Finding] = []
    rows: dict[str, Situations] = {}
    compared: dict[str, list[CaseRun]] = {}
    with ctx.launching() as session:
        trials = Trials(ctx, session, params.contract)
        spec = trials.spec
        for dtype in select_dtypes(spec, params.dtypes):
            series = Series(trials, dtype)
            findings += series.run(shaped(spec, dtype, ctx.seed, params.dims).dims, ctx.seed)
            rows[dtype.name], compared[dtype.name] = series.row, series.runs
    name = spec.wrapper or spec.where
    evidence = NumericalStabilityEvidence(
        contract=params.contract,
        wrapper=spec.wrapper,
        source=spec.source,
        seed=ctx.seed,
        coverage=coverage_of(ctx, trials.built, spec.source, "compared", compared),
        dtypes=rows,
    )
    if findings:
        return Outcome.failed(
            f"{name}: {findings[0].message}",
            hint="subtract the maximum before exponentials, keep sums in float32, decide what a fully masked "
            f"row gives, and let NaN through; replay with --seed {ctx.seed}",
            findings=tuple(findings[:_SHOWN]),
            seen=evidence,
        )
    count = sum(len(row.situations) for row in rows.values())
    nans = sum(row.expected_nan for row in rows.values())
    return Outcome.passed(
        f"{name} gives NaN and infinities exactly where the reference has them, in {count} situations "
        f"({nans} NaN expected and found; {', '.join(rows)})",
        seen=evidence,
    )


class Series:
    """All situations of one element type. `row` is the evidence, `runs` what was compared."""

    def __init__(self, trials: Trials, dtype: DType) -> None:
        self._trials = trials
        self._spec = trials.spec
        self._dtype = dtype
        self.row = Situations()
        self.runs: list[CaseRun] = []

    def run(self, dims: Mapping[str, int], seed: int) -> list[Finding]:
        """The findings of every situation, and of the run as a whole."""
        situations = situations_of(self._spec, dims, self._dtype, seed)
        findings: list[Finding] = []
        judged: list[tuple[Situation, Judged]] = []
        for situation in situations:
            try:
                outcome = self._trials.run(situation.case, given=situation.values)
            except (SubjectError, DeviceFaultError) as error:
                findings.append(self._finding(situation, f"{error.where}: {error.message}"))
                continue
            self.runs.append(outcome)
            judged.append((situation, Judged(outcome, expected_of(self._spec, outcome))))
        tolerances = tolerances_of(self._spec, [j for _, j in judged]) if judged else {}
        verdicts = [(s, judge(self._spec, j, tolerances, self._trials.built.sha256)) for s, j in judged]
        for situation, verdict in verdicts:
            findings += [self._finding(situation, text) for text in self._problems(verdict)]
        self.row = self._evidence(dims, situations, verdicts)
        return findings or self._shortcomings(judged, tolerances)

    def _finding(self, situation: Situation, text: str) -> Finding:
        symbol = self._spec.symbol(self._dtype)
        return Finding(f"{self._dtype}, {situation.name}: {text}", kernel=symbol, entity=self._spec.wrapper)

    def _problems(self, verdict: CaseVerdict) -> list[str]:
        """What is wrong with one case, in the words of its kind: a new NaN is told from a lost one."""
        run = verdict.judged.run
        found = [f"wrote outside {text}" for text in run.damage]
        left_open = unspecified_of(self._spec, run)
        for name, comparison in verdict.comparisons.items():
            seen = to_float64(run.outputs[name])
            exact = verdict.judged.expected[name].exact
            bad = comparison.bad & ~left_open.get(name, np.zeros(seen.shape, bool))
            for words, where in _sorts(seen, exact).items():
                wrong = bad & where
                if wrong.any():
                    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
                    found.append(
                        f"{words} in {int(wrong.sum())} of {wrong.size} elements of {name}, the first at "
                        f"{list(place)}: expected {exact[place]:.9g}, got {seen[place]:.9g}"
                    )
        return found

    def _evidence(
        self,
        dims: Mapping[str, int],
        situations: list[Situation],
        verdicts: list[tuple[Situation, CaseVerdict]],
    ) -> Situations:
        counts: Counter[str] = Counter()
        for _, verdict in verdicts:
            for expected in verdict.judged.expected.values():
                counts["expected_nan"] += int(np.isnan(expected.exact).sum())
                counts["expected_infinite"] += int(np.isinf(expected.exact).sum())
                counts["elements"] += expected.exact.size
        return Situations(
            dims=dict(dims),
            situations=[s.name for s in situations],
            elements=counts["elements"],
            expected_nan=counts["expected_nan"],
            expected_infinite=counts["expected_infinite"],
        )

    def _shortcomings(
        self, judged: list[tuple[Situation, Judged]], tolerances: Mapping[str, Any]
    ) -> list[Finding]:
        """Why the run could not have told a wrong kernel from a right one, if it could not."""
        mixed = [(s, j) for s, j in judged if _is_mixed(j)]
        if not mixed:
            text = (
                f"{self._dtype}: no situation has NaN and finite results side by side, so a kernel that "
                "spreads NaN everywhere would pass; give larger dims, or the contract's situations"
            )
            return [Finding(text, entity=self._spec.where)]
        found = []
        for name, imitation in (("all NaN", _all_nan), ("zeros instead of NaN", _zeros_for_nan)):
            if all(accepted(imitation(j), judges_of(j, tolerances)) for _, j in mixed):
                text = f"{self._dtype}: no situation rejects a result that is {name}"
                found.append(Finding(text, entity=self._spec.where))
        return found


def _sorts(seen: NDArray[Any], exact: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
    """The ways of being wrong; every element that is wrong is of one sort."""
    nan, expected_nan = np.isnan(seen), np.isnan(exact)
    inf, expected_inf = np.isinf(seen), np.isinf(exact)
    return {
        "new NaN": nan & ~expected_nan,
        "a NaN was lost": ~nan & expected_nan,
        "new infinity": inf & np.isfinite(exact),
        "an infinity was lost or has the wrong sign": ~nan & expected_inf,
        "wrong finite values": np.isfinite(seen) & np.isfinite(exact),
    }


def _is_mixed(judged: Judged) -> bool:
    nan = [np.isnan(e.exact) for e in judged.expected.values()]
    finite = [np.isfinite(e.exact) for e in judged.expected.values()]
    return any(n.any() for n in nan) and any(f.any() for f in finite)


def _all_nan(judged: Judged) -> dict[str, NDArray[Any]]:
    return {name: np.full_like(array, np.nan) for name, array in judged.run.outputs.items()}


def _zeros_for_nan(judged: Judged) -> dict[str, NDArray[Any]]:
    return {
        name: np.where(np.isnan(to_float64(array)), np.zeros_like(array), array)
        for name, array in judged.run.outputs.items()
    }


CHECK = CheckKind(
    "numerical_stability",
    NumericalStabilityParams,
    run,
    needs_device=True,
    evidence=NumericalStabilityEvidence,
)
