"""Whether one function calls another, as a plan's sentence claims, and why not if it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rocverify.code.call_sites import CallKind, CallSite, describe_path
from rocverify.code.callchains import find_chain
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.launches import LaunchFinder
from rocverify.code.places import Place
from rocverify.errors import RocverifyError
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


def check_call(
    index: CodeIndex, launches: LaunchFinder, call: Call, from_path: str, to_path: str
) -> CallAnswer:
    """Whether the caller in `from_path` calls the callee in `to_path`, in live code.

    Raises RocverifyError where the caller's language cannot be followed.
    """
    if (is_c_family(from_path) and is_c_family(to_path)) or (is_rust(from_path) and is_rust(to_path)):
        return _followed(index, call, from_path, to_path)
    if not is_python(from_path):
        raise RocverifyError(
            f"whether {call.caller} calls {call.callee} cannot be followed from {from_path} to {to_path}",
            hint="calls are followed in Python, HIP and Rust; give the link a pattern instead",
        )
    caller = index.find_function(from_path, call.caller)
    if caller is None or caller.path != index.locate(from_path):
        methods = _methods(index, from_path, call.caller)
        if methods:
            return _of_class(index, launches, call, methods, to_path)
        return _refused(f"{from_path} defines no function {call.caller}", from_path, call.caller)
    return _of_function(index, launches, call, caller, to_path)


def _methods(index: CodeIndex, path: str, name: str) -> list[Place]:
    """The methods of a class that a Python module defines."""
    unit = index.unit(path)
    places = (Place(unit, function) for function in unit.functions if not function.dead)
    return [place for place in places if place.qualname.startswith(f"{name}.")]


def _of_class(
    index: CodeIndex, launches: LaunchFinder, call: Call, methods: list[Place], to_path: str
) -> CallAnswer:
    """A class calls what one of its methods calls. RocverifyError where one of them may."""
    open_one: RocverifyError | None = None
    for method in methods:
        try:
            answer = _of_function(index, launches, replace(call, caller=method.qualname), method, to_path)
        except RocverifyError as error:
            open_one = open_one or error
            continue
        if answer.finding is None:
            return answer
    if open_one is not None:
        raise open_one
    why = f"no method of {call.caller} calls {call.callee}"
    return _refused(why, methods[0].location, call.callee)


def _of_function(
    index: CodeIndex, launches: LaunchFinder, call: Call, caller: Place, to_path: str
) -> CallAnswer:
    if is_python(to_path):
        return _python(index, call, caller, to_path)
    if is_c_family(to_path):
        return _kernel(index, launches, call, caller, to_path)
    return _answer(index, call, caller, index.call_path(caller, call.callee))


def _refused(message: str, location: str, entity: str) -> CallAnswer:
    return CallAnswer(finding=Finding(message, location, entity=entity))


def _python(index: CodeIndex, call: Call, caller: Place, to_path: str) -> CallAnswer:
    definition = index.definition(to_path, call.callee)
    target = index.find_function(to_path, call.callee)
    if definition is None and target is None:
        return _refused(f"{to_path} does not define {call.callee}", to_path, call.callee)
    if target is not None:
        return _answer(index, call, caller, index.call_path(caller, target))
    reference = f"{index.module(to_path).name}:{call.callee}"  # a class, or another callable value
    return _answer(index, call, caller, index.graph.find(caller, lambda site: site.name == reference))


def _kernel(index: CodeIndex, launches: LaunchFinder, call: Call, caller: Place, to_path: str) -> CallAnswer:
    """The callee is a kernel of a HIP source: it is called by being launched under its name."""
    definition = index.definition(to_path, call.callee)
    if definition is None:
        return _refused(f"{to_path} does not define {call.callee}", to_path, call.callee)
    if definition.kind != "kernel":
        return _refused(
            f"{call.callee} in {to_path} is a {definition.kind}, not a __global__ kernel",
            f"{to_path}:{definition.line}",
            call.callee,
        )
    if launches.path(caller) is None:
        return _refused(f"{call.caller} reaches no kernel launch", caller.location, call.caller)
    use = launches.use_of(caller, call.callee)
    if use is None:
        return _refused(
            f"{call.caller} reaches a launch, but nothing on the way names the kernel {call.callee}",
            caller.location,
            call.callee,
        )
    steps = (*map(str, use.path), f"the symbol {call.callee} is named at {use.location}")
    return CallAnswer(steps, f"{describe_path(use.path)}, symbol {call.callee} named at {use.location}")


def _answer(index: CodeIndex, call: Call, caller: Place, path: tuple[CallSite, ...] | None) -> CallAnswer:
    if path is not None:
        return CallAnswer(tuple(map(str, path)), describe_path(path))
    return CallAnswer(finding=_why_not_called(index, call, caller))


def _why_not_called(index: CodeIndex, call: Call, caller: Place) -> Finding:
    """The most telling explanation of a missing call. RocverifyError where a call cannot be resolved."""
    base = f"{call.caller} does not call {call.callee}"
    bare = call.callee.rpartition(".")[2]
    unresolved = _unresolved(index, caller, bare)
    if unresolved is not None:
        raise RocverifyError(
            f"{base}, as far as can be seen: a call of .{bare} of an unknown object may be it",
            where=unresolved.location,
            hint="annotate the object's type, or give the link a pattern",
        )
    result = index.search_word(caller.path, bare)
    for hits, what in (
        (result.code, "the name occurs at {}, without a call of it that runs"),
        (result.dead, "the call at {} can never run"),
        (result.comments, "the name stands only in a comment or docstring ({})"),
    ):
        inside = [hit for hit in hits if caller.line <= hit.line <= caller.function.last_line]
        if inside:
            where = f"{caller.path}:{inside[0].line}"
            return Finding(f"{base}: {what.format(where)}", where, entity=call.callee)
    return Finding(base, caller.location, entity=call.callee)


def _unresolved(index: CodeIndex, caller: Place, bare: str) -> CallSite | None:
    """A possible call: of that name on a value whose type is not known."""
    kinds = frozenset(CallKind) - {CallKind.IMPORT}
    path = index.graph.find(caller, lambda s: s.kind is CallKind.MAYBE and s.calls(bare), kinds)
    return path[-1] if path else None


def _followed(index: CodeIndex, call: Call, from_path: str, to_path: str) -> CallAnswer:
    """In Rust, C and C++: RocverifyError where a call cannot be told to be the one that is meant."""
    start, target = index.unit(from_path), index.unit(to_path)
    callee = call.callee.removeprefix("self.").removeprefix("Self::").removeprefix("this->")
    for unit, name in ((start, call.caller), (target, callee)):
        if not list(unit.functions_of(name)):
            if unit.broken is not None:
                raise RocverifyError(
                    f"whether it defines {name} cannot be told: not all of it is {_language(unit.path)} "
                    "that can be parsed",
                    where=f"{unit.path}:{unit.broken}",
                )
            return _refused(f"{unit.path} defines no function {name}", unit.path, name)
    chain = find_chain(index.names(from_path), start, call.caller, target, callee)
    base = f"{call.caller} does not call {callee}"
    if chain.steps:
        return CallAnswer(chain.steps, f"{call.caller} → " + " → ".join(chain.steps))
    if chain.maybe:
        raise RocverifyError(
            f"{base}, as far as can be seen: the call at {chain.maybe} may be it",
            where=chain.maybe,
            hint="give the receiver's type where it is made, or give the link a pattern",
        )
    if chain.dead:
        where, why = chain.dead
        return _refused(f"{base}: at {where} it can never run: {why}", where, callee)
    if chain.broken:
        raise RocverifyError(
            f"{base}, as far as can be seen: the file is not {_language(chain.broken)} that can be parsed",
            where=chain.broken,
            hint="give the link a pattern",
        )
    return _refused(base, from_path, callee)


def _language(path: str) -> str:
    return "Rust" if is_rust(path.rpartition(":")[0] or path) else "C++"
