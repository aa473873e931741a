"""Evidence of the built-in kinds of check in the words of a report; what they skip is in report.json.

A presenter gets the evidence and yields list items. Keys it does not consume are shown by the general
rule (`rocverify.report.evidence`), so that a check which saw something new is not silenced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from rocverify.report.markdown import code, fenced, inline
from rocverify.store.digests import shown_digest

Data = Mapping[str, Any]
_LINES = 3


@dataclass(frozen=True, slots=True)
class Presenter:
    """`lines` shows the `consumed` keys of the evidence."""

    consumed: frozenset[str]
    lines: Callable[[Data], Iterator[str]]


def _artifact(evidence: Data) -> Iterator[str]:
    if evidence.get("path"):
        yield f"- {_name(evidence, 'path')} has {_text(evidence, 'lines')} lines"
    yield from _matches(evidence, "contains")


def _key_link(evidence: Data) -> Iterator[str]:
    yield from _matches(evidence, "pattern")
    if evidence.get("call"):
        yield f"- call path: {_text(evidence, 'call')}"


def _matches(evidence: Data, key: str) -> Iterator[str]:
    """Where a pattern was found: what counts is code, comments and dead code are counted beside it."""
    found = evidence.get(key)
    if not isinstance(found, Mapping):
        return
    lines = found.get("code")
    shown = "; ".join(code(line) for line in lines[:_LINES]) if isinstance(lines, list) else ""
    yield (
        f"- {_name(found, 'pattern')} in {_name(found, 'path')}: {_text(found, 'code_count')} in code"
        f"{f' ({shown})' if shown else ''}, {_text(found, 'comment_count')} in comments, "
        f"{_text(found, 'dead_count')} in dead code"
    )


def _kernel_compiled(evidence: Data) -> Iterator[str]:
    if evidence.get("manifest"):
        yield f"- listed at {code(evidence['manifest'])}"
    for target, built in _mapping(evidence, "targets").items():
        if "code_object_sha256" not in built:
            yield f"- {inline(target)}: {_text(built, 'error')} (see the compiler's output)"
            continue
        kernels = ", ".join(code(name) for name in _mapping(built, "kernels"))
        yield f"- {inline(target)}: code object {_digest(built, 'code_object_sha256')} with {kernels}"
        yield f"  - compiled by {_text(built, 'compiler')}:"
        if command := str(built.get("command") or ""):
            yield f"\n{indent(fenced(command, 'sh'), '    ')}\n"
        yield f"  - source {_digest(built, 'source_sha256')}, headers {_digest(built, 'headers_sha256')}"
        if built.get("warnings"):
            yield f"  - the compiler said: {_text(built, 'warnings')}"


def _wrapper_present(evidence: Data) -> Iterator[str]:
    yield from _defined(evidence)
    if evidence.get("launch"):
        yield f"- path to the launch: {_text(evidence, 'launch')}"
    for how, kernels in _launches(evidence).items():
        yield f"- observed launch of {', '.join(kernels)}: {how}"
    if evidence.get("code_object"):
        yield f"- code object launched: {_digest(evidence, 'code_object')}"


def _launches(evidence: Data) -> dict[str, list[str]]:
    """The kernels by how they were launched: the element types of one kernel mostly agree in that."""
    found: dict[str, list[str]] = {}
    for launch in _items(evidence, "launches"):
        arguments = ", ".join(
            f"{_text(argument, 'name')} ({_text(argument, 'kind')}, {_text(argument, 'size')} bytes)"
            for argument in _items(launch, "arguments")
        )
        how = (
            f"grid {_sizes(launch, 'grid')}, block {_sizes(launch, 'block')}, arguments {arguments or 'none'}"
        )
        found.setdefault(how, []).append(f"{_name(launch, 'kernel')} ({_text(launch, 'dtype')})")
    return found


def _no_host_roundtrip(evidence: Data) -> Iterator[str]:
    yield from _defined(evidence)
    if evidence.get("functions_examined"):
        yield f"- functions examined on the way: {_text(evidence, 'functions_examined')}"
    if evidence.get("launch_path"):
        yield f"- path to the launch: {_text(evidence, 'launch_path')}"
    for transfer in _items(evidence, "transfers_in_code"):
        place = _name(transfer, "call_site")
        yield f"- in the code: {_name(transfer, 'call')} ({_text(transfer, 'direction')}) at {place}"
    for trace in _items(evidence, "traces"):
        steps = "; ".join(map(_event, _items(trace, "events")))
        yield f"- traced for {_text(trace, 'dtype')}: {steps or 'no launch and no transfer'}"


def _event(event: Data) -> str:
    place = f" at {_name(event, 'call_site')}" if event.get("call_site") else ""
    if "launch" in event:
        return f"launch of {_name(event, 'launch')}{place}"
    what = f" of {_text(event, 'what')}" if event.get("what") else ""
    return f"{_text(event, 'transfer')}{what}, {_text(event, 'bytes')} bytes{place}"


def _reference(origin: Data) -> str:
    if not origin.get("file"):
        return f"of {_name(origin, 'from')}"
    words = f"the project's own, {_name(origin, 'file')}"
    if origin.get("since") is None:
        return f"{words} (git does not tell since when)"
    together = "with the kernel" if origin.get("came_with_kernel") else "not with the kernel"
    return f"{words}, since commit {_name(origin, 'since')}, {together}"


def _correctness(evidence: Data) -> Iterator[str]:
    through = _name(evidence, "wrapper" if evidence.get("wrapper") else "contract")
    yield (
        f"- {_text(evidence, 'cases')} cases with {_text(evidence, 'elements')} elements through {through}, "
        f"run seed {_text(evidence, 'seed')}; the errors are in the table of correctness below"
    )
    origin = evidence.get("reference")
    if isinstance(origin, Mapping):
        yield f"- reference: {_reference(origin)}"
    for dtype, seen in _mapping(evidence, "dtypes").items():
        yield f"- {inline(dtype)} ({_name(seen, 'symbol')}):"
        for key, words in (("controls", "wrong buffers"), ("mistakes", "wrong kernels, imitated")):
            rejected = ", ".join(map(_rejected, _items(seen, key)))
            if rejected:
                yield f"  - {words}, rejected in: {rejected}"
        yield from _ghost(seen.get("ghost_replay"))
        repeat = seen.get("repeat")
        if isinstance(repeat, Mapping) and repeat.get("told"):
            yield f"  - a repeat gave {_text(repeat, 'told')}"
        for output, limits in _mapping(seen, "tolerance").items():
            yield f"  - tolerance of {inline(output)}: {_words(limits)}"
        for one in _items(seen, "beyond"):
            if not one.get("undecided") and not one.get("problem"):
                words = f"{_text(one, 'array')} beyond {_text(one, 'beyond')} elements"
                yield f"  - {words}: {_text(one, 'elements')} results compared"
        shapes = seen.get("shapes")
        if isinstance(shapes, list) and shapes:
            yield f"  - the first of {len(shapes)} shapes: {', '.join(inline(shape) for shape in shapes[:3])}"
    if evidence.get("code_object_sha256"):
        yield f"- code object: {_digest(evidence, 'code_object_sha256')} from {_name(evidence, 'source')}"
    for leak in _items(evidence, "leaks"):
        calls = f"{_text(leak, 'calls')} of {_text(leak, 'of')} calls"
        yield f"- device memory: {calls} keep what they allocate at {_name(leak, 'place')}"
    for key in ("not_tried", "sizes_not_tried"):
        untried = evidence.get(key)
        for words in untried if isinstance(untried, list) else ():
            yield f"- not tried: {inline(words)}"
    refused = [f"{_text(c, 'name')} ({_text(c, 'error')})" for c in _items(evidence, "refused_calls")]
    if refused:
        yield f"- calls that had to be refused: {', '.join(refused)}"


def _ghost(replay: Any) -> Iterator[str]:
    if isinstance(replay, Mapping):
        verdict = "rejected, as it must be" if replay.get("rejected") else "accepted, so nothing is proved"
        yield f"  - kernel held back (ghost replay): {verdict} ({_text(replay, 'how')})"


def _rejected(outcome: Data) -> str:
    return f"{_text(outcome, 'name')} {_text(outcome, 'rejected')}/{_text(outcome, 'cases')}"


def _defined(evidence: Data) -> Iterator[str]:
    if evidence.get("defined"):
        name = _name(evidence, "wrapper" if evidence.get("wrapper") else "entry")
        yield f"- {name} is defined at {_name(evidence, 'defined')}"


def _mapping(data: Data, key: str) -> Mapping[str, Data]:
    value = data.get(key)
    return {k: v for k, v in value.items() if isinstance(v, Mapping)} if isinstance(value, Mapping) else {}


def _items(data: Data, key: str) -> list[Data]:
    value = data.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(data: Data, key: str) -> str:
    value = data.get(key)
    return "unknown" if value in (None, "") else inline(value)


def _name(data: Data, key: str) -> str:
    return code(data.get(key) or "unknown")


def _words(data: Data) -> str:
    return ", ".join(f"{inline(key.replace('_', ' '))} {inline(value)}" for key, value in data.items())


def _sizes(data: Data, key: str) -> str:
    value = data.get(key)
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else _text(data, key)


def _digest(data: Data, key: str) -> str:
    value = data.get(key)
    return code(shown_digest(str(value))) if value else "unknown"


PRESENTERS: Mapping[str, Presenter] = {
    "artifact": Presenter(frozenset({"path", "lines", "contains"}), _artifact),
    "key_link": Presenter(frozenset({"from", "to", "pattern", "call", "call_path"}), _key_link),
    "kernel_compiled": Presenter(frozenset({"manifest", "targets"}), _kernel_compiled),
    "wrapper_present": Presenter(
        frozenset(
            {
                "wrapper",
                "defined",
                "launch",
                "launch_path",
                "launches",
                "code_object",
                "device",
                "symbol_named",
            }
        ),
        _wrapper_present,
    ),
    "no_host_roundtrip": Presenter(
        frozenset(
            {"entry", "defined", "functions_examined", "launch_path", "transfers_in_code", "traces", "device"}
        ),
        _no_host_roundtrip,
    ),
    "correctness": Presenter(
        frozenset(
            {"contract", "wrapper", "source", "seed", "cases", "elements", "dtypes", "refused_calls"}
            | {"source_sha256", "code_object_sha256", "coverage", "reference", "leaks", "not_tried"}
            | {"sizes_not_tried"}
        ),
        _correctness,
    ),
}
