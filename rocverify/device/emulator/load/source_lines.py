"""The user's own source line of an instruction: the compiler's line is often one of HIP's headers, since
__syncthreads(), atomics and the like are inline functions there."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rocverify.errors import CodeObjectError, ToolchainError
from rocverify.store.tools import run_tool
from rocverify.toolchain.dwarf_lines import LineTable

TIMEOUT_S = 60
_HEADER = re.compile(r"(^|/)(hip|amd_detail|clang/\d[^/]*)/")


def user_lines(code_object: bytes, objdump: Path | None, addresses: Iterable[int]) -> dict[int, str]:
    """`file:line` by virtual address, as far as line tables tell: of the innermost inlined call that is
    none of HIP's or the compiler's; of the innermost one where no llvm-symbolizer lies beside `objdump`.

    Raises CodeObjectError if the symbolizer rejects the bytes.
    """
    wanted = sorted(set(addresses))
    symbolizer = None if objdump is None else objdump.with_name(objdump.name.replace("objdump", "symbolizer"))
    if not wanted:
        return {}
    if symbolizer is None or symbolizer == objdump or not symbolizer.exists():
        table = LineTable(code_object)
        return {address: line for address in wanted if (line := table.at(address)) is not None}
    with tempfile.NamedTemporaryFile(suffix=".co") as file:
        file.write(code_object)
        file.flush()
        command = [str(symbolizer), f"--obj={file.name}", "--inlines", "--output-style=JSON"]
        try:
            done = run_tool([*command, *(hex(address) for address in wanted)], timeout_s=TIMEOUT_S)
        except ToolchainError as error:
            raise CodeObjectError(f"{symbolizer.name} {error.message}") from None
    if done.returncode:
        raise CodeObjectError(f"{symbolizer.name} cannot read it: {done.log.strip()}")
    lines = {}
    for entry in json.loads(done.output):
        line = _line(entry.get("Symbol", []))
        if line is not None:
            lines[int(entry["Address"], 16)] = line
    return lines


def is_header_line(line: str) -> bool:
    """Whether a `file:line` is of HIP's or the compiler's headers."""
    return _HEADER.search(line) is not None


def _line(frames: list[dict[str, object]]) -> str | None:
    """Of frames that go from the innermost outwards."""
    known = [frame for frame in frames if frame.get("FileName") and frame.get("Line")]
    own = [frame for frame in known if not _HEADER.search(str(frame["FileName"]))]
    chosen = next(iter(own or known), None)
    return None if chosen is None else f"{chosen['FileName']}:{chosen['Line']}"
