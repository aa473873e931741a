"""What was seen to be wrong on the host's side: races, frees that come too early, leaks, wrong sizes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HostFinding:
    """One finding about a HIP program's host code. `kind` is a word for machines (`race`, `leak`,
    `double_free`, ...), `message` says what and what to do, `site` is `path:line` (or module and offset) of
    the call that is to blame, `other` of the one that it clashes with, `kernel` the kernel, if any. Of a
    race, `address` and `bytes` are what both sides touch."""

    kind: str
    message: str
    site: str | None = None
    other: str | None = None
    kernel: str | None = None
    address: int | None = None
    bytes: int | None = None

    def __str__(self) -> str:
        place = f"{self.site}: " if self.site else ""
        other = f" (the other side: {self.other})" if self.other else ""
        return f"{place}{self.message}{other}"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data without the fields that say nothing; addresses as hexadecimal text."""
        data = {name: value for name, value in asdict(self).items() if value is not None}
        return data if self.address is None else {**data, "address": hex(self.address)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> HostFinding:
        """The inverse of `to_json`."""
        address = data.get("address")
        return cls(**{**data, "address": None if address is None else int(address, 16)})
