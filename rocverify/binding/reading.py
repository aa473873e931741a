"""One truth, being read: which entities it names, and which of its words a check accounts for.

A truth is bound only if every word in it that carries meaning was used. "RoPE kernel is compiled and
twice as fast" must not be verified by compiling: `twice as fast` is left over, so a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rocverify.binding.calls import further_names
from rocverify.binding.project import Contract, Function, Kernel, Subject
from rocverify.kernel_names import kernels_called, last_name
from rocverify.plan.model import Plan
from rocverify.plan.requirements import without_requirements

_TOKEN = re.compile(r"[A-Za-z0-9_]+(?:[./:]+[A-Za-z0-9_]+)*")
_WORD = re.compile(r"(?:\w|[^\x00-\x7f\s\u2010-\u2027\u2190-\u21ff\u00b7])+(?:['.]\w+)*")
"""A word in any script; signs beyond ASCII are words, too (dashes, quotes and arrows are not)."""
_HIP = re.compile(r"hip[A-Z]\w*")
_ABSENCE = re.compile(r"(?:there\s+(?:is|are)\s+)?(?:no|zero|without)\b", re.IGNORECASE)
_HAPPENS = re.compile(
    r"\s+(?:ever\s+)?(?:happens?|occurs?|takes?\s+place|(?:is|are)\s+(?:ever\s+)?(?:done|made|performed))\b",
    re.IGNORECASE,
)
"""What a sentence says of a thing that is not there, and that adds nothing: "no copy happens"."""
_LONGEST_NAME = 4
"""Words that a kernel's name may be spread over: "flash attention causal mask"."""

_NEUTRAL_TEXT = """
a all an and any are as at be been both by can code device does during each every execution flow for
from fully function functions gpu has have hip hot implementation in inside is it its kernel kernels
method now of on or path paths rocm successfully the their them these this those through to via was
when with within
"""
NEUTRAL = frozenset(_NEUTRAL_TEXT.split())
"""Words without a claim of their own. No negation, no number, no quality is among them."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class KernelMention:
    """A kernel that a text names; `symbols` where it names symbols rather than the source."""

    span: Span
    kernel: Kernel
    symbols: tuple[str, ...] = ()


class Reading:
    """The state of reading one truth. Entities count as used once a builder asked for them."""

    def __init__(self, text: str, plan: Plan, subject: Subject) -> None:
        self.text = without_requirements(text)
        self.plan = plan
        self.subject = subject
        self._match: re.Match[str] | None = None
        self._used: list[Span] = []

    def at(self, match: re.Match[str]) -> None:
        """A phrase matched here: what it covers counts as used, and its builder asks for its groups."""
        self._match = match
        self._used.append(match.span())
        idle = _HAPPENS.match(self.text, match.end()) if _ABSENCE.match(match[0]) else None
        self._used += [idle.span()] if idle else []

    def group(self, name: str) -> str:
        """A named group of the phrase that matched last; empty if it took no part."""
        return (self._match.groupdict() if self._match else {}).get(name) or ""

    def span(self, name: str) -> Span:
        """Where a group of that phrase stands; (-1, -1) if it took no part."""
        return self._match.span(name) if self._match else (-1, -1)

    def further_callees(self) -> tuple[str, ...] | None:
        """What a call that matched last goes on with: b and c of "f() calls a(), b() and c()"; None for "or"
        and "not"."""
        end = self._match.end() if self._match else len(self.text)
        names, length = further_names(self.text[end:])
        if length < 0:
            return None
        self._used.append((end, end + length))
        return names

    def take(self, pattern: str) -> list[re.Match[str]]:
        """All places where a modifier stands; they count as used."""
        found = list(re.finditer(pattern, self.text, re.IGNORECASE))
        self._used += [match.span() for match in found]
        return found

    def kernels(self) -> tuple[KernelMention, ...]:
        """The kernels that the truth names."""
        mentions = kernel_mentions(self.text, self.subject.kernels)
        self._used += [m.span for m in mentions]
        return tuple(mentions)

    def functions(self) -> tuple[Function, ...]:
        """The host functions that the truth names, as code: `f()`, `f_g` or between backticks."""
        found: dict[Function, None] = {}
        for span, name in code_names(self.text):
            named = self.subject.named(name)
            found |= dict.fromkeys(named)
            self._used += [span] if named else []
        return tuple(found)

    def compiled_functions(self) -> tuple[Function, ...]:
        """The functions of Rust and C++ sources that the truth names as code, where no Python source has one
        of that name and only one source has it."""
        found: dict[Function, None] = {}
        for span, name in code_names(self.text):
            named = () if self.subject.named(name) else self.subject.named_in_compiled(name)
            if len(named) == 1:
                found |= dict.fromkeys(named)
                self._used.append(span)
        return tuple(found)

    def leftover(self) -> list[str]:
        """The words that mean something and that nothing used, in order."""
        blank = self.text
        for begin, end in self._used:
            blank = blank[:begin] + " " * (end - begin) + blank[end:]
        return [word for word in _WORD.findall(blank) if word.lower() not in NEUTRAL]


def code_names(text: str) -> Iterator[tuple[Span, str]]:
    """The names in a text that are written as code (`f()`, `f_g`, a HIP function), each with its span."""
    for token in _TOKEN.finditer(text):
        name = re.split(r"[.:/]+", token[0])[-1]
        quoted = text[token.start() - 1 : token.start()] == "`"
        called = text[token.end() : token.end() + 1] == "("
        if name.isidentifier() and ("_" in name or quoted or called or _HIP.fullmatch(name)):
            end = token.end()
            yield (token.start(), end + 2 if text[end : end + 2] == "()" else end), name


def functions_in(texts: Iterable[str], subject: Subject) -> tuple[Function, ...]:
    """The host functions that texts of the plan name, each once, in order."""
    named = (name for text in texts for _, name in code_names(text))
    return tuple(dict.fromkeys(f for name in named for f in subject.named(name)))


def contracts_listed(contracts: Iterable[Contract]) -> str:
    """The references of contracts, with commas between; "none" if there are none."""
    return ", ".join(contract.ref for contract in contracts) or "none"


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


Named = tuple[Kernel, tuple[str, ...]]


@lru_cache(maxsize=16)
def _kernel_keys(kernels: tuple[Kernel, ...]) -> Mapping[str, list[Named]]:
    """What a kernel may be called, folded: source path, file, stem; and its symbols without `_kernel`
    where that is not the source's name ("RoPE kernel" is all of rope.hip)."""
    keys: dict[str, list[Named]] = {}
    for kernel in kernels:
        for name in (kernel.source, kernel.file, kernel.stem, kernel.stem.removesuffix("_kernel")):
            same = keys.setdefault(_key(name), [])
            same += [] if (kernel, ()) in same else [(kernel, ())]
    sources = set(keys)
    for kernel in kernels:
        for symbol in kernel.symbols:
            key = _key(symbol.removesuffix("_kernel"))
            if key not in sources:
                keys.setdefault(key, []).append((kernel, (symbol,)))
    return keys


def kernel_mentions(text: str, kernels: tuple[Kernel, ...]) -> list[KernelMention]:
    """The kernels that a text names, with where."""
    tokens = list(_TOKEN.finditer(text))
    keys = _kernel_keys(kernels)
    found: list[KernelMention] = []
    position = 0
    while position < len(tokens):
        for length in range(min(_LONGEST_NAME, len(tokens) - position), 0, -1):
            group = tokens[position : position + length]
            named = _symbol(group, kernels) or _source(group, text, keys)
            if named:
                span = (group[0].start(), group[-1].end())
                found += [KernelMention(span, kernel, symbols) for kernel, symbols in named]
                position += length
                break
        else:
            position += 1
    return found


def _symbol(group: list[re.Match[str]], kernels: tuple[Kernel, ...]) -> list[Named]:
    """The kernels with a symbol that is written out in full, as code, or by its name in the source, with or
    without its namespaces."""
    if len(group) > 1:
        return []
    written = group[0][0]
    exact: list[Named] = [(kernel, (written,)) for kernel in kernels if written in kernel.symbols]
    if exact:
        return exact
    found = ((kernel, kernels_called(symbols, written)) for kernel, symbols in _with_longer_names(kernels))
    named = [(kernel, symbols) for kernel, symbols in found if symbols]
    if named or "::" not in written:
        return named
    short = last_name(written)  # a manifest or source that has short names
    return [(kernel, (short,)) for kernel in kernels if short in kernel.symbols]


@lru_cache(maxsize=16)
def _with_longer_names(kernels: tuple[Kernel, ...]) -> tuple[tuple[Kernel, tuple[str, ...]], ...]:
    """The kernels that have mangled symbols, or such with namespaces and arguments."""
    longer = ((k, tuple(s for s in k.symbols if s.startswith("_Z") or not s.isidentifier())) for k in kernels)
    return tuple((kernel, symbols) for kernel, symbols in longer if symbols)


def _source(group: list[re.Match[str]], text: str, keys: Mapping[str, list[Named]]) -> list[Named]:
    """The kernels that words name, singular or plural, joined by blanks or hyphens."""
    gaps = (text[a.end() : b.start()] for a, b in pairwise(group))
    if not all(re.fullmatch(r"[\s-]+", gap) for gap in gaps):
        return []
    key = _key(text[group[0].start() : group[-1].end()])
    return keys.get(key) or keys.get(key + "s") or keys.get(key.removesuffix("s")) or []
