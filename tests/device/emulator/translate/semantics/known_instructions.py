"""Every mnemonic that the assembler at hand knows for a target, and spellings of each that it takes.

LLVM's assembler holds its mnemonics as one table of strings with a length byte each; a target knows those
that it does not reject as unsupported. Operands are found by trial: a list of shapes, the first that fits.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ANCHOR = b"v_wmma_f32_16x16x16_f16"
_NAME = re.compile(rb"[a-z][a-z0-9_]+(\.[a-z0-9_]+)?")
_LIBRARY = re.compile(r"libLLVM\S* => (\S+)")
_ERROR = re.compile(r"^<stdin>:(\d+):\d+: error: (.*)$", re.M)
UNKNOWN = ("not supported on this GPU", "invalid instruction")
TRIPLE = "amdgcn-amd-amdhsa"


@dataclass(frozen=True)
class Knowledge:
    """An llvm-mc and a target that it assembles for."""

    mc: Path
    target: str

    def errors(self, lines: Sequence[str]) -> dict[int, str]:
        """What the assembler says of the lines that it refuses, by index."""
        command = [str(self.mc), f"-triple={TRIPLE}", f"-mcpu={self.target}", "-filetype=null"]
        done = subprocess.run(
            command, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300, check=False
        )
        found: dict[int, str] = {}
        for match in _ERROR.finditer(done.stderr):
            found.setdefault(int(match[1]) - 1, match[2])
        return found

    def mnemonics(self) -> list[str]:
        """Those that the target has, aliases among them."""
        names = sorted(table_of(self.mc))
        errors = self.errors(names)
        return [
            name
            for index, name in enumerate(names)
            if not any(words in errors.get(index, "") for words in UNKNOWN)
        ]

    def spellings(self, names: Sequence[str]) -> dict[str, str]:
        """One line that assembles for every name; names without one are absent."""
        lines = [(name, line) for name in names for line in candidates(name)]
        errors = self.errors([line for _, line in lines])
        found: dict[str, str] = {}
        for index, (name, line) in enumerate(lines):
            if index not in errors:
                found.setdefault(name, line)
        return found

    def accepted(self, lines: Sequence[str]) -> list[str]:
        """The lines that assemble."""
        errors = self.errors(lines)
        return [line for index, line in enumerate(lines) if index not in errors]

    def object_file(self, lines: Sequence[str]) -> bytes:
        """An object with one instruction a line."""
        command = [str(self.mc), f"-triple={TRIPLE}", f"-mcpu={self.target}", "-filetype=obj", "-o", "-"]
        text = ("\n".join(lines) + "\n").encode()
        done = subprocess.run(command, input=text, capture_output=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr.decode()[:2000]
        return done.stdout


def table_of(mc: Path) -> set[str]:
    """The mnemonics of all AMD GPUs, from the string table of the assembler or its library."""
    listed = subprocess.run(["ldd", str(mc)], capture_output=True, text=True, timeout=60, check=False).stdout
    places = [Path(match[1]) for match in _LIBRARY.finditer(listed)]
    for place in (mc.resolve(), *places):
        names = _around(place.read_bytes())
        if len(names) > 1:
            return names
    raise AssertionError(f"no table of mnemonics in {mc} or its libraries")


def _around(data: bytes) -> set[str]:
    """The entries before and after the anchor's, as far as they follow one another."""
    start = data.find(bytes([len(ANCHOR)]) + ANCHOR)
    names: set[str] = set()
    place = start
    while place >= 0 and (name := _entry(data, place)) is not None:
        names.add(name)
        place += 1 + len(name)
    place = start
    while place >= 0:
        before = next(
            (
                place - 1 - size
                for size in range(2, 64)
                if data[place - 1 - size] == size and _entry(data, place - 1 - size)
            ),
            None,
        )
        if before is None:
            break
        names.add(str(_entry(data, before)))
        place = before
    return names


def _entry(data: bytes, place: int) -> str | None:
    size = data[place]
    text = data[place + 1 : place + 1 + size]
    return text.decode() if len(text) == size and _NAME.fullmatch(text) else None


# ---- operands


_WIDTHS = {"1": ("v5", "v1", "s5", "s1"), "2": ("v[6:7]", "v[2:3]", "s[6:7]", "s[2:3]")}


def candidates(name: str) -> Iterator[str]:
    """Lines to try, the likeliest first."""
    shapes = {
        "v_": _vector,
        "s_": _scalar,
        "ds": _lds,
        "gl": _global,
        "fl": _flat,
        "sc": _scratch,
        "bu": _buffer,
    }
    if name.startswith("v_dual_"):
        yield from _dual(name)
    else:
        for operands in shapes.get(name[:2], lambda _: iter(("",)))(name):
            yield f"{name} {operands}".strip()


def _dual(name: str) -> Iterator[str]:
    other = "v_dual_mov_b32 v7, v3"
    for operands in ("v4, v1, v2", "v4, v1", "v4, v1, v2, 0x40490fdb", "v4, v1, 0x40490fdb, v2"):
        yield f"{name} {operands} :: {other}"
        yield f"v_dual_mov_b32 v7, v3 :: {name} {operands}"


def _vector(name: str) -> Iterator[str]:
    if name.startswith("v_s_"):  # LLVM 19 would take a VGPR, which it then prints as invalid
        yield "s5, s1"
        return
    yield ""
    if name.startswith("v_wmma"):
        for inputs in ("v[0:7], v[8:15]", "v[0:3], v[8:11]", "v[0:1], v[8:9]", "v0, v8"):
            yield f"v[16:23], {inputs}, v[16:23]"
            yield f"v[16:19], {inputs}, v[16:19]"
    if name.startswith("v_swmmac"):
        for inputs in ("v[0:3], v[8:15]", "v[0:1], v[8:11]", "v0, v[8:9]"):
            yield f"v[16:23], {inputs}, v24"
            yield f"v[16:19], {inputs}, v24"
    for count in range(1, 4):
        for widths in product("12", repeat=count + 1):
            target = _WIDTHS[widths[0]][0]
            yield ", ".join([target, *(_WIDTHS[width][1] for width in widths[1:])])
    for target in ("vcc_lo", "s5"):
        for widths in product("12", repeat=2):
            yield ", ".join([target, *(_WIDTHS[width][1] for width in widths)])
    yield from (
        "v1, v2", "v[2:3], v[4:5]", "v[2:3], v4", "v5, v1, v2, 0x40490fdb", "v5, v1, 0x40490fdb, v2",
        "v5, vcc_lo, v1, v2", "v5, vcc_lo, v1, v2, vcc_lo", "v5, v1, v2, vcc_lo", "v5, v1, v2, s3",
        "v5, s3, v1, v2", "v5, s3, v1, v2, s4", "v[6:7], s3, v1, v2, v[2:3]", "v5, vcc_lo, v1, v2, v3",
        "v[6:7], vcc_lo, v[2:3], v[2:3], v[2:3]", "v5, v1, s2, s3", "s5, v1, s2", "v5, s1, s2", "s5, v1",
        "v5, v1, v2, 0x4248", "v5, v1, 0x4248, v2", "v5.l, v1.l",
        "v[8:11], v[2:3], v1, v[4:7]", "v5, v1, v2, v3 wait_exp:0", "v5, p10, attr0.x",
    )  # fmt: skip


def _scalar(_: str) -> Iterator[str]:
    yield from ("", "0", "4", "s5", "s[6:7]", "null, 0x0")
    for count in range(1, 3):
        for widths in product("12", repeat=count + 1):
            yield ", ".join([_WIDTHS[widths[0]][2], *(_WIDTHS[width][3] for width in widths[1:])])
    yield from (
        "s5, 4", "s5, s1, s2, 0x40490fdb", "s5, s1, 0x40490fdb, s2", "s5, hwreg(HW_REG_MODE)",
        "hwreg(HW_REG_MODE), s5", "hwreg(HW_REG_MODE), 0x5", "sendmsg(MSG_INTERRUPT)",
        "s5, sendmsg(MSG_RTN_GET_REALTIME)", "s[6:7], sendmsg(MSG_RTN_GET_REALTIME)", "1, s[2:3], 0x0",
        "1, s[4:7], 0x0",
    )  # fmt: skip
    yield from ("-1", "0xffff", "m0", "s5, -1", "s[2:3], 0x10, s4, 3", "0x10, s4, 3", "s[4:7], 0x10, s8, 3")
    for target in ("s5", "s[6:7]", "s[8:10]", "s[8:11]", "s[8:15]", "s[16:31]"):
        yield from (f"{target}, s[2:3], 0x0", f"{target}, s[4:7], 0x0")


_DATA = ("v5", "v[6:7]", "v[8:10]", "v[8:11]")


def _lds(_: str) -> Iterator[str]:
    yield from ("", "v5", "v5, v1", "offset:0", "v1 gds", "gds", "v5, v1 gds")
    for data in _DATA[1:]:
        yield f"{data}, v1"
    for data in _DATA:
        yield from (
            f"v1, {data}",
            f"v1, {data}, {data}",
            f"{data}, v1, {data}",
            f"{data}, v1, {data}, {data}",
        )
    yield from ("v[6:7], v1, v5, v5", "v[8:11], v1, v[6:7], v[6:7]", "v5, v1, v[6:7]", "v5, v6, v1, v[8:11]")


def _addressed(address: str, base: str) -> Iterator[str]:
    for data in _DATA:
        yield from (f"{data}, {address}{base}", f"{address}, {data}{base}")
    for data, wide in (*((data, data) for data in _DATA), ("v5", "v[6:7]"), ("v[6:7]", "v[8:11]")):
        yield f"{data}, {address}, {wide}{base} glc"
        yield f"{data}, {address}, {wide}{base} th:TH_ATOMIC_RETURN"


def _global(_: str) -> Iterator[str]:
    yield from _addressed("v[2:3]", ", off")
    yield from ("v5, off", "v5, s[2:3]", "")


def _flat(_: str) -> Iterator[str]:
    yield from _addressed("v[2:3]", "")


def _scratch(_: str) -> Iterator[str]:
    yield from _addressed("v1", ", off")


def _buffer(_: str) -> Iterator[str]:
    yield ""
    for data in _DATA:
        yield from (f"{data}, off, s[8:11], s3", f"{data}, off, s[8:11], s3 glc")
    yield "off, s[8:11], s3"


CONTROLS = (
    "quad_perm:[1,0,2,3] row_mask:0xf bank_mask:0xf",
    "row_shr:1 row_mask:0xa bank_mask:0xf fi:1",
    "dpp8:[7,6,5,4,3,2,1,0]",
)


def forms(name: str, line: str) -> Iterator[str]:
    """Further spellings of an instruction: encodings, modifiers, data-parallel primitives."""
    if not line.startswith("v_") or " :: " in line:
        return
    operands = line.removeprefix(name)
    for suffix in ("_e32", "_e64"):
        yield f"{name}{suffix}{operands}"
    for tail in (" clamp", " mul:2", " div:2 clamp"):
        yield f"{name}_e64{operands}{tail}"
        yield f"{line}{tail}"
    for bits in product("01", repeat=2):
        for count in (2, 3, 4):
            listed = ",".join((bits[0], *bits[1] * (count - 1)))
            yield f"{line} op_sel:[{listed}]"
            yield f"{line} neg_lo:[{listed}]"
    for control in CONTROLS:
        yield f"{name}_dpp{operands} {control}"
        yield f"{name}_e64_dpp{operands} {control}"
        yield f"{name}_e64_dpp{operands} {control} clamp".replace(f" {control} clamp", f" clamp {control}")
    yield f"{name}_e64{operands.replace(', v1', ', -|v1|', 1).replace(', v[2:3]', ', -|v[2:3]|', 1)}"
    yield f"{name}{operands.replace(', v1', ', s1', 1)}"
    yield f"{name}{operands.replace(', v1', ', 1.0', 1).replace(', v[2:3]', ', 1.0', 1)}"
    yield f"{name}{operands.replace(', v1', ', 0x40490fdb', 1)}"
