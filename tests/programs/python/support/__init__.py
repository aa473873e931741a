"""What the Python programs share: calls that must succeed, a count of checks, one closing line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rocm.bindings import hip

MODULES = Path(sys.argv[1])
_checks: list[bool] = []


def ok(result: Any) -> Any:
    """The values of a call beside hipSuccess: none, one, or a tuple. Ends the program otherwise."""
    error, *values = result if isinstance(result, tuple) else (result,)
    if error != hip.hipError_t.hipSuccess:
        raise SystemExit(f"{error!r}")
    return values[0] if len(values) == 1 else tuple(values) or None


def check(good: Any, what: str) -> None:
    """Counts; names what is not so."""
    _checks.append(bool(good))
    if not good:
        print(f"not so: {what}", file=sys.stderr)


def close(name: str) -> None:
    """Says what came of the checks and ends the program."""
    wrong = _checks.count(False)
    word = "RIGHT" if _checks and not wrong else "WRONG"
    print(f"{name}: {len(_checks)} checks, {wrong} wrong: {word}", flush=True)
    raise SystemExit(word != "RIGHT")
