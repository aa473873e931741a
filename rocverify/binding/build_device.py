"""Checks for truths about what runs: no transfer inside the GPU path, results that match the reference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rocverify.binding.build_commands import project_tests
from rocverify.binding.build_kernels import named_kernels
from rocverify.binding.calls import call_edges
from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.project import Contract, Function
from rocverify.binding.reading import KernelMention, Reading, code_names, contracts_listed, functions_in
from rocverify.plan.model import Plan

_UPLOADED = (
    r"(?:\b(?:only|except(?:\s+for)?|apart\s+from|besides|but)\s+)*(?:the\s+)?"
    r"\b(?P<names>[a-z]\w*(?:\s*(?:/|,\s*and\b|,|\band\b)\s*[a-z]\w*)*)\s+(?:(?:is|are)\s+)?upload(?:s|ed)?\b"
)
_NOT_NAMES = frozenset({"and", "only", "the", "is", "are", "for", "but", "no", "any", "all", "except"})
_DTYPE = (
    r"\b(?:(?:in|for|with|at)\s+)?(?P<name>bfloat16|bf16|float16|fp16|f16|half|float32|fp32|f32|single)\b"
    r"(?:\s+precision)?"
)
_DTYPES = {
    **dict.fromkeys(("bfloat16", "bf16"), "bfloat16"),
    **dict.fromkeys(("float16", "fp16", "f16", "half"), "float16"),
    **dict.fromkeys(("float32", "fp32", "f32", "single"), "float32"),
}
_HARMLESS = (
    r"\bwithin\s+(?:the\s+)?(?:numerical\s+)?tolerances?\b|\b(?:in|for|with|over)?\s*(?:all|every|each)\s+"
    r"(?:supported\s+)?(?:dtypes?|data\s+types?|element\s+types?|shapes?)\b|\bnumerically\b"
    r"|\b(?:results?|outputs?|values?|numbers?)\b"
)
_HEADS = (
    r"\b(?:for|with|over|on)?\s*(?:multi-?\s?head(?:ed)?"
    r"(?:\s+(?:inputs?|tensors?|attention|layouts?|shapes?))?|(?:several|multiple|many)\s+heads)\b"
)
_LAST_POSITION = (
    r"\b(?:for|at|over)?\s*(?:all\s+|any\s+)?positions?\s+(?:up|right\s+up|through)\s+to\s+"
    r"max_seq_len(?:\s*-\s*1)?\b"
)
_VARIANT = r"\binterleaved(?:[\s-]+pairs?)?(?:\s+(?:variant|layout))?\b"


def no_transfer(reading: Reading) -> Built:
    """no_host_roundtrip for the entries that the truth names, else for those that the plan names."""
    named = [f for f in reading.compiled_functions() if f.name.rpartition("::")[2] not in _forbidden(reading)]
    if compiled := _without_python(reading, named, "the truth names"):
        return compiled
    entries = _entries(reading)
    if isinstance(entries, Undecided):
        callers = _compiled_callers(reading) if not reading.functions() else []
        return _without_python(reading, callers, "the plan's key links name") or entries
    forbidden = _forbidden(reading)
    uploads, origin = _allowed_uploads(reading)
    drafts = []
    for function, contract, why in entries:
        params: dict[str, object] = {"entry": function.ref, "contract": contract.ref}
        params |= {"allow_uploads": uploads} if uploads else {}
        params |= {"forbid": forbidden} if forbidden else {}
        drafts.append(Draft("no_host_roundtrip", params, why + origin))
    return tuple(drafts)


def _forbidden(reading: Reading) -> list[str]:
    return [name for _, name in code_names(reading.group("names"))]


def _compiled_callers(reading: Reading) -> list[Function]:
    """The callers in the plan's key links that one Rust or C++ source defines, and no Python source."""
    names = [name for name in call_edges(reading.plan) if not reading.subject.named(name)]
    found = [reading.subject.named_in_compiled(name) for name in names]
    return [functions[0] for functions in found if len(functions) == 1]


def _without_python(reading: Reading, entries: Sequence[Function], who: str) -> tuple[Draft, ...]:
    """The same for functions of Rust and C++ sources; the project's tests run them, if it has some."""
    forbidden = _forbidden(reading)
    uploads, _ = _allowed_uploads(reading)
    tests = project_tests(reading) if entries else ()
    drafts = []
    for function in entries:
        params: dict[str, object] = {"entry": function.ref} | ({"forbid": forbidden} if forbidden else {})
        params |= {"allow_uploads": uploads} if uploads else {}
        params |= {"forbid_fallback": True} if re.search(r"fallback", reading.text, re.I) else {}
        params |= {} if isinstance(tests, Undecided) else {"program": tests[0].params["run"]}
        drafts.append(Draft("no_host_roundtrip", params, f"{who} {function.ref}"))
    return tuple(drafts)


def _entries(reading: Reading) -> list[tuple[Function, Contract, str]] | Undecided:
    """Entry points, each with the contract that drives it."""
    named = reading.functions()
    kernels = reading.kernels()
    functions = named or _plan_entries(reading)
    origin = "the truth names" if named else "the plan's key links and artifacts name"
    found = []
    for function in functions:
        contracts = _about(reading.subject.contracts_driving(function), kernels)
        if len(contracts) > 1:
            return Undecided(
                f"{function.ref} has several contracts ({contracts_listed(contracts)}); "
                "bind no_host_roundtrip with entry and contract"
            )
        found += [(function, c, f"{origin} {function.ref}, which {c.ref} drives") for c in contracts]
    return found or Undecided(
        "it does not say at which function the GPU path starts, and the plan names none that a contract "
        f"drives (there is: {contracts_listed(reading.subject.contracts)}); bind no_host_roundtrip with entry"
    )


def _plan_entries(reading: Reading) -> tuple[Function, ...]:
    """The callers in the plan's key links, else the functions that its artifacts name."""
    plan, subject = reading.plan, reading.subject
    callers = tuple(f for name in call_edges(plan) for f in subject.named(name))
    artifacts = (text for a in plan.artifacts for text in (a.provides, a.contains or "", *a.exports))
    found = callers or functions_in(artifacts, subject)
    return tuple(f for f in found if subject.contracts_driving(f))


def _about(contracts: Iterable[Contract], kernels: tuple[KernelMention, ...]) -> list[Contract]:
    sources = {mention.kernel.source for mention in kernels}
    return [c for c in contracts if not sources or c.source in sources]


def _allowed_uploads(reading: Reading) -> tuple[list[str], str]:
    """The uploads that the truth allows, else those that the tasks for the same requirement name."""
    names = [name for found in reading.take(_UPLOADED) for name in _upload_names(found)]
    if names:
        return list(dict.fromkeys(names)), f"; it allows uploads of {', '.join(names)}"
    for where, text in _plan_texts(reading.plan):
        names = [name for found in re.finditer(_UPLOADED, text, re.I) for name in _upload_names(found)]
        if names:
            return list(
                dict.fromkeys(names)
            ), f"; {where} allows uploads of {', '.join(dict.fromkeys(names))}"
    return [], ""


def _upload_names(found: re.Match[str]) -> list[str]:
    return [name for name in re.findall(r"[A-Za-z_]\w*", found["names"]) if name.lower() not in _NOT_NAMES]


def _plan_texts(plan: Plan) -> Iterable[tuple[str, str]]:
    for task in plan.tasks:
        yield task.id, f"{task.action}\n{task.done}"
    for section in (plan.verification, plan.success_criteria):
        if section:
            yield str(section.source), section.text


def matches_reference(reading: Reading) -> Built:
    """correctness for every contract that the truth, or else the plan, is about."""
    contracts = contracts_meant(reading, "correctness")
    if isinstance(contracts, Undecided):
        return contracts
    dtypes = list(dict.fromkeys(_DTYPES[m["name"].lower()] for m in reading.take(_DTYPE)))
    reading.take(_HARMLESS)
    heads, last = bool(reading.take(_HEADS)), bool(reading.take(_LAST_POSITION))
    limits = {c: _limits(c, heads, last) for c in contracts}
    if not any(limit is not None for limit in limits.values()):
        return Undecided(
            f"no contract among {contracts_listed(contracts)} lists the dimensions that it limits; "
            "bind correctness with contract and dims"
        )
    return tuple(_correct(c, dtypes, limit) for c, limit in limits.items() if limit is not None)


def _correct(contract: Contract, dtypes: list[str], limits: dict[str, object]) -> Draft:
    params: dict[str, object] = {"contract": contract.ref}
    params |= {"dtypes": dtypes} if dtypes else {}
    params |= {"dims": limits} if limits else {}
    return Draft("correctness", params, f"{contract.ref} has the reference for {contract.source}")


def contracts_meant(reading: Reading, kind: str) -> list[Contract] | Undecided:
    """The contracts that a truth is about: those of the functions or kernels that it names, else of the
    plan. `kind` is the check to bind, for the message where there are none."""
    subject = reading.subject
    variant = bool(reading.take(_VARIANT))
    functions = reading.functions()
    if functions:
        found = [c for f in functions for c in subject.contracts_driving(f)]
    elif mentions := reading.kernels():
        kernels = named_kernels(reading)
        if isinstance(kernels, Undecided):
            return kernels
        found = [c for m in mentions for c in _of_mention(reading, m)]
    else:
        found = _contracts_of_plan(reading)
    found = [c for c in dict.fromkeys(found) if not variant or "interleaved" in c.name.lower()]
    return found or Undecided(
        "it does not say which contract has the reference; "
        f"bind {kind} with contract (there is: {contracts_listed(subject.contracts)})"
    )


def _of_mention(reading: Reading, mention: KernelMention) -> list[Contract]:
    contracts = reading.subject.contracts_of(mention.kernel.source)
    return [c for c in contracts if not mention.symbols or set(c.symbols) & set(mention.symbols)]


def _contracts_of_plan(reading: Reading) -> list[Contract]:
    """The contracts whose wrapper an artifact or key link of the plan names."""
    plan, subject = reading.plan, reading.subject
    texts = [text for a in plan.artifacts for text in (a.provides, a.contains or "", *a.exports)]
    functions = functions_in([*texts, *(link.via for link in plan.key_links)], subject)
    return [c for function in functions for c in subject.contracts_driving(function)]


def _limits(contract: Contract, heads: bool, last: bool) -> dict[str, object] | None:
    """The dimensions limited for "multi-head" and "positions up to max_seq_len"; None if it lacks them."""
    limits: dict[str, object] = {}
    if heads:
        several = {n: [v for v in values if v > 1] for n, values in contract.dims.items() if "heads" in n}
        limits |= {name: values for name, values in several.items() if values}
        if not limits:
            return None
    if last:
        if "max_seq_len" not in contract.dims:
            return None
        limits["max_seq_len"] = "max"
    return limits
