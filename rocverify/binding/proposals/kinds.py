"""For each kind of check, the ways in which it could decide a truth, with parameters from the project.

A way is proposed only where the project has everything that it names: no parameter is made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rocverify.binding.build_commands import project_tests
from rocverify.binding.calls import CALLED_IN, CALLS, bare
from rocverify.binding.model import Draft, Undecided
from rocverify.binding.project import Contract
from rocverify.binding.proposals import claims
from rocverify.binding.proposals.about import MOST, About
from rocverify.binding.proposals.model import Option
from rocverify.binding.vocabulary import COUNTED_KERNELS, types_in
from rocverify.code.files import c_sources, rust_sources, sources
from rocverify.code.languages import PYTHON
from rocverify.errors import SourceError

Proposer = Callable[[About, re.Match[str]], Iterator[Option]]

_TARGET = re.compile(r"\bgfx[0-9a-f]{3,5}\b")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_BYTES = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>[KMG]?)i?B?(?:ytes)?\b", re.IGNORECASE)
_REPLACED = re.compile(r"(?:of|to)\s+`?(?P<old>[\w:]+)`?.*?(?:by|with)\s+`?(?P<new>[\w:]+)`?", re.IGNORECASE)


def _each_and_all(drafts: Sequence[Draft]) -> Iterator[Option]:
    """Each alone, and all together."""
    if len(drafts) <= MOST:
        yield from (Option((draft,)) for draft in drafts)
    if len(drafts) > 1:
        yield Option(tuple(drafts))


def _of_contracts(kind: str) -> Proposer:
    def proposer(about: About, match: re.Match[str]) -> Iterator[Option]:
        del match
        yield from by_contracts(kind, about)

    return proposer


def by_contracts(kind: str, about: About) -> Iterator[Option]:
    """A check of each contract of what the truth names."""
    yield from _each_and_all([_by_contract(kind, c, about.text) for c in about.contracts])


def _by_contract(kind: str, contract: Contract, text: str) -> Draft:
    params: dict[str, Any] = {"contract": contract.ref}
    types = types_in(text) & set(contract.dtypes)
    if types and types != set(contract.dtypes) and kind != "unsupported_config":
        params["dtypes"] = sorted(types)
    return Draft(kind, params, f"{contract.ref} drives {', '.join(contract.symbols) or contract.source}")


def _compiled(about: About, match: re.Match[str]) -> Iterator[Option]:
    del match
    targets = list(dict.fromkeys(_TARGET.findall(about.text)))
    drafts = []
    for kernel in about.kernels:
        params: dict[str, Any] = {"source": kernel.source}
        params |= {"symbols": found} if (found := about.symbols(kernel)) else {}
        params |= {"targets": targets} if targets else {}
        drafts.append(Draft("kernel_compiled", params, f"{kernel.source} defines kernels"))
    counts = COUNTED_KERNELS.search(about.text) is not None
    yield from [Option(tuple(drafts))] if counts and drafts else _each_and_all(drafts)


def _wrapper(about: About, match: re.Match[str]) -> Iterator[Option]:
    """The function that a truth names, or one that says the kernel's name, launches the kernel."""
    del match
    kernels = {symbol: k.source for k in about.kernels for symbol in about.symbols(k) or k.symbols}
    drafts = []
    for symbol, source in kernels.items():
        users = {user.ref for user in about.users(symbol)}
        candidates = [f.ref for f in about.functions if f.ref in users] or sorted(users)
        for ref in candidates[:MOST]:
            params = {"wrapper": ref, "source": source, "symbol": symbol}
            drafts.append(Draft("wrapper_present", params, f"{ref} says {symbol}"))
    if len(drafts) <= MOST:
        yield from (Option((draft,)) for draft in drafts)


def _roundtrip(about: About, match: re.Match[str]) -> Iterator[Option]:
    del match
    driven = [c for c in about.contracts if c.wrapper]
    drafts = [
        Draft("no_host_roundtrip", {"entry": c.wrapper, "contract": c.ref}, f"{c.ref} drives {c.wrapper}")
        for c in driven
    ]
    if not drafts:
        for function in (f for f in about.functions if not f.path.endswith(".py")):
            why = f"the truth names {function.ref}"
            drafts.append(Draft("no_host_roundtrip", {"entry": function.ref}, why))
    yield from _each_and_all(drafts)


def _spills(about: About, match: re.Match[str]) -> Iterator[Option]:
    """No spills or scratch, or LDS up to a number of bytes."""
    doubt = ""
    what = match.groupdict().get("what")
    if what is not None:
        limits = {"scratch_bytes" if "scratch" in what.lower() else "spills": 0}
    elif (size := _bytes(match[0])) is not None:
        limits = {"lds_bytes": size}
        doubt = f"the limit is taken to be at most {size} bytes of LDS"
    else:
        return
    drafts = []
    for kernel in about.kernels:
        params: dict[str, Any] = {"source": kernel.source, "limits": limits}
        params |= {"symbols": found} if (found := about.symbols(kernel)) else {}
        drafts.append(Draft("resources", params, f"{kernel.source} defines kernels"))
    yield from (Option(option.drafts, doubt) for option in _each_and_all(drafts))


def _bytes(text: str) -> int | None:
    found = _BYTES.search(text)
    if found is None:
        return None
    return round(float(found["number"].replace(",", "")) * _UNITS[found["unit"].lower()])


def _absent(about: About, match: re.Match[str]) -> Iterator[Option]:
    """The old name is nowhere, and the new one in every file that has it now."""
    names = _REPLACED.search(match[0])
    if names is None:
        yield from _gone(about, match)
        return
    old, new = names["old"], names["new"]
    gone = Draft("absent", {"names": [old]}, f"{old} must be nowhere in the code")
    there = [
        Draft("artifact", {"path": path, "contains": new}, f"{path} has {new} now")
        for path in _files_with(about, new)
    ]
    if 0 < len(there) <= MOST:
        yield Option((gone, *there), answers=True)


def _gone(about: About, match: re.Match[str]) -> Iterator[Option]:
    """Words that may be names of the code, where the code has one of them."""
    groups = match.groupdict()
    words = [word.strip("`()") for word in re.split(r"[\s,/]+|\\b(?:and|or)\\b", groups.get("names") or "")]
    names = [word for word in words if word.isidentifier() and word not in ("and", "or")]
    path = groups.get("path")
    if names and path and (about.subject.root / path.partition("*")[0]).exists():
        draft = Draft("absent", {"names": names, "paths": [path]}, f"{path} is there")
        yield Option((draft,), f"whether {', '.join(names)} is meant as a name in the code")


def _constant(about: About, match: re.Match[str]) -> Iterator[Option]:
    name, value = match["name"], match["value"]
    paths = [match["path"]] if match["path"] else _files_with(about, name)
    if not 0 < len(paths) <= MOST:
        return
    number: float = float(value) if re.search(r"[.e]", value) else int(value)
    params = {"name": name, "value": number, "paths": paths}
    draft = Draft("constant_value", params, f"{name} is in the code of {', '.join(paths)}")
    yield Option((draft,), answers=True)


def _files_with(about: About, name: str) -> list[str]:
    """The sources in whose code a name stands."""
    code = about.subject.code
    root = about.subject.root
    found = []
    for path in (*c_sources(root), *rust_sources(root), *sources(root, PYTHON)):
        try:
            if name in about.subject.text(path) and code.search_word(path, name).found:
                found.append(path)
        except SourceError:
            continue
    return found


def _defined(about: About, match: re.Match[str]) -> Iterator[Option]:
    """Of several functions of the name, each."""
    name = match.groupdict().get("name")
    for function in claims.functions_of(about, name or ""):
        params = {"path": function.path, "names": [function.name]}
        yield Option((Draft("defined", params, f"{function.ref} is defined there"),))


def _called(about: About, match: re.Match[str]) -> Iterator[Option]:
    del match
    call = next((c for form in (CALLED_IN, CALLS) if (c := re.search(form, about.text, re.IGNORECASE))), None)
    if call is None:
        return
    callers, callees = (
        claims.functions_of(about, bare(call["caller"])),
        claims.functions_of(about, bare(call["callee"])),
    )
    if len(callers) * len(callees) > MOST:
        return
    for caller in callers:
        for callee in callees:
            params = {
                "from_path": caller.path,
                "to_path": callee.path,
                "caller": caller.name.replace("::", "."),
                "callee": callee.name.replace("::", "."),
            }
            yield Option((Draft("key_link", params, f"{caller.ref} and {callee.ref} are defined"),))


def _tests(about: About, match: re.Match[str]) -> Iterator[Option]:
    del match
    yield from by_tests(about)


def by_tests(about: About) -> Iterator[Option]:
    """The test files that say what the truth names, else all of them."""
    files = about.test_files()
    if 0 < len(files) <= MOST:
        names = ", ".join(about.names)
        why = f"their code says {names}" if names else "they are the project's test files"
        yield Option((Draft("tests_pass", {"nodes": files}, why),), "whether these tests show it")


def _order(about: About, match: re.Match[str]) -> Iterator[Option]:
    """The functions in full, else tests of the function."""
    found = list(claims.order(about, match))
    yield from found or (by_tests(about) if about.names else ())


def _backend(about: About, match: re.Match[str]) -> Iterator[Option]:
    wanted = [n for n in re.findall(r"\w+", match["names"]) if n in _known_symbols(about)]
    for contract in about.contracts:
        if wanted and set(wanted) & set(contract.symbols):
            params = {"contract": contract.ref, "kernels": wanted}
            yield Option((Draft("backend_selected", params, f"{contract.ref} drives {contract.wrapper}"),))


def _known_symbols(about: About) -> set[str]:
    return {symbol for kernel in about.subject.kernels for symbol in kernel.symbols}


def _fallback(about: About, match: re.Match[str]) -> Iterator[Option]:
    """With the kernel taken away; else the project's tests, without a GPU."""
    found = list(claims.falls_back(about, match))
    yield from found
    line = _test_line(about)
    if not found and line is not None and "fallback" in match[0].lower():
        params = {"run": [line], "gpu": "hidden"}
        draft = Draft("command", params, f"{line!r} runs the project's tests")
        yield Option((draft,), "whether a test shows it")


def _program(about: About, match: re.Match[str]) -> Iterator[Option]:
    """The program of the settings, else the project's tests, watched by the device; of uploads, what the
    calls of a contract upload."""
    if re.search(r"upload|on\s+the\s+(?:CPU|host)", match[0], re.IGNORECASE):
        yield from claims.uploads(about, match)
        return
    lines = list(about.subject.settings.program) or [line for line in [_test_line(about)] if line]
    if not lines:
        return
    doubt = f"whether {lines[-1]!r} exercises it"
    found: list[Mapping[str, Any]] = []
    if "peak" in match[0].lower():
        size = _bytes(match[0].rpartition(" at ")[2] or match[0])
        found += [{"max_peak_bytes": size}] if size else []
    elif "buffer" in match[0].lower():
        found += [{"reuses_for": s} for k in about.kernels for s in about.symbols(k) or k.symbols]
    for params in found[:MOST]:
        yield Option((Draft("program", {"run": lines, **params}, "it runs the project"),), doubt)


def _test_line(about: About) -> str | None:
    built = project_tests(about.reading)
    return None if isinstance(built, Undecided) else str(built[0].params["run"][0])


PROPOSERS: Mapping[str, Proposer] = {
    **{
        kind: _of_contracts(kind)
        for kind in ("correctness", "layout", "memory_safety", "numerical_stability")
    },
    "absent": _absent,
    "backend_selected": _backend,
    "call_order": _order,
    "constant_value": _constant,
    "defined": _defined,
    "fallback": _fallback,
    "faster": claims.faster,
    "kernel_compiled": _compiled,
    "key_link": _called,
    "no_host_roundtrip": _roundtrip,
    "program": _program,
    "resources": _spills,
    "struct_layout": claims.structure,
    "tests_pass": _tests,
    "wrapper_present": _wrapper,
}
"""The kinds that can be proposed. Of the rest, no parameters show in the project."""
