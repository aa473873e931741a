"""YAML frontmatter to plain values, with the line of every key path.

PyYAML's composer builds the node tree with its marks; the values are made here, because the safe
constructor lets a repeated key overwrite the first one and forgets where things stood. Numbers keep
the way they were written (`plan: 01`, `phase: 12.10`), and dates stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import yaml

from rocverify.errors import PlanError
from rocverify.plan.mending import mended
from rocverify.plan.model import KeyPath, PlanWarning
from rocverify.plan.source import SourceText
from rocverify.records import SourceRef

MAX_NODES = 20_000
"""Values after expansion of aliases: far above any plan, far below a document made to explode."""

_TAG = "tag:yaml.org,2002:"
_READ_OTHERWISE = re.compile("[\t\x85\u2028\u2029]|[|>][-+0-9]*#")
"""Where libyaml takes what PyYAML refuses."""


class WrittenInt(int):
    """An integer that remembers its spelling."""

    raw: str


class WrittenFloat(float):
    """A float that remembers its spelling."""

    raw: str


@dataclass(frozen=True, slots=True)
class Frontmatter:
    """`values` of the mapping; `lines` by key path; `body` is the offset at which the body starts."""

    source: SourceText
    values: dict[str, Any]
    lines: dict[KeyPath, int]
    body: int

    @property
    def is_there(self) -> bool:
        """Whether the file has frontmatter at all, be it empty."""
        return self.body > 0

    def ref(self, *path: str | int) -> SourceRef:
        """The place of a key path, or of its nearest ancestor that has one."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return SourceRef(self.source.path, self.lines[path[:length]])
        return SourceRef(self.source.path, 1)

    def warn(self, path: KeyPath, message: str, *, hint: str | None = None) -> None:
        """Notes something at a key path that is read all the same."""
        self.source.warnings.setdefault(PlanWarning(f"{dotted(path)}: {message}", self.ref(*path), hint))

    def error(self, path: KeyPath, message: str, *, hint: str | None = None) -> PlanError:
        """An error that names the key and its line."""
        return PlanError(f"{dotted(path)}: {message}", where=str(self.ref(*path)), hint=hint)


def dotted(path: KeyPath) -> str:
    """A key path as people write it: `must_haves.artifacts[0].path`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.lstrip(".")


def read_frontmatter(source: SourceText) -> Frontmatter:
    """The frontmatter between the first two `---` lines, empty where there is none; PlanError with line,
    column and the mended line where it cannot be read."""
    span = delimit(source)
    if span is None:
        return Frontmatter(source, {}, {}, 0)
    start, end, body = span
    builder = _Builder(source, start, end)
    with _yaml_errors(builder):
        root = composed(source.text[start:end])
        values = builder.value(root, ()) if root is not None else {}
    if not isinstance(values, dict):
        raise source.error("the frontmatter is not a mapping of keys to values", start)
    return Frontmatter(source, values, builder.lines, body)


def composed(text: str) -> yaml.Node | None:
    """The nodes of a YAML text; YAMLError. By libyaml, which is some ten times faster, where it is there and
    the two read alike; what is wrong is always said in PyYAML's own words."""
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is not None and not _READ_OTHERWISE.search(text):
        with suppress(yaml.YAMLError, ValueError, OverflowError):
            read: yaml.Node | None = fast(text).get_single_node()
            return read
    root: yaml.Node | None = yaml.SafeLoader(text).get_single_node()
    return root


def delimit(source: SourceText) -> tuple[int, int, int] | None:
    """Where the frontmatter's YAML starts and ends, and the body starts; None where there is none. PlanError
    for one that is not closed."""
    text = source.text
    first = len(text) - len(text.lstrip())
    opening = text.rfind("\n", 0, first) + 1
    start = _line_end(text, opening)
    if text[opening:start].rstrip() != "---":
        source.warn("has no frontmatter", opening, hint="a plan starts with a line ---, YAML, and a line ---")
        return None
    end = start
    while end < len(text):
        after = _line_end(text, end)
        if text[end:after].rstrip() == "---":
            return start, end, after
        end = after
    raise source.error("the frontmatter is not closed", opening, hint="end it with a line ---")


def _line_end(text: str, offset: int) -> int:
    position = text.find("\n", offset)
    return len(text) if position < 0 else position + 1


@contextmanager
def _yaml_errors(builder: _Builder) -> Iterator[None]:
    source = builder.source
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        offset = min(builder.start + (mark.index if mark else 0), len(source.text))
        fault = f"YAML, column {source.column(offset)}: {error.problem or error}"
        raise source.error(fault, offset, hint=builder.mended(offset)) from None
    except yaml.reader.ReaderError as error:
        message = f"YAML: character U+{int(error.character):04X} is not allowed"
        raise source.error(message, builder.start + int(error.position)) from None
    except RecursionError:
        raise source.error("the frontmatter is nested too deeply", builder.start) from None
    except (ValueError, OverflowError) as error:
        # PyYAML lets these escape from \U escapes that name no character.
        raise source.error(f"YAML: a value cannot be read: {error}", builder.start) from None


class _Builder:
    """Values from YAML nodes. PyYAML counts more line ends than editors do, hence offsets."""

    def __init__(self, source: SourceText, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.lines: dict[KeyPath, int] = {}
        self._nodes = 0
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._error("the frontmatter expands to too many values", node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise self._error("a YAML alias refers to what it stands in", node)
        self._open.add(id(node))
        value = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._list(node, path)
        self._open.discard(id(node))
        return value

    def mended(self, offset: int) -> str | None:
        """The line at an offset as it can be read, for a message; None where no usual slip is the cause."""
        line = self.source.line(offset) - self.source.line(self.start)
        found = mended(self.source.text[self.start : self.end], line)
        return f"write the line as\n{found}" if found else None

    def _error(self, message: str, node: yaml.Node, hint: str | None = None) -> PlanError:
        return self.source.error(message, self._offset(node), hint=hint)

    def _offset(self, node: yaml.Node) -> int:
        return self.start + int(node.start_mark.index)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        self._plain(node, "map")
        return self._fill({}, node, path)

    def _fill(self, values: dict[str, Any], node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        for key_node, value_node in node.value:
            key = self._key(key_node)
            here = (*path, key)
            if key in values:
                values[key] = self._again(values[key], key_node, value_node, here)
                continue
            self.lines[here] = self.source.line(self._offset(key_node))
            values[key] = self.value(value_node, here)
        return values

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == f"{_TAG}merge":
            raise self._error("a key must be plain text", node)
        return self._text(node)

    def _again(self, before: Any, key: yaml.Node, node: yaml.Node, path: KeyPath) -> Any:
        """The value of a key that stands twice: lists and mappings are put together, so that nothing asked
        for is lost; of two texts that ask for different things neither is chosen."""
        fault = f"{dotted(path)}: the key appears twice, first on line {self.lines[path]}"
        if isinstance(before, list) and isinstance(node, yaml.SequenceNode):
            value: Any = [*before, *self._list(node, path, len(before))]
        elif isinstance(before, dict) and isinstance(node, yaml.MappingNode):
            value = self._fill(before, node, path)
        elif (value := self.value(node, path)) != before:
            raise self._error(fault, key, "keep one of them")
        self.source.warn(f"{fault}: both are read", self._offset(key))
        return value

    def _list(self, node: yaml.Node, path: KeyPath, first: int = 0) -> list[Any]:
        """The items of a list, numbered from `first`."""
        self._plain(node, "seq")
        values = []
        for index, item in enumerate(node.value, first):
            here = (*path, index)
            self.lines[here] = self.source.line(self._offset(item))
            values.append(self.value(item, here))
        return values

    def _plain(self, node: yaml.Node, tag: str) -> None:
        if node.tag != _TAG + tag:
            raise self._error(f"the YAML tag {node.tag} is not allowed", node)

    def _text(self, node: yaml.ScalarNode) -> str:
        text = str(node.value)
        for character in text:
            if character == "\0" or "\ud800" <= character <= "\udfff":
                raise self._error(f"character U+{ord(character):04X} is not allowed", node)
        return text

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text, tag = self._text(node), node.tag.removeprefix(_TAG)
        if tag in ("str", "timestamp", "value"):
            return text
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() in ("yes", "true", "on")
        if tag not in ("int", "float"):
            raise self._error(f"the YAML tag {node.tag} is not allowed", node)
        return self._number(node, text, tag)

    def _number(self, node: yaml.ScalarNode, text: str, tag: str) -> WrittenInt | WrittenFloat:
        constructor = yaml.constructor.SafeConstructor()
        try:
            if tag == "int":
                integer = WrittenInt(constructor.construct_yaml_int(node))
                integer.raw = text
                return integer
            number = WrittenFloat(constructor.construct_yaml_float(node))
        except (ValueError, OverflowError, IndexError):
            raise self._error(f"{text[:40]!r} is not a number", node, "put it in quotes") from None
        number.raw = text
        return number
