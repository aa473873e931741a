"""What the sanitizer found, for people and for reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from rocverify.device.emulator import abi
from rocverify.device.emulator.load.kernarg import Geometry, Triple
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.sanitize.layout import (
    Decides,
    FindingKind,
    Hazard,
    Overrun,
    RawFinding,
    Scope,
    Space,
)
from rocverify.device.emulator.sanitize.memory import SanitizedMemory

ATOMICS_HEADER = "/amd_hip_atomic.h"
_ACCESS = {abi.Access.LOAD: "load", abi.Access.STORE: "store", abi.Access.ATOMIC: "atomic"}
_BOTH, _EITHER = "RAW and WAR in ", ", in either order"
_HINTS = {
    "uninitialized": "write the value before it is used; does a guard, a tail or an initialisation miss?",
    "race": "put __syncthreads() between the two, or make both atomic; between workgroups only atomics "
    "with __threadfence(), or another launch, order accesses",
    "lockstep": "lanes of a wave run together today by luck of the hardware: synchronise, or use a shuffle",
    "barrier": "let every workitem of the workgroup reach the same __syncthreads(): move it out of the "
    "branch, and do not return before it",
    "alignment": "align the rows, or access them in smaller pieces where they are not",
    "overrun": "check the index against the array's length",
}


@dataclass(frozen=True, slots=True)
class Site:
    """One side of a finding: the instruction with its source line, and who executed it."""

    access: str
    instruction: str
    pc: int
    source: str | None
    workgroup: Triple
    workitem: Triple
    wave: int

    @property
    def place(self) -> str:
        """Its source line; where that is not known, its address."""
        return self.source or f"pc {self.pc:#x}"

    def __str__(self) -> str:
        return f"{self.access} at {self.place} `{self.instruction}`, {self.who}"

    @property
    def who(self) -> str:
        """The workgroup, work-item and wave, for messages."""
        return f"workgroup {self.workgroup} workitem {self.workitem} (wave {self.wave})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; those of the same source lines are one, `count` says how often it was seen.

    `kind` is "uninitialized" (`detail`: what the undefined bits decide, "address", "branch" or "store"),
    "race" ("RAW", "WAR", "WAW"), "lockstep" (the same between lanes of one wave, strict mode only),
    "barrier" ("diverged", "missed", "mixed") or "overrun" (from an array of LDS into the next
    one, "behind" or "before" its own), or, where asked for, "alignment" ("load", "store").
    `space` is "global", "lds", "scratch" or "register".
    `address` is a device address, in LDS and scratch an offset in bytes; `allocation` describes what lies
    there and `made_at` is the host's `file:line` that asked for it.
    """

    kind: str
    detail: str
    kernel: str
    message: str
    count: int
    here: Site
    other: Site | None = None
    space: str = "register"
    address: int | None = None
    size: int | None = None
    allocation: str | None = None
    made_at: str | None = None

    @property
    def source(self) -> str:
        """The place of the access that was found."""
        return self.here.place

    @property
    def hint(self) -> str:
        """What to do about it."""
        return _HINTS[self.kind]

    def __str__(self) -> str:
        parts = [f"{self.source}: {self.kind}: {self.message}", f"  in kernel {self.kernel}: {self.here}"]
        if self.other is not None:
            parts.append(f"  and {self.other}")
        if self.allocation:
            told = not self.made_at or self.made_at in self.allocation
            made = "" if told else f", allocated at {self.made_at}"
            parts.append(f"  at {self.allocation}{made}")
        parts.append(f"  seen {self.count} time(s); {self.hint}")
        return "\n".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; addresses as hexadecimal text."""
        data = asdict(self)
        data["address"] = None if self.address is None else hex(self.address)
        for side in (data["here"], data["other"]):
            if side is not None:
                side["pc"] = hex(side["pc"])
        return {**data, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Findings:
    """What the sanitizer found in one launch, by source line; `dropped` counts what found no room. `segments`
    tell the launch's accesses in the record of memory: the record's era, the first, the one behind the
    last."""

    found: tuple[Finding, ...]
    dropped: int = 0
    segments: tuple[int, int, int] = (0, 0, 0)

    def __bool__(self) -> bool:
        return bool(self.found or self.dropped)


def told_once(findings: Iterable[Finding]) -> list[Finding]:
    """Findings for people: of two accesses that race in either order, and are found from each side, one."""
    kept: dict[object, Finding] = {}
    for number, found in enumerate(findings):
        key: object = number
        if found.kind in ("race", "lockstep") and found.other is not None:
            sides = frozenset((found.here.place, found.other.place))
            key = (found.kind, found.kernel, found.space, sides)
        known = kept.get(key)
        kept[key] = found if known is None else _either_order(known, found)
    return list(kept.values())


def _either_order(one: Finding, other: Finding) -> Finding:
    """As the first is, in words of both."""
    words = one.message
    if one.detail != other.detail and _BOTH not in words:
        words = words.replace(f"{one.detail} in ", _BOTH, 1)
        words = words.replace("a read after a write", "a read and a write")
        words = words.replace("a write after a read", "a read and a write")
    words = words.removesuffix(_EITHER) + _EITHER
    return replace(one, message=words, count=one.count + other.count)


class Narrator:
    """Words raw findings of one launch."""

    def __init__(self, kernel: LoadedKernel, memory: SanitizedMemory, geometry: Geometry) -> None:
        self.kernel, self.memory, self.geometry = kernel.name, memory, geometry
        self.lanes, self.module = kernel.lanes, kernel.module
        self._arrays = kernel.lds_arrays
        self._lines: dict[int, str] = {}

    def findings(self, raw: Iterable[RawFinding], dropped: int) -> Findings:
        """One finding for every pair of source lines, with the sum of the counts."""
        merged: dict[tuple[Any, ...], Finding] = {}
        raw = list(raw)
        places = {pc for one in raw for pc in (one.pc, one.other_pc, one.origin_pc) if pc}
        self._lines = self.module.user_lines(places)
        for one in sorted(raw, key=lambda f: (f.pc, f.other_pc, f.kind)):
            if self._stores_copies(one) or self._stores_atomically(one):
                continue
            found = self._finding(one)
            other = found.other.place if found.other else None
            key = (found.kind, found.detail, found.space, found.here.place, other)
            known = merged.get(key)
            merged[key] = found if known is None else replace(known, count=known.count + found.count)
        return Findings(tuple(merged.values()), dropped)

    def _stores_copies(self, raw: RawFinding) -> bool:
        """Whether two waves store to LDS by one instruction of a kernel that is written in Python. There the
        compiler manages LDS: where several waves hold a tensor (Triton's replicated layouts), each stores
        its copy."""
        if (FindingKind(raw.kind), Space(raw.space)) != (FindingKind.RACE, Space.LDS):
            return False
        if Hazard(raw.detail) is not Hazard.WAW or raw.pc != raw.other_pc or raw.atomic:
            return False
        return self._site(raw, "store").place.rpartition(":")[0].endswith(".py")

    def _stores_atomically(self, raw: RawFinding) -> bool:
        """Whether both ends of a race lie in HIP's header of atomics: an exchange whose result nobody needs
        may become a store, which the machine code does not tell from others."""
        if FindingKind(raw.kind) is not FindingKind.RACE:
            return False
        ends = (self._site(raw, "store"), self._other(raw, "store"))
        return all(end.place.rpartition(":")[0].endswith(ATOMICS_HEADER) for end in ends)

    def _finding(self, raw: RawFinding) -> Finding:
        match FindingKind(raw.kind):
            case FindingKind.UNDEFINED:
                return self._undefined(raw)
            case FindingKind.RACE:
                return self._race(raw)
            case FindingKind.MISALIGNED:
                return self._misaligned(raw)
            case FindingKind.OVERRUN:
                return self._overrun(raw)
            case _:
                return self._barrier(raw)

    def _site(self, raw: RawFinding, access: str) -> Site:
        return self._place(access, raw.pc, raw.group, raw.wave, raw.lane)

    def _other(self, raw: RawFinding, access: str) -> Site:
        return self._place(access, raw.other_pc, raw.other_group, raw.other_wave, raw.other_lane)

    def _place(self, access: str, pc: int, group: int, wave: int, lane: int) -> Site:
        listing = self.module.listing
        inst = listing.at(pc) if pc in listing else None
        grid, block = self.geometry.grid, self.geometry.block
        return Site(
            access,
            inst.text if inst else "?",
            pc,
            self._lines.get(pc, inst.source if inst else None),
            _triple(group, grid),
            _triple(wave * self.lanes + lane, block),
            wave,
        )

    def _where(self, raw: RawFinding, space: Space) -> dict[str, Any]:
        """The fields of Finding about the address."""
        if space is Space.GLOBAL:
            return {
                "space": "global",
                "address": raw.address,
                "size": raw.size,
                "allocation": self.memory.explain(raw.address),
                "made_at": self.memory.made_at(raw.address),
            }
        name = space.name.lower()
        if space is Space.REGISTER:
            return {"space": name}
        called = "LDS" if space is Space.LDS else name
        allocation = f"{called} offset {raw.address}"
        return {"space": name, "address": raw.address, "size": raw.size, "allocation": allocation}

    def _undefined(self, raw: RawFinding) -> Finding:
        decides = Decides(raw.detail)
        what = {
            Decides.ADDRESS: "an address depends on a value that was never written",
            Decides.BRANCH: "a branch depends on a value that was never written",
            Decides.STORE: "a value that was never written is stored to global memory",
        }[decides]
        access = {Decides.ADDRESS: "access", Decides.BRANCH: "branch", Decides.STORE: "store"}[decides]
        fields, other, message = self._where(raw, Space(raw.space)), None, what
        if raw.other_known:
            origin = Space(raw.origin_space)
            loaded = RawFinding(address=raw.origin_address, size=0)
            came_from = self._where(loaded, origin)
            other = self._place(
                "load of undefined bits", raw.origin_pc, raw.group, raw.other_wave, raw.other_lane
            )
            fields = {**came_from, "size": None}
            message = f"{what}; the undefined bits that the wave had last came from {came_from['allocation']}"
        else:
            fields["space"] = "register"
            message = f"{what}: a register that nothing has set, or a lane that is switched off"
        here = self._site(raw, access)
        detail = decides.name.lower()
        return Finding("uninitialized", detail, self.kernel, message, raw.count, here, other, **fields)

    def _race(self, raw: RawFinding) -> Finding:
        hazard, scope = Hazard(raw.detail), Scope(raw.scope)
        words = {
            Hazard.RAW: "a read after a write",
            Hazard.WAR: "a write after a read",
            Hazard.WAW: "two writes",
        }
        between = {
            Scope.WAVES: "of two waves with no barrier between",
            Scope.WORKGROUPS: "of two workgroups, which nothing orders",
            Scope.LANES: "of two lanes of one wave, ordered only if the wave runs in lockstep",
        }[scope]
        atomic = ", one of them atomic and the other not" if raw.atomic else ""
        space = Space(raw.space)
        place = "LDS" if space is Space.LDS else "global memory"
        return Finding(
            "lockstep" if scope is Scope.LANES else "race",
            hazard.name,
            self.kernel,
            f"{hazard.name} in {place}: {words[hazard]} {between}{atomic}",
            raw.count,
            self._site(raw, _ACCESS[abi.Access(raw.access)]),
            self._other(raw, _ACCESS[abi.Access(raw.other_access)]),
            **self._where(raw, space),
        )

    def _misaligned(self, raw: RawFinding) -> Finding:
        access, space = _ACCESS[abi.Access(raw.access)], Space(raw.space)
        message = (
            f"a {access} of {raw.size} byte(s) that is not aligned to its size: AMD GPUs serve it as ROCm "
            "sets them, others fault"
        )
        here, fields = self._site(raw, access), self._where(raw, space)
        return Finding("alignment", access, self.kernel, message, raw.count, here, **fields)

    def _overrun(self, raw: RawFinding) -> Finding:
        side, access = Overrun(raw.detail), _ACCESS[abi.Access(raw.access)]
        held = next(one for one in reversed(self._arrays) if one.offset <= raw.address)
        place = self._arrays.index(held)
        own = self._arrays[place - 1 if side is Overrun.BEHIND else place + 1]
        far = raw.address - own.offset - own.size if side is Overrun.BEHIND else own.offset - raw.address
        words = f"{far + 1} byte(s) past the end of" if side is Overrun.BEHIND else f"{far} byte(s) before"
        message = (
            f"a {access} of {raw.size} byte(s) leaves its array of LDS: {words} {own.name} ({own.size} "
            f"bytes), in {held.name}; the wave's other lanes access {own.name} in even steps"
        )
        detail = side.name.lower()
        here = self._site(raw, access)
        return Finding(
            "overrun", detail, self.kernel, message, raw.count, here, **self._where(raw, Space.LDS)
        )

    def _barrier(self, raw: RawFinding) -> Finding:
        kind, here = FindingKind(raw.kind), self._site(raw, "s_barrier")
        if kind is FindingKind.BARRIER_DIVERGED:
            message = f"a barrier in divergent control flow: {raw.size} lane(s) of the wave do not reach it"
            return Finding("barrier", "diverged", self.kernel, message, raw.count, here)
        if kind is FindingKind.BARRIER_MISSED:
            message = f"wave {raw.other_wave} of the workgroup ends without reaching this barrier"
            return Finding("barrier", "missed", self.kernel, message, raw.count, here)
        message = "waves of one workgroup wait at different barriers"
        return Finding(
            "barrier", "mixed", self.kernel, message, raw.count, here, self._other(raw, "s_barrier")
        )


def _triple(flat: int, extents: Triple) -> Triple:
    return flat % extents[0], flat // extents[0] % extents[1], flat // (extents[0] * extents[1])
