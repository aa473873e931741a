"""What checks try of what a text names: element types, kernels, functions, sizes, and the sort of claim.

An explicit binding chooses the checks of a truth freely; its words still count. `uncovered` says what a text
names and none of its checks tries. It knows names and numbers, not sentences: what it does not recognise it
does not hold against a binding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Protocol

from rocverify.binding.catalogue import matches
from rocverify.binding.covering_commands import commands_not_run, runs_tests
from rocverify.binding.project import Contract, Kernel, Subject
from rocverify.binding.reading import code_names, kernel_mentions
from rocverify.binding.vocabulary import (
    ALL_KERNELS,
    ALL_TYPES,
    COMPILING,
    COUNTED_KERNELS,
    COUNTED_TYPES,
    DECIDED_BY,
    EXECUTING,
    NOT_A_VERB,
    NOT_CLAIMED,
    OF_REFERENCE,
    READING,
    counted,
    numbers_in,
    types_in,
)
from rocverify.errors import SourceError
from rocverify.plan.requirements import without_requirements

_FUNCTIONS = ("first", "then", "entry", "caller", "callee", "names")
_ERROR_NAME = re.compile(r"\b[A-Z]\w*(?:Error|Exception)\b")
_WORD, _WORD_OR_DOT = re.compile(r"\w"), re.compile(r"[\w.]")
_KERNEL_NAME = re.compile(r"\b[A-Za-z]\w*_kernel(?:_\w+)?\b")


class Tried(Protocol):
    """A check as far as it matters here: a draft, or a bound one."""

    @property
    def kind(self) -> str:
        """The kind of check, by its name."""

    @property
    def params(self) -> Mapping[str, Any]:
        """The check's parameters, by name."""


def uncovered(text: str, checks: Collection[Tried], subject: Subject) -> tuple[str, ...]:
    """What the text names and none of the checks tries, each in words; empty if all of it is tried."""
    asked = ("uncovered", text, *(_key(check) for check in checks))
    if asked not in subject.worked_out:
        subject.worked_out[asked] = _uncovered(text, [_trial(check, subject) for check in checks], subject)
    found: tuple[str, ...] = subject.worked_out[asked]
    return found


def _key(check: Tried) -> tuple[str, str]:
    return check.kind, repr(check.params)


def _trial(check: Tried, subject: Subject) -> _Trial:
    """One for all texts that the same check is bound to."""
    trial: _Trial = subject.worked_out.setdefault(("trial", *_key(check)), _Trial(check, subject))
    return trial


def _uncovered(text: str, tries: list[_Trial], subject: Subject) -> tuple[str, ...]:
    said = without_requirements(text)
    found = [
        *_claims(said, tries),
        *commands_not_run(said, tries),
        *_errors(said, tries),
        *_types(said, tries),
        *_kernels(said, tries, subject),
        *_unknown_kernels(said, tries, subject),
        *_functions(said, tries, subject),
        *_numbers(said, tries),
    ]
    return tuple(dict.fromkeys(found))


class _Trial:
    """One check, and what its parameters lead to in the project."""

    def __init__(self, check: Tried, subject: Subject) -> None:
        self.kind = check.kind
        self.params = check.params
        self._subject = subject

    @cached_property
    def contract(self) -> Contract | None:
        """The contract that it names, however it is imported, or the only one of the function it names."""
        name = str(self.params.get("contract") or "")
        known = self._subject.contracts
        exact = [c for c in known if c.ref == name] or [
            c for c in known if name and c.name == name.rpartition(":")[2]
        ]
        if exact or name:
            return exact[0] if exact else None
        driven = [c for c in known if c.wrapper and c.wrapper in self._references]
        return driven[0] if len(driven) == 1 else None

    @cached_property
    def _references(self) -> set[str]:
        return {str(self.params.get(key)) for key in ("wrapper", "entry")}

    @cached_property
    def words(self) -> str:
        """Every text in its parameters, in its contract, and, of tests, in their files."""
        texts = [*_texts(self.params)]
        if self.contract is not None:
            texts += [self.contract.source, *self.contract.symbols, self.contract.wrapper or ""]
        if self._subject.settings.manifest in texts:
            texts.append("build manifest")
        if self.kind == "tests_pass":
            files = {str(node).partition("::")[0] for node in self.params.get("nodes", ())}
            texts += [self._subject.text(file) for file in sorted(files)]
        return "\n".join(texts)

    @cached_property
    def functions(self) -> set[str]:
        """The functions that a check of sources is about, by their own names."""
        if self.kind not in READING:
            return set()
        given = [text for key in _FUNCTIONS for text in _texts(self.params.get(key))]
        return {re.split(r"[.:]", text)[-1] for text in given}

    @cached_property
    def types(self) -> set[str] | None:
        """The element types that it runs in; None where that cannot be seen."""
        if given := self.params.get("dtypes"):
            return set(given)
        if self.kind not in EXECUTING or self.kind in ("tests_pass", "unsupported_config"):
            return types_in(self.words)
        if self.contract is not None and self.contract.dtypes:
            return set(self.contract.dtypes)
        return None

    @cached_property
    def sources(self) -> set[str]:
        """The kernel sources that it is about."""
        named = {str(self.params.get(key)) for key in ("source", "path", "from_path", "to_path")}
        about = {self.contract.source} if self.contract else set()
        return about | {k.source for k in self._subject.kernels if self._concerns(k, named)}

    def _concerns(self, kernel: Kernel, named: set[str]) -> bool:
        if kernel.source in named:
            return True
        return any(_stands_in(self._plain, name) for name in {kernel.file, *kernel.symbols})

    @cached_property
    def _plain(self) -> str:
        """Its words, of tests only the parameters': that a test names a kernel does not launch it."""
        words = "\n".join(_texts(self.params)) if self.kind == "tests_pass" else self.words
        return words.replace("\\", "")

    @cached_property
    def numbers(self) -> set[float]:
        """The numbers among its parameters, and the contract's for dimensions that it leaves free."""
        found = set(_numbers_of(self.params))
        peak = float(self.params.get("max_peak_bytes") or 0)
        found |= {peak / base**power for base in (1000, 1024) for power in (1, 2, 3)} if peak else set()
        if self.kind == "tests_pass":
            found |= set(numbers_in(self.words))
        if self.contract is not None:
            limited = self.params.get("dims") or {}
            free = (values for name, values in self.contract.ranges.items() if name not in limited)
            found |= {float(value) for values in free for value in values}
        return found


def _stands_in(text: str, name: str) -> bool:
    """Whether a name stands in a text by itself, and not as what belongs to something (`a.name`). There are
    more names than the cache of regular expressions has room for."""
    at = text.find(name)
    while at >= 0:
        before, behind = text[at - 1 : at], text[at + len(name) : at + len(name) + 1]
        if not _WORD_OR_DOT.fullmatch(before) and not _WORD.fullmatch(behind):
            return True
        at = text.find(name, at + 1)
    return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _numbers_of(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers_of(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, str):
        yield from numbers_in(value)


def _claims(text: str, tries: list[_Trial]) -> Iterator[str]:
    """The sorts of claim that the catalogue knows in the text, and static checks that are about nothing
    in it."""
    kinds = {trial.kind for trial in tries}
    for phrase, found in matches(text):
        if NOT_CLAIMED.search(text[: found.start()]) or NOT_A_VERB.match(text, found.end()):
            continue
        if phrase.kind == "tests_pass" and any(runs_tests(t.params.get("run", ())) for t in tries):
            continue
        if not kinds & DECIDED_BY.get(phrase.kind, frozenset({phrase.kind, *kinds})):
            yield f"{found[0].strip()!r} asks for {phrase.kind}, bound are {', '.join(sorted(kinds))}"
    if kinds <= READING and not any(_is_about(trial, text) for trial in tries):
        subject = ", ".join(str(t.params.get("path") or t.params.get("from_path") or t.kind) for t in tries)
        yield f"no word of it is about {subject}, and the checks bound to it execute nothing"


def _errors(text: str, tries: list[_Trial]) -> Iterator[str]:
    """What a text says of falling back and of errors, and its fallback checks do not look at."""
    trials = [trial for trial in tries if trial.kind == "fallback"]
    looked = " ".join(text for trial in trials for text in _texts(trial.params))
    if not trials:
        return
    for name in dict.fromkeys(_ERROR_NAME.findall(text)):
        if name not in looked:
            yield f"{name} not tried"
    falls = any(phrase.kind == "fallback" for phrase, _ in matches(text))
    if falls and all(trial.params.get("error") for trial in trials):
        yield "it says that a fallback is taken, and its checks expect an error"


def _is_about(trial: _Trial, text: str) -> bool:
    """Whether a check of texts concerns something that the sentence names."""
    if trial.kind == "documented":
        return True
    said = {word.lower() for word in re.findall(r"\w{3,}", text)}
    names = {word.lower() for word in re.findall(r"\w{3,}", trial.words)}
    paths = [str(trial.params.get(key) or "") for key in ("path", "from_path", "to_path")]
    stems = {part.lower() for path in paths for part in (PurePosixPath(path).name, PurePosixPath(path).stem)}
    return bool(said & (names | stems) - {"kernels", "kernel", "src", "tests", "hip"})


def _types(text: str, tries: list[_Trial]) -> Iterator[str]:
    named = types_in(OF_REFERENCE.sub(" ", text))
    seen: set[str] = set()
    for trial in tries:
        if trial.types is not None:
            seen |= trial.types
        elif trial.kind not in ("kernel_compiled", "resources") or COMPILING.search(text):
            return  # it tries types that cannot be seen from here
    if missing := sorted(named - seen):
        yield f"{', '.join(missing)} not tried (tried: {', '.join(sorted(seen)) or 'no element type'})"
    if (count := counted(COUNTED_TYPES, text)) and len(seen) < count:
        yield f"it says {count} element types, tried: {', '.join(sorted(seen)) or 'none'}"
    if ALL_TYPES.search(text):
        wanted = {dtype for trial in tries if trial.contract for dtype in trial.contract.dtypes}
        if missing := sorted(wanted - seen):
            yield f"it says every element type, {', '.join(missing)} not tried"


def _kernels(text: str, tries: list[_Trial], subject: Subject) -> Iterator[str]:
    tried = {source for trial in tries for source in trial.sources}
    mentions = kernel_mentions(text, subject.kernels)
    for mention in mentions:
        begin, end = mention.span
        plain = not re.search(r"[_./]", text[begin:end])
        if plain and not re.match(r"\s+kernels?\b", text[end:]):
            continue  # English words that a kernel happens to be called by
        if any(text[begin:end] in trial.functions for trial in tries):
            continue
        same = {m.kernel.source for m in mentions if m.span == mention.span}
        if not same & tried:
            yield f"{text[begin:end]} ({', '.join(sorted(same))}) not tried"
    symbols = {s for trial in tries for s in _texts(trial.params) if s.endswith(tuple(_symbols(subject)))}
    count = counted(COUNTED_KERNELS, text)
    if count and max(len(tried), len(symbols)) < count:
        yield f"it says {count} kernels, tried: {', '.join(sorted(tried)) or 'none'}"
    if ALL_KERNELS.search(text):
        every = {kernel.source for kernel in subject.kernels if kernel.in_manifest}
        if missing := sorted(every - tried):
            yield f"it says all kernels, {', '.join(missing)} not tried"


def _unknown_kernels(text: str, tries: list[_Trial], subject: Subject) -> Iterator[str]:
    """Names of kernels that neither the project nor a check knows: nothing can have tried them."""
    words = "\n".join((*_symbols(subject), *(trial.words for trial in tries)))
    for name in dict.fromkeys(_KERNEL_NAME.findall(text)):
        if subject.named(name) or re.search(rf"(?<!\w){re.escape(name)}", words):
            continue
        if not any(name in _defined(source, subject) for trial in tries for source in trial.sources):
            yield f"{name} is not a kernel of this project"


def _defined(source: str, subject: Subject) -> tuple[str, ...]:
    """The kernels of a source by their names in it, those of templates too."""
    try:
        return subject.code.kernels(source)
    except SourceError:
        return ()


def _symbols(subject: Subject) -> tuple[str, ...]:
    return tuple(symbol for kernel in subject.kernels for symbol in kernel.symbols) or ("\0",)


def _functions(text: str, tries: list[_Trial], subject: Subject) -> Iterator[str]:
    words = "\n".join(trial.words for trial in tries)
    for _, name in code_names(text):
        if subject.named(name) and not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words):
            yield f"{name}() not tried"


def _numbers(text: str, tries: Iterable[_Trial]) -> Iterator[str]:
    tried = {number for trial in tries for number in trial.numbers}
    missing = [n for n in dict.fromkeys(numbers_in(text)) if not {n, n / 100} & tried]
    if missing:
        yield f"{', '.join(f'{number:g}' for number in missing)} is in no parameter of its checks"
