"""Where a kernel's text touches the elements of an array: by brackets, by pointer arithmetic, through
pointers of its own. Text alone: what it does not show is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_ASSIGNED = re.compile(r"\s*(?P<operator>[-+*/%&|^]?|<<|>>)=(?!=)|\s*(?P<step>\+\+|--)")
_CAST = re.compile(
    r"\b(?:reinterpret|static|const)_cast\s*<(?P<new>[^<>;]*)\*[\w\s]*>"
    r"|\((?P<old>\s*(?:\w+\s+)*[\w:]+\s*)\*+\s*(?:const|__restrict__)?\s*\)(?=\s*[\w(&])"
)
_MOVED = re.compile(r"\s*(?P<sign>[-+])=\s*")
_COMPARED = re.compile(r"\s*(?:[<>]=?|[=!]=)(?![<>])")
_COMPARING = re.compile(r"(?:(?<![-<>])[<>]|[<>=!]=)\s*\Z")
_LOOP = re.compile(r"\b(?:for|while)\b\s*(?=\()")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Access:
    """A use of an array's elements. index: which one, over the whole array; shown: as it is written."""

    index: str
    shown: str
    reads: bool
    writes: bool


@dataclass
class Touched:
    """What a text shows of one array."""

    accesses: list[Access] = field(default_factory=list)
    handed_on: list[Access] = field(default_factory=list)
    """Where it goes elsewhere, so that what happens to it does not show."""
    moving: str = ""
    """A pointer into it that a loop moves."""
    element: str = ""
    """The type that it is taken for, where that is another one than its own."""


def touched(array: str, own: str, text: str, values: Sequence[tuple[str, str]]) -> Touched:
    """What a function's body shows of an array. own: the type of its elements; values: the function's
    variables by name, with their texts, in their order."""
    return _Reader(array, own, text, values).found


class _Reader:
    """Reads one body; pointers are followed through the names that they are given."""

    def __init__(self, array: str, own: str, text: str, values: Sequence[tuple[str, str]]) -> None:
        self.found = Touched()
        self._array = array
        names = "|".join(re.escape(name) for name in (array, *(name for name, _ in values)))
        self._alone = re.compile(rf"(?<![\w\]>])\(\s*({names})\s*\)")
        """A name in brackets of its own."""
        self._text = self._noticed(text, own)
        self._loops = list(_loops(self._text))
        self._offsets = {array: ""}
        """The pointers, with how far into the array they point."""
        self._how = {array: ""}
        """How they came to point there, in words."""
        self._moves(array)
        for name, value in values:
            base = self._pointed(self._plain(value)) if name not in self._offsets else None
            if base is not None:
                self._offsets[name] = _joined(self._offsets[base[0]], base[1])
                self._how[name] = f" with {name} = {' '.join(value.split())}{self._how[base[0]]}"
                self._moves(name)
        self._defined = [span for name in self._offsets if name != array for span in self._definitions(name)]
        for name in self._offsets:
            for use in self._uses_of(name):
                self._use(name, use)

    def _plain(self, text: str) -> str:
        """A text without casts to pointers."""
        return self._alone.sub(r"\1", _CAST.sub("", text))

    def _noticed(self, text: str, own: str) -> str:
        """The same; what the array is cast to is noticed."""
        for cast in _CAST.finditer(text):
            kind = " ".join(re.sub(r"\b(?:const|volatile)\b", " ", cast["new"] or cast["old"]).split())
            if kind != own and re.match(rf"\W*{re.escape(self._array)}\b", text[cast.end() :]):
                self.found.element = self.found.element or kind
        return self._plain(text)

    # -- pointers ------------------------------------------------------------------------------------

    def _pointed(self, value: str) -> tuple[str, str] | None:
        """The pointer that a value is made of, and what is added to it."""
        value = value.strip()
        while value.startswith("(") and _end_of(value, 0) == len(value):
            value = value[1:-1].strip()
        known = "|".join(map(re.escape, self._offsets))
        element = re.fullmatch(rf"&\s*({known})\s*\[(.*)\]", value, re.S)
        if element is not None:
            return element[1], element[2].strip()
        found = re.search(rf"(?<![\w.>])({known})\b(?!\s*[\[(])", value)
        if found is None or value[: found.start()].rstrip().endswith("*"):
            return None
        added = _added(value[: found.start()], value[found.end() :])
        return None if added is None else (found[1], added)

    def _moves(self, name: str) -> None:
        for use in self._uses_of(name):
            moved = _MOVED.match(self._text, use.end())
            if moved is not None:
                at = moved.end()
                by = " ".join(self._text[at : self._statement_end(at)].split())
                self._offsets[name] = _joined(self._offsets[name], by)
                self._how[name] += f" after {name} {moved['sign']}= {by}"

    def _definitions(self, name: str) -> Iterator[tuple[int, int]]:
        for found in re.finditer(rf"\b{re.escape(name)}\s*=(?!=)", self._text):
            yield found.start(), self._statement_end(found.end())

    def _statement_end(self, at: int) -> int:
        """Where an expression that begins at a place ends: at `;`, or at `,` or `)` of what is around it."""
        depth = 0
        while at < len(self._text):
            depth += (self._text[at] in _OPENING) - (self._text[at] in _CLOSING)
            if depth < 0 or (not depth and self._text[at] in ",;"):
                return at
            at += 1
        return at

    # -- uses ----------------------------------------------------------------------------------------

    def _uses_of(self, name: str) -> list[re.Match[str]]:
        return list(re.finditer(rf"(?<![\w.])(?<!->){re.escape(name)}\b", self._text))

    def _use(self, name: str, use: re.Match[str]) -> None:
        before, begin, end = self._text[: use.start()].rstrip(), use.start(), use.end()
        if any(first <= begin < last for first, last in self._defined) or _MOVED.match(self._text, end):
            self._looping(name, begin)
            return
        brackets = re.compile(r"\s*\[").match(self._text, end)
        stepped = re.compile(r"\s*(?:\+\+|--)").match(self._text, end)
        member = re.compile(r"\s*->\s*\w+").match(self._text, end)
        if member is not None:
            self._access(name, "", begin, member.end())
        elif brackets is not None:
            last = _end_of(self._text, brackets.end() - 1)
            self._access(name, self._text[brackets.end() : last - 1], begin, last)
        elif before.endswith(("*", "*++", "*--")):
            last = stepped.end() if stepped is not None else end
            self.found.moving = name if stepped or not before.endswith("*") else self.found.moving
            self._access(name, "", before.rindex("*"), last)
        elif stepped is not None or before.endswith(("++", "--")):
            self.found.moving = name
        elif _COMPARED.match(self._text, end) is None and _COMPARING.search(before) is None:
            self._inside(name, use)

    def _looping(self, name: str, at: int) -> None:
        moved = _MOVED.match(self._text, at + len(name))
        if moved is not None and any(first <= at < last for first, last in self._loops):
            self.found.moving = name

    def _inside(self, name: str, use: re.Match[str]) -> None:
        """A pointer in an expression: `*(x + i)`, or one that goes elsewhere."""
        first, last = self._argument(use.start())
        left, right = self._text[first : use.start()], self._text[use.end() : last]
        added = _added(left, right) or ""
        before = self._text[: first - 1].rstrip() if first and self._text[first - 1] == "(" else ""
        if before.endswith("*") and self._text[last : last + 1] == ")":
            self._access(name, added, len(before) - 1, last + 1)
            return
        index = _joined(self._offsets[name], added)
        callee = self._callee(first)
        shown = " ".join(f"{callee}({self._text[first:last].strip()})".split()) if callee else ""
        shown = shown or " ".join(self._text[first:last].split())
        self.found.handed_on.append(Access(index, shown + self._how[name], reads=True, writes=True))

    def _argument(self, at: int) -> tuple[int, int]:
        """The expression around a place, within what brackets and commas leave of it."""
        depth, first = 0, at
        while first:
            depth += (self._text[first - 1] in _CLOSING) - (self._text[first - 1] in _OPENING)
            if depth < 0 or (not depth and self._text[first - 1] in ",;"):
                break
            first -= 1
        return first, self._statement_end(at)

    def _callee(self, first: int) -> str:
        """The function among whose arguments an expression begins."""
        depth, at = 0, first
        while at and depth >= 0:
            at -= 1
            if self._text[at] in ";{}":
                return ""
            depth += (self._text[at] in ")]") - (self._text[at] in "([")
        found = re.search(r"(\w+)\s*(?:<[^<>;]*>)?\s*\Z", self._text[:at])
        return found[1] if found is not None and found[1] not in ("if", "while", "for", "return") else ""

    def _access(self, name: str, index: str, begin: int, end: int) -> None:
        assigned = _ASSIGNED.match(self._text, end)
        reads = assigned is None or bool(assigned["operator"] or assigned["step"])
        taken = self._text[:begin].rstrip().endswith("&") and not self._text[:begin].rstrip().endswith("&&")
        shown = " ".join(self._text[begin:end].split()) + self._how[name]
        whole = _joined(self._offsets[name], " ".join(index.split())) or "0"
        self.found.accesses.append(Access(whole, shown, reads, assigned is not None or taken))


def _added(left: str, right: str) -> str | None:
    """What stands beside a pointer in a sum; None where that is no sum."""
    left, right = left.strip(), right.strip()
    if (left and not left.endswith("+")) or (right and right[0] not in "+-"):
        return None
    after = right[1:].strip() if right.startswith("+") else right
    return _joined(left.removesuffix("+").strip(), after)


def _joined(offset: str, index: str) -> str:
    return " + ".join(part for part in (offset, index) if part)


def _end_of(text: str, at: int) -> int:
    """The place behind the bracket that closes the one at a place."""
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] in _OPENING) - (text[place] in _CLOSING)
        if not depth:
            return place + 1
    return len(text)


def _loops(text: str) -> Iterator[tuple[int, int]]:
    """Where loops begin and end, their heads included."""
    for found in _LOOP.finditer(text):
        head = _end_of(text, found.end())
        body = len(text) - len(text[head:].lstrip())
        braces = text[body : body + 1] == "{"
        yield found.start(), _end_of(text, body) if braces else (text.find(";", head) + 1 or len(text))
