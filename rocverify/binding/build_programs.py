"""Checks for truths that the trace of a program decides, where the truth or the settings name one."""

from __future__ import annotations

import re
from collections.abc import Callable

from rocverify.binding.build_commands import is_command
from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.reading import Reading

_UNITS = {"K": 1, "M": 2, "G": 3}
_NAMED = (
    r"(?:,?\s+(?:when|while|as|in|for|by|during|under)\s+(?:the\s+(?:run|trace)\s+of\s+|a\s+run\s+of\s+)?`(?P<run>[^`\n]+)`"
    r"(?:\s+(?:runs?|is\s+run))?)"
)


def launches(reading: Reading) -> Built:
    """ "`./engine` launches rope_kernel and softmax_kernel", with `only`: and no others."""
    line = reading.group("run")
    names = [n for n in re.findall(r"\w+", reading.group("names")) if n not in ("and", "only", "the")]
    known = {symbol for kernel in reading.subject.kernels for symbol in kernel.symbols}
    if not is_command(line):
        return Undecided(f"{line!r} may not be a command; bind program with run: [{line!r}] and kernels")
    strange = [name for name in names if name not in known]
    if strange:
        return Undecided(
            f"{', '.join(strange)} is not a kernel here; bind program with run: [{line!r}] and kernels"
        )
    params: dict[str, object] = {"run": [line], "kernels": names}
    params |= {"no_others": True} if reading.group("only") else {}
    return (Draft("program", params, "the truth names the program and what it launches"),)


def peak_memory(reading: Reading) -> Built:
    """ "Peak VRAM is at most 2 GB when `./engine` runs"."""
    unit = reading.group("unit")
    size = round(float(reading.group("number")) * (1024 if "i" in unit else 1000) ** _UNITS[unit[0].upper()])
    return _traced(reading, lambda: {"max_peak_bytes": size}, "max_peak_bytes")


def buffers_reused(reading: Reading) -> Built:
    """ "Buffers of rope_kernel are reused from call to call in `./engine`": of one kernel."""
    symbols = {s for one in reading.kernels() for s in one.symbols or one.kernel.symbols}
    if len(symbols) != 1:
        return Undecided(
            "it does not name the one kernel between whose launches nothing is allocated; "
            "bind program with run and reuses_for: KERNEL"
        )
    return _traced(reading, lambda: {"reuses_for": symbols.pop()}, "reuses_for: KERNEL")


def _traced(reading: Reading, params: Callable[[], dict[str, object]], wanted: str) -> Built:
    """A program check by the line that the truth names, else by that of the settings."""
    found = reading.take(_NAMED)
    lines = [match["run"] for match in found] or list(reading.subject.settings.program)
    if not lines or not all(map(is_command, lines)):
        return Undecided(
            "the trace of a program would decide it, and neither the truth nor the setting program names "
            f"one; bind program with run and {wanted}"
        )
    origin = "the truth names" if found else "the setting program names"
    return (Draft("program", {"run": lines, **params()}, f"{origin} {lines[-1]!r}"),)
