"""What a kernel did that a GPU faults on: one record, shown to people and kept in reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_HINTS = {
    "global": "check the kernel's bounds test, the launch geometry and the sizes passed",
    "lds": "pass the dynamic LDS size that the kernel indexes, or correct the index",
    "scratch": "an index into a local array is out of its bounds",
    "limit": "the kernel does not end: check the loop's condition",
    "stopped": "does the kernel end? check its loops and waits, or allow it more time (launch_timeout_s)",
    "deadlock": "let every wave reach the barrier and every loop end; write what is polled before it waits",
    "grid_sync": "launch the kernel with hipModuleLaunchCooperativeKernel",
    "unaligned": "an atomic must be aligned to its size",
    "trap": "an assertion or __builtin_trap of the kernel was reached",
}


@dataclass(frozen=True, slots=True)
class FaultReport:
    """One fault. `kind` says which check caught it (`global`, `lds`, `scratch`, `trap`, `limit`, ...).

    `pc` is the offset in the code object's text, `instruction` its disassembly, `source_line`
    `path:line` where line tables exist. `workgroup` and `workitem` are (x, y, z). `address` and `size`
    are in bytes, `access` is `load`, `store` or `atomic`, `allocation` describes the live or freed
    allocation nearest to the address. `accesses` counts those of single lanes that faulted until the launch
    ended, `more` has the first of each further instruction among them.
    """

    kind: str
    kernel: str
    message: str
    pc: int | None = None
    instruction: str | None = None
    source_line: str | None = None
    workgroup: tuple[int, int, int] | None = None
    workitem: tuple[int, int, int] | None = None
    address: int | None = None
    size: int | None = None
    access: str | None = None
    allocation: str | None = None
    accesses: int = 1
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = [f"kernel {self.kernel}"]
        if self.source_line:
            place.append(self.source_line)
        if self.pc is not None:
            place.append(f"pc {self.pc:#x}")
        if self.instruction:
            place.append(f"`{self.instruction}`")
        if self.workgroup is not None:
            place.append(f"workgroup {self.workgroup}")
        if self.workitem is not None:
            place.append(f"workitem {self.workitem}")
        return f"{self.message} [{', '.join(place)}]{self.rest}"

    @property
    def rest(self) -> str:
        """What the launch's further faults are, in words; empty where there was one."""
        if self.accesses < 2:
            return ""
        return "; ".join([f"; {self.accesses} accesses of lanes faulted in all", *self.more])

    @property
    def hint(self) -> str | None:
        """What to do about a fault of this kind, where there is something to say."""
        return _HINTS.get(self.kind)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; addresses as hexadecimal text."""
        data = asdict(self)
        for key in ("pc", "address"):
            data[key] = None if data[key] is None else hex(data[key])
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FaultReport:
        """The inverse of `to_json`."""
        fixed = dict(data)
        for key in ("pc", "address"):
            fixed[key] = None if fixed[key] is None else int(fixed[key], 16)
        fixed["more"] = tuple(fixed.get("more", ()))
        for key in ("workgroup", "workitem"):
            fixed[key] = None if fixed[key] is None else tuple(fixed[key])
        return cls(**fixed)
