"""Checks for truths about how kernels behave: stable, safe, within the register file, refusing, tested."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from rocverify.binding.build_commands import project_tests, take_change
from rocverify.binding.build_device import contracts_meant
from rocverify.binding.build_kernels import named_kernels
from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.reading import Reading
from rocverify.plan.model import Plan


def stable(reading: Reading) -> Built:
    """numerical_stability for every contract that the truth, or else the plan, is about."""
    return _of_contracts(reading, "numerical_stability", "its reference says where NaN belongs")


def memory_safe(reading: Reading) -> Built:
    """memory_safety for the same contracts."""
    return _of_contracts(reading, "memory_safety", "it drives the kernel over its boundary shapes")


def layout_right(reading: Reading) -> Built:
    """layout for the same contracts."""
    return _of_contracts(reading, "layout", "it declares the axes of each array")


def refused(reading: Reading) -> Built:
    """unsupported_config for the same contracts."""
    return _of_contracts(reading, "unsupported_config", "it lists the calls that must be refused")


def _of_contracts(reading: Reading, kind: str, why: str) -> Built:
    contracts = contracts_meant(reading, kind)
    if isinstance(contracts, Undecided):
        return contracts
    return tuple(Draft(kind, {"contract": c.ref}, f"{c.ref}: {why}") for c in contracts)


def no_spills(reading: Reading) -> Built:
    """resources with a limit of zero for each kernel that the truth names."""
    kernels = named_kernels(reading)
    if isinstance(kernels, Undecided):
        return kernels
    limit = "scratch_bytes" if "scratch" in reading.group("what").lower() else "spills"
    drafts = []
    for mention in kernels:
        params: dict[str, object] = {"source": mention.kernel.source, "limits": {limit: 0}}
        params |= {"symbols": list(mention.symbols)} if mention.symbols else {}
        drafts.append(Draft("resources", params, f"the kernel is {mention.kernel.source}"))
    return tuple(drafts)


def runs_kernels(reading: Reading) -> Built:
    """ "f() runs only a_kernel": backend_selected by the contract that drives f with that kernel."""
    names = re.findall(r"\w+", reading.group("names"))
    wanted = tuple(dict.fromkeys(n for n in names if n.lower() not in ("and", "only", "the", "kernel")))
    functions = reading.functions()
    found = [
        c for f in functions for c in reading.subject.contracts_driving(f) if set(c.symbols) & set(wanted)
    ]
    if len(found) != 1:
        there = ", ".join(c.ref for c in found) or "none"
        return Undecided(
            f"it takes one contract that drives the function with {', '.join(wanted)} (there is: {there}); "
            "bind backend_selected with contract and kernels"
        )
    (contract,) = found
    params = {"contract": contract.ref, "kernels": list(wanted)}
    return (Draft("backend_selected", params, f"{contract.ref} drives {contract.wrapper}"),)


def tests_pass(reading: Reading) -> Built:
    """tests_pass for the test files that the truth names, else for those of the plan."""
    named = [name for name in re.split(r"[\s,`]+|\band\b", reading.group("nodes")) if name.endswith(".py")]
    nodes = named or list(_test_files(reading.plan))
    take_change(reading)
    if not nodes:
        return project_tests(reading)
    why = "the truth names" if named else "the plan's artifacts and files name"
    return (Draft("tests_pass", {"nodes": nodes}, f"{why} {', '.join(nodes)}"),)


def _test_files(plan: Plan) -> Iterable[str]:
    paths = [*(a.path for a in plan.artifacts), *plan.files_modified]
    return dict.fromkeys(p for p in paths if PurePosixPath(p).match("test_*.py"))
