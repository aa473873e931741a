"""YAML frontmatter edited key by key, so that comments, order and unknown keys of a person's stay.

Keys that state what this run saw are always ours. The others (`tags`, `affects`, ...) are suggestions:
once a person has changed one, it is theirs. The block's marker remembers what was last written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from rocverify.errors import UsageError
from rocverify.plan.frontmatter import composed
from rocverify.store.digests import digest_bytes, shown_digest

_FENCE = "---"
_PLAIN = re.compile(r"\d+|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""Texts written without quotes: `plan: 01`, `verified: 2026-01-31T12:00:00Z`, as the workflow does."""

_PATH = re.compile(r"[\w./@+-]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """The lines of one top-level key: `start` inclusive, `end` exclusive, from 0 within the lines."""

    start: int
    end: int
    value: Any


def split(text: str, where: str) -> tuple[list[str] | None, str]:
    """The lines between the fences (None without frontmatter), and the rest of the text."""
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].rstrip() != _FENCE:
        return None, text.removeprefix("\ufeff")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return lines[1:number], "".join(lines[number + 1 :])
    raise _broken("the frontmatter has no closing ---", f"{where}:1")


def entries(lines: list[str], where: str) -> dict[str, Entry]:
    """The top-level keys; UsageError where the lines are no YAML block mapping with unique keys."""
    node = _compose(lines, where)
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise _broken("the frontmatter is not a block mapping (key: value lines)", f"{where}:2")
    starts = [key.start_mark.line for key, _ in node.value]
    found: dict[str, Entry] = {}
    for index, (key, value) in enumerate(node.value):
        if key.value in found:
            raise _broken(f"the frontmatter has {key.value!r} twice", f"{where}:{starts[index] + 2}")
        limit = starts[index + 1] if index + 1 < len(starts) else len(lines)
        end = _trimmed(lines, starts[index], limit)
        found[key.value] = Entry(starts[index], end, _value(value, f"{where}:{starts[index] + 2}"))
    return found


def merge(text: str, values: Mapping[str, Any], owned: frozenset[str], written: str, where: str) -> str:
    """`text` with the frontmatter brought up to date.

    `owned` keys are always set. Any other key of `values` is set where it is absent or still holds
    what was generated before (`written`, from `fingerprints`).
    """
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines, body = split(text, where)
    if lines is None:
        rendered = "".join(_rendered(key, value, newline) for key, value in values.items())
        gap = newline if body and not body.startswith(("\n", "\r")) else ""
        return f"{bom}{_FENCE}{newline}{rendered}{_FENCE}{newline}{gap}{body}"
    before = dict(pair.split(":", 1) for pair in written.split(",") if ":" in pair)
    present = entries(lines, where)
    out: list[str] = []
    position = 0
    for key, entry in sorted(present.items(), key=lambda item: item[1].start):
        ours = key in values and (key in owned or before.get(key) == _fingerprint(entry.value))
        if ours and entry.value != _loaded(key, values[key]):
            out += [*lines[position : entry.start], _rendered(key, values[key], newline)]
        else:
            out += lines[position : entry.end]
        position = entry.end
    out += lines[position:]
    out += [_rendered(key, value, newline) for key, value in values.items() if key not in present]
    return f"{bom}{_FENCE}{newline}{''.join(out)}{_FENCE}{newline}{body}"


def holds(text: str, values: Mapping[str, Any], where: str) -> bool:
    """Whether the frontmatter says just this of these keys."""
    lines, _ = split(text, where)
    present = entries(lines, where) if lines is not None else {}
    return all(key in present and present[key].value == _loaded(key, values[key]) for key in values)


def values_of(text: str, where: str) -> dict[str, Any]:
    """The values of the top-level keys, empty without frontmatter."""
    lines, _ = split(text, where)
    return {key: entry.value for key, entry in entries(lines, where).items()} if lines is not None else {}


def fingerprints(values: Mapping[str, Any], owned: frozenset[str]) -> str:
    """What was suggested, for the block's marker: `tags:1f0c...,affects:...`."""
    return ",".join(
        f"{key}:{_fingerprint(_loaded(key, value))}" for key, value in values.items() if key not in owned
    )


def _fingerprint(value: Any) -> str:
    return shown_digest(digest_bytes(repr(value).encode()))


def _loaded(key: str, value: Any) -> Any:
    """The value as it reads back from what `_rendered` writes; how it is laid out does not matter."""
    written = _rendered(key, value, "\n") if _is_plain(value) else yaml.dump({key: value}, Dumper=_FAST)
    return yaml.SafeLoader("").construct_document(composed(written))[key]


_FAST = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Flow(list[Any]):
    """A list written on one line: `[a, b]`."""


def _laid_out(value: Any) -> Any:
    """A value with those lists marked that stand on one line: of short texts, and of paths."""
    if isinstance(value, list) and all(isinstance(item, str) and len(item) < 40 for item in value):
        return _Flow(value)
    if isinstance(value, list) and all(map(_is_path, value)):
        return _Flow(value)
    if isinstance(value, dict):
        return {name: _laid_out(part) for name, part in value.items()}
    return value


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and _PATH.fullmatch(value) is not None


class _Dumper(yaml.SafeDumper):
    """Sequences are indented below their key, as the workflow's own parser expects."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


_Dumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None


def _rendered(key: str, value: Any, newline: str) -> str:
    if _is_plain(value):
        return f"{key}: {value}{newline}"
    value = _laid_out(value)
    text: str = yaml.dump(
        {key: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize
    )
    return text.replace("\n", newline)


def _trimmed(lines: list[str], start: int, limit: int) -> int:
    """The end of a key's lines: blank and comment lines before the next key belong to that one."""
    end = limit
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end


def _compose(lines: list[str], where: str) -> yaml.Node | None:
    try:
        return composed("".join(lines))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark is not None else 1
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise _broken(f"the frontmatter is not valid YAML: {problem}", f"{where}:{line}") from None


def _value(node: yaml.Node, where: str) -> Any:
    try:
        return yaml.SafeLoader("").construct_document(node)
    except yaml.YAMLError as error:
        raise _broken(f"the frontmatter has a value that cannot be read: {error}", where) from None


def _broken(message: str, where: str) -> UsageError:
    return UsageError(f"{message}; the file was left as it is", where=where, hint="correct the frontmatter")
