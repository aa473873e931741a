"""The tables of a report, read out of the checks' evidence.

Evidence is nested JSON whose shape each check decides. A row is recognised by what it must have (a
kernel has `vgprs`, a comparison `max_abs`, a transfer a `transfer`), wherever it stands; what
it lacks (target, digest, dtype) is inherited from the levels above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.report.model import (
    CheckReport,
    CodeObjectReport,
    CorrectnessReport,
    CoverageReport,
    KernelReport,
    TransferReport,
)
from rocverify.runner.coverage import line_ranges

if TYPE_CHECKING:
    from rocverify.runner.coverage import KernelRow

_LENGTH = re.compile(r"(\w+)=(\d{1,18})(?!\d)")
_DIRECTIONS = {"h2d": "host to device", "d2h": "device to host", "d2d": "device to device"}


@dataclass(frozen=True, slots=True)
class Node:
    """A mapping within evidence: the key it stands under, and the mapping above it."""

    key: str
    own: Mapping[str, Any]
    above: Node | None = None

    def known(self, name: str) -> Any:
        """A scalar of its own, else what its key tells, else what is known above it; None if nothing is."""
        node: Node | None = self
        while node is not None:
            own = node.own.get(name, _NOTHING)
            if not isinstance(own, _CONTAINERS):
                return own
            told = _as_key("" if node.above is None else node.above.key, node.key)
            if name in told:
                return told[name]
            node = node.above
        return None

    def text(self, *names: str) -> str | None:
        """The first of these facts that is known, as text."""
        value = next((found for name in names if (found := self.known(name)) is not None), None)
        return None if value is None else str(value)

    def number(self, *names: str) -> int | None:
        """The first of these facts that is a whole number."""
        values = (self.own.get(name) for name in names)
        return next((v for v in values if isinstance(v, int) and not isinstance(v, bool)), None)


_CONTAINERS = (dict, list)
_NOTHING: list[Any] = []


def nodes(check: CheckReport) -> Iterator[Node]:
    """Every mapping in a check's evidence, from the outside in."""
    return _walk("", check.evidence, Node("", check.parameters))


def nodes_of(checks: Iterable[CheckReport], built: Iterable[Mapping[str, Any]]) -> list[Node]:
    """Every mapping in the evidence of the checks and in the code objects that launches used."""
    found = [node for check in checks for node in nodes(check)]
    return found + [node for entry in built for node in _walk("", entry, None)]


def sources(checks: Iterable[CheckReport]) -> set[str]:
    """The kernel sources that the checks were about."""
    found = (node.known("source") for check in checks for node in nodes(check))
    return {source for source in found if isinstance(source, str)}


def _walk(key: str, value: Any, above: Node | None) -> Iterator[Node]:
    # JSON data: no other mapping, and this is asked very often.
    if isinstance(value, dict):
        node = Node(key, value, above)
        yield node
        for name, one in value.items():
            if isinstance(one, _CONTAINERS):
                yield from _walk(name, one, node)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, _CONTAINERS):
                yield from _walk(key, one, above)


def _as_key(parent: str, name: str) -> dict[str, str]:
    """A mapping keyed by target or dtype tells its values which they are."""
    if name.startswith("gfx"):
        return {"target": name}
    if parent in ("dtypes", "by_dtype", "per_dtype"):
        return {"dtype": name}
    return {}


def kernels(found: Iterable[Node]) -> list[KernelReport]:
    """The kernels of the code objects that checks built or launched, each once."""
    rows: dict[tuple[str, str, str], KernelReport] = {}
    for node in (node for node in found if "vgprs" in node.own):
        row = KernelReport(
            kernel=str(node.own.get("name") or node.own.get("kernel") or node.key),
            source=node.text("source") or "",
            target=node.text("target") or "",
            vgprs=node.number("vgprs"),
            sgprs=node.number("sgprs"),
            vgpr_spills=node.number("vgpr_spills"),
            sgpr_spills=node.number("sgpr_spills"),
            lds_bytes=node.number("lds_bytes", "lds"),
            scratch_bytes=node.number("scratch_bytes", "scratch"),
            wavefront_size=node.number("wavefront_size"),
            max_workgroup_size=node.number("max_workgroup_size"),
            waves=_waves(node.own.get("waves")),
            limited_by=node.own.get("limited_by") if isinstance(node.own.get("limited_by"), str) else None,
            code_object=node.text("code_object_sha256", "sha256", "code_object"),
        )
        rows.setdefault((row.source, row.target, row.kernel), row)
    return sorted(rows.values(), key=lambda row: (row.source, row.target, row.kernel))


def _waves(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def code_objects(found: Iterable[Node]) -> list[CodeObjectReport]:
    """The code objects that checks built or launched, each once."""
    rows: dict[tuple[str, str, str], CodeObjectReport] = {}
    for node in found:
        digest = node.own.get("sha256") or node.own.get("code_object_sha256")
        source, target = node.text("source"), node.text("target")
        if isinstance(digest, str) and source and target:
            row = CodeObjectReport(
                source=source,
                target=target,
                sha256=digest,
                source_sha256=node.text("source_sha256"),
                compiler=node.text("compiler"),
            )
            rows.setdefault((source, target, digest), row)
    return list(rows.values())


def correctness(checks: Iterable[CheckReport]) -> list[CorrectnessReport]:
    """The comparisons with a reference, one row for each dtype of a check."""
    rows = []
    for check in (check for check in checks if check.kind == "correctness"):
        for node in nodes(check):
            if "max_abs" in node.own or "max_ulp" in node.own:
                rows.append(_comparison(check, node))
    return rows


def about(checks: Iterable[CheckReport], rows: Iterable[KernelRow]) -> list[KernelRow]:
    """The rows of the kernels whose sources the checks were about, by their coverage evidence."""
    keys = ("coverage", "launched")
    named = {node.own.get("source") for check in checks for node in nodes(check) if node.key in keys}
    return [row for row in rows if row.source in named]


def coverage(rows: Iterable[KernelRow]) -> list[CoverageReport]:
    """What was done with each kernel."""
    return [_covered(row) for row in rows]


def _covered(row: KernelRow) -> CoverageReport:
    variant, code = row.variant, row.code
    return CoverageReport(
        kernel=row.symbol,
        source=row.source,
        types=sorted(row.types),
        cases=row.cases,
        compared=sorted(row.compared),
        sanitized=sorted(row.sanitized),
        launched=sorted(row.launched),
        family=variant.kernel,
        variant=variant.variant,
        cases_by_type=dict(sorted(row.types.items())),
        blocks=None if code is None else code.blocks,
        executed_blocks=None if code is None else code.blocks - len(code.missed_blocks),
        missed_lines=[] if code is None else line_ranges(code.missed_lines),
    )


def _comparison(check: CheckReport, node: Node) -> CorrectnessReport:
    seed, budget = node.known("seed"), node.own.get("budget_used")
    return CorrectnessReport(
        check=check.id,
        contract=node.text("contract") or "",
        dtype=node.text("dtype") or node.key,
        symbol=node.text("symbol"),
        cases=node.number("cases"),
        elements=node.number("elements"),
        max_ulp=_measure(node.own.get("max_ulp")),
        max_ulp_at_magnitude=_measure(node.own.get("max_ulp_at_magnitude")),
        ulp_counts=_counts(node.own.get("ulp_counts")),
        max_abs=_measure(node.own.get("max_abs")),
        max_rel=_measure(node.own.get("max_rel")),
        worst_index=_index(node.own),
        dims=_lengths(node.own.get("shapes")),
        values=_values(node.own.get("shapes")),
        budget_used=budget if isinstance(budget, float | int) else None,
        seed=seed if isinstance(seed, int) else None,
    )


def _lengths(shapes: Any) -> dict[str, list[int]]:
    """By dimension, the smallest and the largest length of shapes like `seq=5 heads=4 plain`."""
    found: dict[str, list[int]] = {}
    for shape in shapes if isinstance(shapes, list) else ():
        for name, length in _LENGTH.findall(str(shape)):
            found.setdefault(name, []).append(int(length))
    return {name: [min(lengths), max(lengths)] for name, lengths in found.items()}


def _values(shapes: Any) -> list[str]:
    """The kinds of values of such shapes."""
    kinds = (str(shape).rpartition(" ")[2] for shape in (shapes if isinstance(shapes, list) else ()))
    return [kind for kind in dict.fromkeys(kinds) if kind.isalpha()]


def _measure(value: Any) -> float | str | None:
    if isinstance(value, Mapping):
        return _measure(value.get("error"))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value if isinstance(value, str) else None


def _counts(value: Any) -> dict[str, int]:
    return {str(k): v for k, v in value.items() if isinstance(v, int)} if isinstance(value, dict) else {}


def _index(own: Mapping[str, Any]) -> str | None:
    """`x[45, 7, 2]`: the worst element with the output that it belongs to."""
    for key in ("max_ulp_at_magnitude", "max_abs", "max_ulp"):
        worst = own.get(key)
        if isinstance(worst, Mapping) and isinstance(worst.get("index"), list):
            return f"{worst.get('output') or ''}[{', '.join(map(str, worst['index']))}]"
    return None


def transfers(checks: Iterable[CheckReport]) -> list[TransferReport]:
    """The copies that checks traced, those of one place and direction summed up."""
    totals: dict[tuple[str, str, str, str | None], list[int]] = {}
    for check in checks:
        for node in nodes(check):
            direction = _DIRECTIONS.get(str(node.own.get("transfer")))
            if direction is None:
                continue
            place = node.own.get("call_site")
            key = (check.id, direction, str(node.own.get("function") or ""), str(place) if place else None)
            total = totals.setdefault(key, [0, 0])
            total[0] += 1
            total[1] += node.number("bytes") or 0
    return [
        TransferReport(check=check, direction=way, function=name, count=n, bytes=size, place=place)
        for (check, way, name, place), (n, size) in totals.items()
    ]
