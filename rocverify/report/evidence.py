"""Evidence as a person reads it: nested JSON data as an indented list, long lists cut with their count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rocverify.checks.evidence import Evidence
from rocverify.checks.registry import CHECKS
from rocverify.markdown import code, inline
from rocverify.report.model import CheckReport

_MOST = 6
_DEPTH = 3
_HIDDEN = ("compiler_log", "output", "traceback", "deselected", "coverage")


def check_lines(check: CheckReport) -> list[str]:
    """The evidence of a check as Markdown list items, its parameters first."""
    given = {key: value for key, value in check.parameters.items() if value not in (None, "", [], {})}
    lines = [f"- parameters: {_inline_mapping(given)}"] if given and _flat(given) else []
    if given and not lines:
        lines = list(_mapping({"parameters": given}, 0))
    seen = seen_by(check)
    return [*lines, *seen.lines(), *evidence_lines(seen.others)]


def seen_by(check: CheckReport) -> Evidence:
    """A check's evidence by the schema of its kind."""
    kind = CHECKS.get(check.kind)
    return Evidence.model_validate(check.evidence) if kind is None else kind.seen(check.evidence)


def evidence_lines(evidence: Mapping[str, Any]) -> list[str]:
    """Any evidence as Markdown list items; texts that need a block of their own are left out."""
    return list(_mapping(evidence, 0))


def _mapping(data: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, value in data.items():
        if key not in _HIDDEN and value not in (None, "", [], {}):
            yield from _entry(_words(key), value, depth)


def _entry(label: str, value: Any, depth: int) -> Iterator[str]:
    bullet = "  " * depth + "- "
    if isinstance(value, Mapping):
        if _flat(value) and len(value) <= _MOST:
            yield f"{bullet}{label}: {_inline_mapping(value)}"
        elif depth < _DEPTH:
            yield f"{bullet}{label}:"
            yield from _mapping(value, depth + 1)
        else:
            yield f"{bullet}{label}: {len(value)} entries, in report.json"
    elif isinstance(value, list):
        yield from _list(bullet, label, value, depth)
    else:
        yield f"{bullet}{label}: {_scalar(value)}"


def _list(bullet: str, label: str, values: list[Any], depth: int) -> Iterator[str]:
    cut = f" (the first {_MOST} of {len(values)})" if len(values) > _MOST else ""
    if not any(isinstance(value, Mapping | list) for value in values):
        yield f"{bullet}{label}{cut}: {', '.join(_scalar(v) for v in values[:_MOST])}"
        return
    yield f"{bullet}{label}{cut}:"
    for number, value in enumerate(values[:_MOST], start=1):
        if isinstance(value, Mapping) and _flat(value):
            yield f"{'  ' * (depth + 1)}- {_inline_mapping(value)}"
        else:
            yield from _entry(str(number), value, depth + 1)


def _inline_mapping(data: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{_words(key)} {_scalar(value)}" for key, value in data.items() if value not in (None, "", [], {})
    )


def _flat(data: Mapping[str, Any]) -> bool:
    return not any(
        isinstance(v, Mapping) or (isinstance(v, list) and any(isinstance(i, Mapping | list) for i in v))
        for v in data.values()
    )


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "(" + ", ".join(map(_scalar, value)) + ")"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return code(value) if _is_name(value) else inline(value)
    return str(value)


def _is_name(text: str) -> bool:
    """Paths, symbols, digests and commands stand better in a code span."""
    return bool(text) and (" " not in text.strip() or text.startswith(("/", "-"))) and len(text) > 1


def _words(key: str) -> str:
    """A key as it stands in report.json: it may be a name of the project's."""
    return inline(key)
