"""setuptools' build backend; a wheel needs more to build than an editable installation.

pyproject.toml names what both need. The emulator's runtime is made for a wheel alone, and takes LLVM.
"""

from __future__ import annotations

from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """What makes the runtime's bitcode, too."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), "llvmlite>=0.50", "zstandard>=0.23"]
