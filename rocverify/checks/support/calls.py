"""Whether one function calls another, as a plan's sentence claims, and why not if it does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rocverify.code.call_sites import describe_path
from rocverify.code.callgraph import Chain
from rocverify.code.crossing import search_across
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.languages.python_body import DEAD
from rocverify.code.launches import LaunchFinder
from rocverify.code.mentions import Mentions
from rocverify.code.places import Place
from rocverify.errors import RocverifyError
from rocverify.kernel_names import same_kernel
from rocverify.records import Finding


@dataclass(frozen=True, slots=True)
class Call:
    """A claim: the caller, defined in one file, calls the callee, defined in another."""

    caller: str
    callee: str


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """How a claim turned out. `path` has the steps as text; `finding` says what is wrong, if anything."""

    path: tuple[str, ...] = ()
    summary: str = ""
    finding: Finding | None = None


_MACRO = re.compile(r"[A-Za-z_]\w*!\s*[({\[]|[A-Z][A-Z0-9_]*\s*\(")
"""The start of a line that uses a macro, in Rust or in C++."""


def check_call(
    index: CodeIndex, launches: LaunchFinder, call: Call, from_path: str, to_path: str
) -> CallAnswer:
    """Whether the caller in `from_path` calls the callee in `to_path`, in live code.

    Raises RocverifyError where the caller's language cannot be followed, and where a call may be the one that
    is meant, or not.
    """
    within = _language(from_path) == _language(to_path) != ""
    callee = call.callee.removeprefix("self.").removeprefix("Self::").removeprefix("this->")
    differ = not within and _language(from_path) and _language(to_path)
    across = _bodies(index, to_path, callee) if differ else []
    if across and (callers := index.functions(from_path, call.caller)):
        return _across(index, call, callers, across)
    launched = is_c_family(to_path) and not within
    if not (within or is_python(from_path) or (launched and is_rust(from_path))):
        raise RocverifyError(
            f"whether {call.caller} calls {call.callee} cannot be followed from {from_path} to {to_path}",
            hint="calls are followed in Python, HIP and Rust; give the link a pattern instead",
        )
    callers = index.functions(from_path, call.caller)
    if not callers:
        return _undefined(index, from_path, f"defines no function {call.caller}", call.caller)
    if launched:
        return _kernel(index, launches, call, callers, to_path)
    return _called(index, launches, call, callers, to_path)


def _bodies(index: CodeIndex, path: str, name: str) -> list[Place]:
    """The functions of a name that run on the host."""
    if is_python(path):
        return []
    found = [p for p in index.functions(path, name) if not (p.function.declared or p.function.kernel)]
    lines = index.text(path).splitlines()
    return [p for p in found if "__device__" not in "".join(lines[max(p.line - 2, 0) : p.line])]


def _across(index: CodeIndex, call: Call, callers: Sequence[Place], targets: Sequence[Place]) -> CallAnswer:
    """Whether a call leads into another language. RocverifyError where no name shows it: it may be there by
    another way."""
    found = search_across(index, callers, targets)
    if found.path:
        return CallAnswer(tuple(map(str, found.path)), describe_path(found.path))
    where = found.maybe or found.broken
    raise RocverifyError(
        f"whether {call.caller} calls {call.callee} cannot be told: no call of a name that "
        f"{targets[0].path} exports is seen" + (f", but for what stands at {where}" if where else ""),
        where=where or callers[0].location,
        hint='call it under its `extern "C"` name through a declaration or a loaded library, or give the '
        "link a pattern",
    )


def _language(path: str) -> str:
    """The language of a source that is read; empty for any other file."""
    return "Rust" if is_rust(path) else "Python" if is_python(path) else "C++" if is_c_family(path) else ""


def _undefined(index: CodeIndex, path: str, what: str, name: str) -> CallAnswer:
    """RocverifyError where not all of the file could be read."""
    broken = index.unit(path).broken if _language(path) else None
    if broken is not None:
        raise RocverifyError(
            f"whether it defines {name} cannot be told: not all of it is {_language(path)} that can be "
            "parsed",
            where=f"{path}:{broken}",
        )
    made = _by_macro(index, path, name) if not is_python(path) and _language(path) else ""
    if made:
        raise RocverifyError(
            f"whether it defines {name} cannot be told: the macro there may do so",
            where=made,
            hint="write the function out, or give the link a pattern",
        )
    return _refused(f"{path} {what}", path, name)


def _by_macro(index: CodeIndex, path: str, name: str) -> str:
    """`path:line` where a macro of a file's top level is given a name; empty where none is."""
    bare = name.replace("::", ".").rpartition(".")[2]
    hits = index.search_word(path, bare).code
    return next((f"{path}:{hit.line}" for hit in hits if _MACRO.match(hit.text)), "")


def _refused(message: str, location: str, entity: str) -> CallAnswer:
    return CallAnswer(finding=Finding(message, location, entity=entity))


# -- calls of functions ----------------------------------------------------------------------------------


def _called(
    index: CodeIndex, launches: LaunchFinder, call: Call, callers: Sequence[Place], to_path: str
) -> CallAnswer:
    callee = call.callee.removeprefix("self.").removeprefix("Self::").removeprefix("this->")
    chain = _searched(index, callers, callee, to_path)
    if chain is None:
        return _undefined(index, to_path, f"does not define {callee}", callee)
    if chain.path:
        return CallAnswer(tuple(map(str, chain.path)), describe_path(chain.path))
    if is_c_family(to_path) and _is_kernel(index, callee, to_path):  # by its handle
        seen = _launched(launches, call, callers)
        if seen is not None:
            return seen
        if chain.dead is None and launches.search(callers).path:
            return _of_another(index, launches, call, callers, to_path)
    base = _base(call, callers, callee)
    finding = _why_not(index, base, callers, callee, chain)
    hidden = Mentions(index).leading_to(callers, _targets(index, callee, to_path))
    if hidden:
        raise RocverifyError(
            f"{base}, as far as can be seen: what {hidden} mentions may lead to it",
            where=hidden,
            hint="call it by its name, or give the link a pattern",
        )
    return CallAnswer(finding=finding)


def _searched(index: CodeIndex, callers: Sequence[Place], callee: str, to_path: str) -> Chain | None:
    """How the search for a call turned out; None where the file does not define what is called."""
    graph = index.graph
    if not _language(to_path):  # what no source of the project defines goes by its name
        return graph.search(callers, lambda site: site.calls(callee) or None)
    if not is_python(to_path):
        targets = index.functions(to_path, callee)
        return graph.chain(callers, targets) if targets else None
    target = index.find_function(to_path, callee)
    if target is not None:
        return graph.chain(callers, [target])
    if index.definition(to_path, callee) is None:
        return None
    reference = f"{index.module(to_path).name}:{callee}"  # a class, or another value that is called
    return graph.search(callers, lambda site: site.name == reference or None)


def _targets(index: CodeIndex, callee: str, to_path: str) -> list[Place]:
    """The functions that are looked for; none where no source of the project defines what is called."""
    found = index.find_function(to_path, callee) if is_python(to_path) else None
    return [found] if found is not None else index.functions(to_path, callee) if _language(to_path) else []


def _base(call: Call, callers: Sequence[Place], callee: str) -> str:
    last = call.caller.replace("::", ".").rpartition(".")[2]
    methods = all(place.function.owner == last != place.function.name for place in callers)
    return (
        f"no method of {call.caller} calls {callee}" if methods else f"{call.caller} does not call {callee}"
    )


def _why_not(index: CodeIndex, base: str, callers: Sequence[Place], callee: str, chain: Chain) -> Finding:
    """The most telling explanation of a missing call. RocverifyError where it may be there."""
    if chain.maybe:
        raise RocverifyError(
            f"{base}, as far as can be seen: the call at {chain.maybe} may be it",
            where=chain.maybe,
            hint="give the type of what it is called on, or give the link a pattern",
        )
    if chain.dead:
        where, why = chain.dead
        reason = f": {why}" if why != DEAD else ""
        return Finding(f"{base}: the call at {where} can never run{reason}", where, entity=callee)
    if chain.broken:
        language = _language(chain.broken.rpartition(":")[0])
        raise RocverifyError(
            f"{base}, as far as can be seen: the file is not {language} that can be parsed",
            where=chain.broken,
            hint="give the link a pattern",
        )
    bare = callee.replace("::", ".").rpartition(".")[2]
    for place in callers:
        seen = _mentioned(index, place, bare)
        if seen is not None:
            return Finding(f"{base}: {seen[0]}", seen[1], entity=callee)
    return Finding(base, callers[0].location, entity=callee)


def _mentioned(index: CodeIndex, caller: Place, bare: str) -> tuple[str, str] | None:
    """What a function has of a name that it does not call, and where."""
    result = index.search_word(caller.path, bare)
    for hits, what in (
        (result.code, "the name occurs at {}, without a call of it that runs"),
        (result.dead, "the name at {} stands in what can never run"),
        (result.comments, "the name stands only in a comment or docstring ({})"),
    ):
        for hit in hits:
            if caller.line <= hit.line <= caller.function.last_line:
                where = f"{caller.path}:{hit.line}"
                return what.format(where), where
    return None


# -- launches of kernels ---------------------------------------------------------------------------------


def _kernel(
    index: CodeIndex, launches: LaunchFinder, call: Call, callers: Sequence[Place], to_path: str
) -> CallAnswer:
    """The callee is a kernel of a HIP source: it is called by being launched under its name."""
    if not _is_kernel(index, call.callee, to_path):
        definition = index.definition(to_path, call.callee)
        if definition is None:
            return _undefined(index, to_path, f"does not define {call.callee}", call.callee)
        what = f"{call.callee} in {to_path} is a {definition.kind}, not a __global__ kernel"
        return _refused(what, f"{to_path}:{definition.line}", call.callee)
    seen = _launched(launches, call, callers)
    if seen is not None:
        return seen
    chain = launches.search(callers)
    if chain.path:
        return _of_another(index, launches, call, callers, to_path)
    base = f"{call.caller} reaches no kernel launch"
    if chain.dead is None and is_rust(callers[0].path):  # which may be another library's to make
        raise _unknown(base, callers[0].location)
    return CallAnswer(finding=_why_not(index, base, callers, call.callee, chain))


def _is_kernel(index: CodeIndex, name: str, source: str) -> bool:
    return any(same_kernel(kernel, name) for kernel in index.kernels(source))


def _launched(launches: LaunchFinder, call: Call, callers: Sequence[Place]) -> CallAnswer | None:
    """The way to a launch on which the kernel is named, if there is one."""
    use = launches.use_of(callers, call.callee)
    if use is None:
        return None
    named = f"the symbol {call.callee} is named at {use.location}"
    return CallAnswer(
        (*map(str, use.path), named), f"{describe_path(use.path)}, {named.removeprefix('the ')}"
    )


def _of_another(
    index: CodeIndex, launches: LaunchFinder, call: Call, callers: Sequence[Place], to_path: str
) -> CallAnswer:
    """A launch, but nothing on the way to it names the kernel. RocverifyError where no other is named there,
    and this one elsewhere: its handle may come from there."""
    base = f"{call.caller} reaches a launch, but nothing on the way names the kernel {call.callee}"
    others = (name for name in index.kernels(to_path) if launches.use_of(callers, name))
    elsewhere = _named_in_hosts(index, call.callee, to_path)
    if next(others, None) is None and elsewhere:
        raise _unknown(f"{base}; it is named at {elsewhere}", elsewhere)
    return _refused(base, callers[0].location, call.callee)


def _named_in_hosts(index: CodeIndex, name: str, source: str) -> str:
    """Where code of the hosts, but for the kernel's source, has a name (`path:line`); empty for nowhere."""
    paths = [unit.path for unit in index.modules.host] + [unit.path for unit in index.units_with(name)]
    found = (f"{p}:{hit.line}" for p in paths if p != source for hit in index.search_word(p, name).code)
    return next(found, "")


def _unknown(what: str, where: str) -> RocverifyError:
    return RocverifyError(
        f"{what}, as far as can be seen",
        where=where,
        hint="bind wrapper_present, for which it is run, or give the link a pattern",
    )
