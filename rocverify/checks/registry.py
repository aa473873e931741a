"""The kinds of check, by name: an explicit table of modules, each imported when its kind is first asked for.

A module that is named here exports `CHECK`. Importing on demand keeps `rocverify explain` of a plan
with text checks only from loading the compiler and device rooms.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from rocverify.checks.base import CheckKind

MODULES: dict[str, str] = {
    "absent": "rocverify.checks.kinds.absent",
    "artifact": "rocverify.checks.kinds.artifact",
    "backend_selected": "rocverify.checks.kinds.backend_selected",
    "call_order": "rocverify.checks.kinds.call_order",
    "command": "rocverify.checks.kinds.command",
    "constant_value": "rocverify.checks.kinds.constant_value",
    "correctness": "rocverify.checks.kinds.correctness",
    "defined": "rocverify.checks.kinds.defined",
    "documented": "rocverify.checks.kinds.documented",
    "fallback": "rocverify.checks.kinds.fallback",
    "faster": "rocverify.checks.kinds.faster",
    "kernel_compiled": "rocverify.checks.kinds.kernel_compiled",
    "key_link": "rocverify.checks.kinds.key_link",
    "layout": "rocverify.checks.kinds.layout",
    "memory_safety": "rocverify.checks.kinds.memory_safety",
    "no_host_roundtrip": "rocverify.checks.kinds.no_host_roundtrip",
    "numerical_stability": "rocverify.checks.kinds.numerical_stability",
    "performance": "rocverify.checks.kinds.performance",
    "program": "rocverify.checks.kinds.program",
    "resources": "rocverify.checks.kinds.resources",
    "struct_layout": "rocverify.checks.kinds.struct_layout",
    "tests_pass": "rocverify.checks.kinds.tests_pass",
    "unsupported_config": "rocverify.checks.kinds.unsupported_config",
    "wrapper_present": "rocverify.checks.kinds.wrapper_present",
}


class _Registry(Mapping[str, CheckKind[Any]]):
    """A read-only mapping from the name of a kind to its `CheckKind`."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules
        self._loaded: dict[str, CheckKind[Any]] = {}

    def __getitem__(self, kind: str) -> CheckKind[Any]:
        if kind not in self._loaded:
            self._loaded[kind] = _load(kind, self._modules[kind])
        return self._loaded[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, kind: object) -> bool:
        return kind in self._modules


def _load(kind: str, module: str) -> CheckKind[Any]:
    check = importlib.import_module(module).CHECK
    if not isinstance(check, CheckKind) or check.name != kind:
        raise TypeError(f"{module}.CHECK is not the check kind {kind!r}")
    return check


CHECKS: Mapping[str, CheckKind[Any]] = _Registry(MODULES)
