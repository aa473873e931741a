"""Where in an array errors lie: each cell of a small map is the largest of the elements it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rocverify.oracle.judge import CaseVerdict

ROWS, COLUMNS = 24, 48
WRONG = "x"
"""A cell with an element that is wrong. A digit is the tenth of the tolerance that the worst one used, `.` is
a cell without any error."""


@dataclass(frozen=True, slots=True)
class ErrorMap:
    """One output of one case. rows and columns: of the array, all axes but the last as rows; cells: at most
    ROWS texts of at most COLUMNS characters each."""

    output: str
    case: str
    rows: int
    columns: int
    cells: tuple[str, ...]


def error_map(verdicts: Sequence[CaseVerdict]) -> ErrorMap | None:
    """Where errors lie in the worst output of the cases of one element type: one with wrong elements, else
    the one that used most of its tolerance. None where nothing was compared."""
    found = [
        (comparison, name, verdict.judged.run.case)
        for verdict in verdicts
        for name, comparison in verdict.comparisons.items()
        if comparison.elements
    ]
    if not found:
        return None
    comparison, name, case = max(found, key=lambda one: (one[0].mismatches > 0, one[0].budget))
    share = np.zeros(comparison.bad.shape) if comparison.share is None else comparison.share
    return ErrorMap(name, str(case), *error_cells(share, comparison.bad))


def error_cells(share: NDArray[np.float64], bad: NDArray[np.bool_]) -> tuple[int, int, tuple[str, ...]]:
    """Rows, columns and cells of an output. share: the errors as parts of what was allowed."""
    share, bad = np.atleast_1d(share), np.atleast_1d(bad)
    columns = bad.shape[-1]
    levels = np.clip(np.ceil(np.nan_to_num(share, nan=0.0, posinf=1.0) * 10), 0, 10).astype(np.int8)
    levels[bad] = 11
    grid = levels.reshape(-1, max(columns, 1))
    small = _largest(_largest(grid, ROWS, 0), COLUMNS, 1)
    return *grid.shape, tuple("".join(map(_sign, row)) for row in small.tolist())


def _largest(grid: NDArray[np.int8], most: int, axis: int) -> NDArray[np.int8]:
    """At most so many parts along an axis, each the largest of what it stands for."""
    length = grid.shape[axis]
    if length <= most:
        return grid
    starts = np.arange(most) * length // most
    found: NDArray[np.int8] = np.maximum.reduceat(grid, starts, axis=axis)
    return found


def _sign(level: int) -> str:
    return WRONG if level > 10 else "." if level == 0 else str(level - 1)
