"""The regular expressions of a plan: checked when the plan is read, so that none fails half-way."""

from __future__ import annotations

import warnings

import regex

MAX_PATTERN = 2_000
_TIMEOUT_S = 1.0


def pattern_fault(pattern: str) -> str | None:
    """What is wrong with a plan's `contains` or `pattern`, or None.

    A pattern which matches the empty string is found in any file, so it could not tell anything.
    """
    if len(pattern) > MAX_PATTERN:
        return f"is {len(pattern)} characters long, a pattern at most {MAX_PATTERN}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = regex.compile(pattern)
        vacuous = compiled.search("", timeout=_TIMEOUT_S) is not None
    except regex.error as error:
        return f"{pattern!r} is no regular expression: {error}"
    except (RecursionError, OverflowError, MemoryError):
        return f"{pattern[:60]!r} is too complex a regular expression"
    except TimeoutError:
        return f"{pattern[:60]!r} takes too long on an empty text"
    return f"{pattern!r} matches the empty text, so it is found in every file" if vacuous else None
