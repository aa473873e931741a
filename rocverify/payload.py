"""What travels on a pytest report: JSON text, so that xdist carries it and JUnit can show it.

Check authors hand over whatever they saw. Here it becomes plain JSON data, exactly once: no NaN, no
NumPy scalars, no terminal escapes, no lone surrogates, and no path of this machine's checkout (a
report is committed and read elsewhere).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def clean_text(text: str, root: Path | None = None) -> str:
    """Text without terminal escapes and control characters, with paths under `root` made relative."""
    if text.isascii() and text.isprintable():  # most texts have nothing to clean
        return text if root is None else relative_paths(text, root)
    text = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if root is None else relative_paths(text, root)


def relative_paths(text: str, root: Path) -> str:
    """Every mention of a path under `root` becomes relative to it; the root itself becomes `.`."""
    base = str(root).rstrip("/")
    if not base or base not in text:
        return text
    within = re.compile(rf"(?<![\w.-]){re.escape(base)}(/(?=[\w.])|(?![\w.-]))")
    return within.sub(lambda match: "" if match.group(1) else ".", text)


def jsonable(value: Any, root: Path | None = None) -> Any:
    """`value` as JSON data: what JSON lacks becomes the nearest thing it has, or its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return jsonable(value.value, root)
    if isinstance(value, str | Path):
        return clean_text(str(value), root)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return _container(value, root)


def _container(value: Any, root: Path | None) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {clean_text(str(k), root): jsonable(v, root) for k, v in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if hasattr(value, "tolist"):  # NumPy arrays and scalars, without importing NumPy to ask
        return jsonable(value.tolist(), root)
    if isinstance(value, set | frozenset):
        return sorted((jsonable(v, root) for v in value), key=str)
    if isinstance(value, Iterable):
        return [jsonable(v, root) for v in value]
    return clean_text(str(value), root)
