"""Digests of what the verdicts rest on: the plan, and every file that a check's parameters name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rocverify.report.model import CheckReport, InputReport
from rocverify.store.digests import digest_if_file

_FILES = {"path": "artifact", "source": "kernel source", "from_path": "host code", "to_path": "host code"}
_MODULES = {"contract": "contract", "wrapper": "host code", "entry": "host code"}


def inputs(
    root: Path, plan: str, manifest: str, sources: Iterable[str], checks: Iterable[CheckReport]
) -> list[InputReport]:
    """The plan, the build manifest, the kernel sources that the checks were about, and the files behind
    their parameters, each once."""
    named = [("plan", plan), ("build manifest", manifest)]
    named += [("kernel source", path) for path in sorted(sources)]
    named += [found for check in checks for found in _named(root, check)]
    # A file that several checks name keeps its most telling role: a kernel source is one even where
    # an artifact check names it as well.
    named.sort(key=lambda pair: pair[0] in ("artifact", "host code"))
    roles: dict[str, str] = {}
    for role, path in named:
        roles.setdefault(path, role)
    return [
        InputReport(role=role, path=path, sha256=digest_if_file(root / path)) for path, role in roles.items()
    ]


def _named(root: Path, check: CheckReport) -> Iterator[tuple[str, str]]:
    for key, role in _FILES.items():
        value = check.parameters.get(key)
        if isinstance(value, str):
            yield role, value
    for key, role in _MODULES.items():
        value = check.parameters.get(key)
        if isinstance(value, str):
            yield role, _module_path(root, value)


def _module_path(root: Path, reference: str) -> str:
    """The file of `package.module:name`."""
    base = reference.partition(":")[0].replace(".", "/")
    package = f"{base}/__init__.py"
    return package if (root / package).is_file() else f"{base}.py"
