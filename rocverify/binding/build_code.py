"""Checks for truths about host code: calls, definitions, files, documented flows."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from rocverify.binding.build_kernels import wrapper_draft
from rocverify.binding.calls import bare, call_edges, chain_heads, chains
from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.project import Function, Subject
from rocverify.binding.reading import Reading
from rocverify.code.languages import is_python


def call_made(reading: Reading) -> Built:
    """ "f() calls g() and h()": key_link between host functions, wrapper_present for a kernel's symbol."""
    further = reading.further_callees()
    if further is None:
        return Undecided("it says 'or' or 'not' of what is called; bind key_link for what must be called")
    drafts: list[Draft] = []
    for callee in (reading.group("callee"), *further):
        built = _called(reading, bare(callee))
        if isinstance(built, Undecided):
            return built
        drafts += built
    return tuple(drafts)


def _called(reading: Reading, callee: str) -> Built:
    caller = bare(reading.group("caller"))
    source, subject = _one(reading.subject, caller), f"{caller}()"
    if isinstance(source, Undecided):
        source, subject = _type(reading.subject, caller) or source, caller
    if isinstance(source, Undecided):
        return source
    launched = [k for k in reading.subject.kernels if k.has(callee)]
    if launched:
        return _launch(reading, source, callee)
    target = _one(reading.subject, callee)
    if isinstance(target, Undecided):
        return target
    params = {
        "from_path": source.path,
        "to_path": target.path,
        "via": f"{subject} calls {callee}()",
        "caller": source.name.replace("::", "."),
        "callee": target.name.replace("::", "."),
    }
    return (Draft("key_link", params, f"{source.ref} is to call {target.ref}"),)


def _launch(reading: Reading, caller: Function, symbol: str) -> Built:
    contracts = [c for c in reading.subject.contracts_driving(caller) if c.has(symbol)]
    kernels = [k for k in reading.subject.kernels if k.has(symbol)]
    if not contracts and not caller.path.endswith(".py") and len(kernels) == 1:
        params = {"wrapper": caller.ref, "source": kernels[0].source, "symbol": symbol}
        return (Draft("wrapper_present", params, f"{caller.ref} is to launch {symbol}"),)
    if not contracts:
        return Undecided(
            f"no kernel contract says that {caller.ref} launches {symbol}; "
            "bind wrapper_present with wrapper, source and symbol"
        )
    return tuple(wrapper_draft(c, "the launching function is", (symbol,)) for c in contracts)


def _one(subject: Subject, name: str) -> Function | Undecided:
    found = subject.named(name) or subject.named_in_compiled(name)
    if len(found) == 1:
        return found[0]
    if not found:
        globs = ", ".join(subject.settings.host_globs)
        return Undecided(f"{name}() is not a function of the host sources ({globs}, **/*.rs)")
    return Undecided(f"{name}() may be {', '.join(f.ref for f in found)}; bind key_link with the paths")


def _type(subject: Subject, name: str) -> Function | None:
    """A type with methods, which as a caller stands for these; None where no source or several have it."""
    python = [f for f in subject.functions if f.name.startswith(f"{name}.")]
    if len({f.path for f in python}) == 1:
        first = python[0]
        return Function(name, f"{first.ref.partition(':')[0]}:{name}", first.path, first.line)
    units = [unit for unit in subject.code.units_with(name) if unit.named_as(name)]
    methods = [f for unit in units for f in unit.functions if f.owner == name and not f.dead]
    if len(units) != 1 or not methods:
        return None
    path = units[0].path
    return Function(name, f"{path}:{name}", path, methods[0].line)


def function_defined(reading: Reading) -> Built:
    """ "f() exists (in FILE)": the file that defines it."""
    name = reading.group("name").rstrip(".:")
    if path := reading.group("file"):
        params = {"path": path, "names": [name]}
        return (Draft("defined", params, f"{name} is to be defined in {path}"),)
    found = _one(reading.subject, bare(name))
    if isinstance(found, Undecided):
        return found
    params = {"path": found.path, "names": [found.name]}
    return (Draft("defined", params, f"{found.ref} is to be defined in {found.path}"),)


def file_exists(reading: Reading) -> Built:
    """ "path exists": an artifact with nothing further asked of it."""
    path = reading.group("file")
    return (
        Draft("artifact", {"path": path}, f"{path} is to exist; the truth asks nothing of what it holds"),
    )


def file_exports(reading: Reading) -> Built:
    """ "path exports f and g"."""
    names = [bare(name) for name in re.findall(r"[A-Za-z_][\w.]*", reading.group("names")) if name != "and"]
    return (
        Draft(
            "artifact",
            {"path": reading.group("file"), "exports": names},
            f"{reading.group('file')} is to define {', '.join(names)}",
        ),
    )


def flow_documented(reading: Reading) -> Built:
    """ "... flow is documented": each call chain that the plan's key links make, in its head's docstring."""
    reading.kernels()
    edges = call_edges(reading.plan)
    heads = [f.name for f in reading.functions()] or chain_heads(edges)
    drafts: list[Draft] = []
    for head in heads:
        entry = _one(reading.subject, head)
        if isinstance(entry, Undecided):
            return entry
        if not is_python(entry.path):
            return Undecided(
                f"{entry.ref} is not a function of Python, and calls are compared with docstrings of Python "
                "alone; bind call_order with entry, first and then"
            )
        if reading.group("file") not in ("", entry.path, PurePosixPath(entry.path).name):
            return Undecided(f"{entry.ref} stands in {entry.path}, not in {reading.group('file')}")
        flows = list(chains(edges, head))
        if not flows:
            return Undecided(f"no key link says what {head}() calls; bind documented with entry and flow")
        drafts += [_documented(entry, flow) for flow in flows]
    return tuple(drafts) or Undecided(
        "it names no function, and no key link of the plan is of the form 'f() calls g()'; "
        "bind documented with entry and flow"
    )


def _documented(entry: Function, flow: tuple[str, ...]) -> Draft:
    return Draft(
        "documented",
        {"entry": entry.ref, "flow": list(flow)},
        f"the plan's key links lead from {entry.ref} to {' to '.join(flow)}",
    )
