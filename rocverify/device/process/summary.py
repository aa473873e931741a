"""What `rocverify exec` tells at the end of a program: a closing line, what was found, the trace as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rocverify.device.trace.events import Category
from rocverify.kernel_names import demangled

if TYPE_CHECKING:
    from rocverify.device.emulator.counters import Counters
    from rocverify.device.process.execution import Execution

_MOST_KERNELS, _MOST_UNSEEN, _MOST_FAULTS = 8, 10, 5
_DIRECTIONS = {Category.H2D: "to the device", Category.D2H: "back", Category.D2D: "on the device"}


def closing_line(done: Execution) -> str:
    """What ran: launches by kernel, copies, findings, calls that failed and were not looked at."""
    control = done.control
    summary = control.trace.summary
    names = demangled(summary.launches)
    kernels = [
        f"{_short(names[k])} x{n}" if n > 1 else _short(names[k]) for k, n in summary.launches.most_common()
    ]
    more = [f"{len(kernels) - _MOST_KERNELS} more"] if len(kernels) > _MOST_KERNELS else []
    parts = [_counted(done.launches, "launch", "launches") + _listed([*kernels[:_MOST_KERNELS], *more])]
    if summary.library:
        called = [f"{name} x{n}" if n > 1 else name for name, n in summary.library.most_common(_MOST_KERNELS)]
        parts.append(
            _counted(sum(summary.library.values()), "library call", "library calls") + _listed(called)
        )
    copies = [
        f"{summary.copies[kind]} {words} ({_size(summary.copied_bytes[kind])})"
        for kind, words in _DIRECTIONS.items()
        if summary.copies[kind]
    ]
    parts.append(_counted(sum(summary.copies.values()), "copy", "copies") + _listed(copies))
    failed = f", {summary.failed} failed" if summary.failed else ""
    if done.code == 0 and control.unseen:
        failed += f" ({_counted(len(control.unseen), 'error', 'errors')} never asked for)"
    parts.append(_counted(summary.calls, "HIP call", "HIP calls") + failed)
    parts.append(_counted(len(_findings(done)), "finding", "findings"))
    if not done.options.sanitize and not done.options.strict:
        parts[-1] = "not sanitized"
    if control.not_served:
        parts.append(f"not served: {', '.join(sorted(control.not_served))}")
    order = done.options.order
    how = order if order != "shuffled" else f"shuffled, seed {done.options.seed}"
    return f"{'; '.join(parts)} [{done.device.info.name}, {how}]"


def _findings(done: Execution) -> list[object]:
    """What was found in kernels and on the host's side, as people are told it."""
    from rocverify.device.emulator.sanitize.findings import told_once

    return [*told_once(done.control.findings), *done.control.host_findings]


def details(done: Execution, *, require_launch: bool) -> Iterator[str]:
    """What a user has to know beside the closing line."""
    control = done.control
    yield from done.mismatches
    yield from (f"finding: {one}" for one in _findings(done))
    yield from (f"fault: {one}" for one in control.faults[:_MOST_FAULTS])
    if len(control.faults) > _MOST_FAULTS:
        yield f"{len(control.faults) - _MOST_FAULTS} more launches faulted"
    if control.undecided is not None:
        yield f"not executed: {control.undecided}"
    if control.wrong_target:
        yield control.wrong_target
    if done.code == 0 and not control.sanitize:  # the sanitizer has findings of them
        for text in control.unseen[:_MOST_UNSEEN]:
            yield f"failed, and the program never asked for its last error: {text}"
    if done.left:
        yield f"{done.left} process(es) of the program still used the device when it ended"
    if not done.ran and not done.code:
        yield _nothing_ran(done, require_launch=require_launch)
    if done.options.counters:
        yield from _counters_text(control.counters)


def _nothing_ran(done: Execution, *, require_launch: bool) -> str:
    why = "made no HIP call at all" if not done.clients else "used HIP, but launched no kernel"
    asked = "" if require_launch else " (--require-launch makes this exit 1)"
    return f"the program ended with 0 and {why}: nothing of it was run on the device{asked}"


def to_json(done: Execution, exit_code: int) -> dict[str, Any]:
    """Plain JSON data, `rocverify.trace/1`."""
    control, options = done.control, done.options
    return {
        "schema": "rocverify.trace/1",
        "command": list(options.command),
        "exit_code": exit_code,
        "program_exit_code": done.code,
        "seconds": round(done.seconds, 3),
        "device": {
            "kind": done.device.info.kind,
            "name": done.device.info.name,
            "target": done.device.info.target,
        },
        "order": options.order,
        "seed": options.seed,
        "sanitize": options.sanitize or options.strict,
        "summary": {
            "launches": dict(control.trace.summary.launches),
            "library_calls": dict(control.trace.summary.library),
            "copies": {str(kind): count for kind, count in control.trace.summary.copies.items()},
            "copied_bytes": {str(kind): count for kind, count in control.trace.summary.copied_bytes.items()},
            "calls": control.trace.summary.calls,
            "failed": control.trace.summary.failed,
        },
        "findings": [one.to_json() for one in control.findings],
        "host_findings": [one.to_json() for one in control.host_findings],
        "fault": control.faults[0].to_json() if control.faults else None,
        "faults": [one.to_json() for one in control.faults],
        "unseen_failures": list(control.unseen),
        "not_served": dict(control.not_served),
        "counters": [{"kernel": name, "counters": counted.to_json()} for name, counted in control.counters],
        "events": [event.to_json() for event in control.trace.since()],
    }


def _counters_text(launches: list[tuple[str, Counters]]) -> Iterator[str]:
    from rocverify.device.emulator.counters import words

    totals: dict[str, Counters] = {}
    for name, counted in launches:
        totals[name] = counted if name not in totals else totals[name] + counted
    names = demangled(totals)
    for name, counted in totals.items():
        yield f"counters of {names[name]}"
        yield from (f"  {line}" for line in words.described(counted))


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _listed(parts: list[str]) -> str:
    return f" ({', '.join(parts)})" if parts else ""


def _short(name: str) -> str:
    """`ns::scale<float>` of `void ns::scale<float>(float*, int)`."""
    from rocverify.kernel_names import without_parameters

    return without_parameters(name)


_UNITS: Mapping[str, int] = {"GB": 10**9, "MB": 10**6, "KB": 10**3}


def _size(count: int) -> str:
    for unit, size in _UNITS.items():
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
