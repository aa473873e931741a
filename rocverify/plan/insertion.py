"""Entries added to a plan's `rocverify:` list. Not a byte of what stands there changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from rocverify.errors import PlanError
from rocverify.plan.frontmatter import delimit, read_frontmatter
from rocverify.plan.source import SourceText, decode, relative_path

LIST = "rocverify"
_BOM = "\ufeff"


def with_entries(path: Path, root: Path, entries: Sequence[Mapping[str, Any]]) -> str:
    """The text of a plan with entries behind those of its list, which is made where there is none.

    Raises PlanError for a plan that cannot be read, and where adding lines alone would not give that list.
    """
    name = relative_path(path, root)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PlanError(f"cannot be read: {error.strerror or error}", where=name) from None
    text = decode(data, name)
    source = SourceText(name, text)
    before = read_frontmatter(source)
    at, added = _insertion(text, delimit(source), entries)
    after = read_frontmatter(SourceText(name, text[:at] + added + text[at:]))
    listed = before.values.get(LIST) or []
    wanted = {**before.values, LIST: [*listed, *(dict(entry) for entry in entries)]}
    if not isinstance(listed, list) or _plain(after.values) != _plain(wanted):
        lines = "".join(entry_lines(entry, "  ") for entry in entries)
        hint = f"add to the list by hand:\n{LIST}:\n{lines}"
        raise PlanError(f"the list {LIST} cannot be added to", where=str(before.ref(LIST)), hint=hint)
    raw = data.decode("utf-8-sig")
    here = _raw_offset(raw, at)
    ends = added.replace("\n", "\r\n") if "\r\n" in raw else added
    return f"{_BOM if data.startswith(_BOM.encode()) else ''}{raw[:here]}{ends}{raw[here:]}"


def entry_lines(entry: Mapping[str, Any], indent: str) -> str:
    """An entry as an item of a list, one key a line."""
    keys = [f"{key}: {_flow(value)}" for key, value in entry.items()]
    return "".join(f"{indent}{'- ' if not n else '  '}{line}\n" for n, line in enumerate(keys))


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1 << 20, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _insertion(
    text: str, span: tuple[int, int, int] | None, entries: Sequence[Mapping[str, Any]]
) -> tuple[int, str]:
    """Where to put what. span: where the frontmatter starts and ends."""
    if span is None:
        return 0, f"---\n{LIST}:\n{''.join(entry_lines(e, '  ') for e in entries)}---\n"
    start, end, _ = span
    node = _list_node(text[start:end])
    if isinstance(node, yaml.SequenceNode) and node.flow_style:
        at = start + node.end_mark.index - 1
        comma = ", " if node.value else ""
        return at, comma + ", ".join(_flow(dict(entry)) for entry in entries)
    if isinstance(node, yaml.SequenceNode):
        at = start + _end(node.value[-1])
        if text[at - 1 : at] != "\n":
            at = text.index("\n", at) + 1
        return at, "".join(entry_lines(e, " " * node.start_mark.column) for e in entries)
    lines = "".join(entry_lines(e, "  ") for e in entries)
    if isinstance(node, yaml.ScalarNode):  # `rocverify:` with nothing behind it
        return text.index("\n", start + node.end_mark.index) + 1, lines
    return end, f"{LIST}:\n{lines}"


def _list_node(text: str) -> yaml.Node | None:
    root = yaml.SafeLoader(text).get_single_node()
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == LIST), None)


def _end(node: yaml.Node) -> int:
    """Where a node's text ends; PyYAML puts the mark of what is written in lines behind the comments that
    follow."""
    flow = isinstance(node, yaml.CollectionNode) and node.flow_style
    if isinstance(node, yaml.ScalarNode) or flow or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _raw_offset(raw: str, offset: int) -> int:
    """The place in a text whose line ends are as they are of one in the same text with `\\n` alone."""
    at = 0
    for _ in range(offset):
        at += 2 if raw.startswith("\r\n", at) else 1
    return at


def _plain(value: Any) -> Any:
    """Values without how they were spelled."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
