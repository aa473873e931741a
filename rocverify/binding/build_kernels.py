"""Checks for truths about kernels: compiled, loaded, wrapped, listed in a build file."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from rocverify.binding.build_commands import project_tests
from rocverify.binding.model import Answer, Built, Draft, Partly, Undecided
from rocverify.binding.project import Contract, Kernel, Subject
from rocverify.binding.reading import KernelMention, Reading
from rocverify.binding.vocabulary import COUNTED_KERNELS, counted
from rocverify.code.bounds import is_test
from rocverify.code.constants import line_with
from rocverify.code.places import Place
from rocverify.errors import SourceError

_ALL = re.compile(r"\b(?:all|every|each)\b[^.;]*\bkernels?\b|\bkernels\b", re.IGNORECASE)
_WELL = r"\b(?:successfully|cleanly|without\s+errors?)\b"
_TARGET = r"\b(?:for|on)?\s*\bgfx[0-9a-f]{3,5}\b"


def kernels_compiled(reading: Reading) -> Built:
    """kernel_compiled for each kernel that the truth names, for its targets if it names some."""
    kernels = named_kernels(reading)
    if isinstance(kernels, Undecided):
        return kernels
    reading.take(_WELL)
    targets = [re.search(r"gfx\w+", found[0], re.I) for found in reading.take(_TARGET)]
    names = list(dict.fromkeys(found[0].lower() for found in targets if found))
    return tuple(_compiled(mention, names) for mention in kernels)


def _compiled(mention: KernelMention, targets: list[str]) -> Draft:
    params: dict[str, object] = {"source": mention.kernel.source}
    if mention.symbols:
        params["symbols"] = list(mention.symbols)
    if targets:
        params["targets"] = targets
    which = ", ".join(mention.symbols) or "every symbol of its manifest entry"
    lacking = "" if mention.kernel.in_manifest else "; the build manifest lacks it"
    return Draft("kernel_compiled", params, f"the kernel is {mention.kernel.source} ({which}){lacking}")


def kernels_loaded(reading: Reading) -> Answer:
    """A kernel is seen to be loaded when its wrapper launches it: wrapper_present for each contract; without
    one, for the function of a Rust or C++ host that launches it, while the project's tests run. Where there
    is neither, that it is loaded is not checked."""
    kernels = named_kernels(reading)
    if isinstance(kernels, Undecided):
        return kernels
    drafts: list[Draft] = []
    less: list[str] = []
    for mention in kernels:
        contracts = _contracts(reading, mention)
        drafts += [wrapper_draft(c, "to be loaded is to be launched by", mention.symbols) for c in contracts]
        hosted = [] if contracts else _hosted(reading, mention)
        drafts += hosted
        if not contracts and not hosted:
            less.append(
                f"whether {mention.kernel.source} is loaded is not checked: no kernel contract names a "
                "wrapper of it; write one beside the kernels, or bind wrapper_present with wrapper, source "
                "and symbol"
            )
    return Partly(tuple(drafts), tuple(less)) if less else tuple(drafts)


def _hosted(reading: Reading, mention: KernelMention) -> list[Draft]:
    """wrapper_present for the one function outside of tests that launches each symbol of a kernel, by the
    project's tests; none where a symbol has no such function, or nothing runs it."""
    tests = project_tests(reading)
    if isinstance(tests, Undecided):
        return []
    drafts = []
    for symbol in mention.symbols or mention.kernel.symbols or _defined(reading.subject, mention.kernel):
        found = [f for f in _launching(reading.subject, symbol) if not is_test(f.partition(":")[0])]
        if len(found) != 1:
            return []
        params = {"wrapper": found[0], "source": mention.kernel.source, "symbol": symbol}
        why = f"to be loaded is to be launched by {found[0]}, which names {symbol}"
        drafts.append(Draft("wrapper_present", {**params, "program": tests[0].params["run"]}, why))
    return drafts


def _defined(subject: Subject, kernel: Kernel) -> tuple[str, ...]:
    """The kernels of a source; none where it cannot be read."""
    try:
        return subject.code.kernels(kernel.source)
    except SourceError:
        return ()


def _launching(subject: Subject, symbol: str) -> list[str]:
    """The functions of Rust and C++ hosts that launch a kernel by its name, or hand on its name as a text."""
    found = []
    for unit in subject.code.units_with(symbol):
        for place in (Place(unit, function) for function in unit.functions if not function.dead):
            launches = (c for c in place.function.calls if c.launch is not None and not c.dead)
            if any(call.name == symbol for call in launches) or line_with(symbol, place):
                found.append(f"{unit.path}:{place.function.qualified}")
    return list(dict.fromkeys(found))


def wrappers_present(reading: Reading) -> Built:
    """wrapper_present for the wrappers that the truth names, or for all of the kernel that it names."""
    functions = reading.functions()
    if not functions:
        return _wrappers(reading)
    drafts = []
    for function in functions:
        contracts = reading.subject.contracts_driving(function)
        if not contracts:
            return Undecided(
                f"no kernel contract says which kernel {function.ref} launches; "
                "bind wrapper_present with wrapper, source and symbol"
            )
        drafts += [wrapper_draft(contract, "the wrapper is") for contract in contracts]
    return tuple(drafts)


def _wrappers(reading: Reading) -> Built:
    kernels = named_kernels(reading)
    if isinstance(kernels, Undecided):
        return kernels
    drafts: list[Draft] = []
    for mention in kernels:
        contracts = _contracts(reading, mention)
        if not contracts:
            return Undecided(
                f"no kernel contract names a wrapper of {mention.kernel.source}; "
                "write one beside the kernels, or bind wrapper_present with wrapper, source and symbol"
            )
        drafts += [wrapper_draft(contract, "the wrapper is", mention.symbols) for contract in contracts]
    return tuple(drafts)


def _contracts(reading: Reading, mention: KernelMention) -> list[Contract]:
    """The contracts that drive a kernel by a wrapper, those of the symbols that are named."""
    found = [c for c in reading.subject.contracts_of(mention.kernel.source) if c.wrapper and c.symbols]
    return [c for c in found if not mention.symbols or set(c.symbols) & set(mention.symbols)]


def wrapper_draft(contract: Contract, relation: str, symbols: tuple[str, ...] = ()) -> Draft:
    """wrapper_present of one contract, at the first of its symbols that was asked for."""
    symbol = next((s for s in contract.symbols if s in symbols), contract.symbols[0])
    params = {
        "wrapper": contract.wrapper,
        "source": contract.source,
        "symbol": symbol,
        "contract": contract.ref,
    }
    return Draft("wrapper_present", params, f"{relation} {contract.wrapper} (contract {contract.ref})")


def kernel_in_file(reading: Reading) -> Built:
    """ "via build.rs": that file names each kernel, in its code."""
    kernels = named_kernels(reading)
    if isinstance(kernels, Undecided):
        return kernels
    path = _known_path(reading, reading.group("file"))
    if path is None:
        return Undecided(
            f"{reading.group('file')} is not a file of this project, and the plan names none; give its path"
        )
    return tuple(
        Draft(
            "artifact",
            {"path": path, "contains": re.escape(m.kernel.file)},
            f"{path} is to name {m.kernel.file}",
        )
        for m in kernels
    )


def _known_path(reading: Reading, name: str) -> str | None:
    """The file as a path of the project, of the manifest, or of the plan; None if it is none of them."""
    plan, manifest = reading.plan, reading.subject.settings.manifest
    named = {a.path for a in plan.artifacts} | {link.from_path for link in plan.key_links}
    for path in (manifest, *sorted(named | set(plan.files_modified))):
        if name in (path, PurePosixPath(path).name):
            return path
    return name if ".." not in name and (reading.subject.root / name).is_file() else None


def named_kernels(reading: Reading) -> tuple[KernelMention, ...] | Undecided:
    """The kernels that the truth is about: those it names, or all if it says so."""
    mentions, known = reading.kernels(), reading.subject.kernels
    for mention in mentions:
        same = [m.kernel.source for m in mentions if m.span == mention.span]
        if len(set(same)) > 1:
            return Undecided(f"the kernel's name fits {', '.join(same)}; name the file")
    if mentions:
        return mentions
    if not known:
        return Undecided("there is neither a build manifest nor a kernel source; name the source explicitly")
    count = counted(COUNTED_KERNELS, reading.text)
    there = max(len(known), sum(len(kernel.symbols) for kernel in known))
    if count > there:
        return Undecided(f"it says {count} kernels, there is {', '.join(k.source for k in known)}")
    if _ALL.search(reading.text) or len(known) == 1:
        return tuple(_unnamed(kernel) for kernel in known)
    return Undecided(f"it does not say which kernel; there are {', '.join(k.source for k in known)}")


def _unnamed(kernel: Kernel) -> KernelMention:
    return KernelMention((0, 0), kernel)
