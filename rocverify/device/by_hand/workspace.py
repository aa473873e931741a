"""Where kernels are run by hand: the settings of the project around the working folder, a cache, a
toolchain."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.errors import CompilerNotFoundError
from rocverify.roots import nearest_root
from rocverify.settings import Settings, load_settings

if TYPE_CHECKING:
    from rocverify.toolchain.discover import Toolchain


@dataclass(frozen=True)
class Workspace:
    """`root` is None outside any project; the cache then is the user's. `cache_dir` is None where neither can
    be written to."""

    settings: Settings
    root: Path | None
    cache_dir: Path | None

    @classmethod
    def here(cls) -> Workspace:
        """Around the working folder. Raises UsageError for settings that are wrong."""
        root = nearest_root(Path.cwd())
        if root is None:
            base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
            return cls(Settings(), None, _writable(Path(base) / "rocverify"))
        return cls.of(root, load_settings(root))

    @classmethod
    def of(cls, root: Path, settings: Settings, *, keep: bool = True) -> Workspace:
        """Around a project's root. keep: whether its cache may be written to."""
        return cls(settings, root, _writable(root / settings.cache_dir) if keep else None)

    @cached_property
    def toolchain(self) -> Toolchain:
        """Raises CompilerNotFoundError where there is none."""
        from rocverify.toolchain.discover import Toolchain

        return Toolchain.discover(self.settings)

    @cached_property
    def installed(self) -> Toolchain | None:
        """The toolchain, if there is one: what is compiled already needs none."""
        try:
            return self.toolchain
        except CompilerNotFoundError:
            return None

    @property
    def objdump(self) -> Path | None:
        """The disassembler of the toolchain, if there is one."""
        return None if self.installed is None else self.installed.objdump

    @property
    def clang(self) -> Path | None:
        """The compiler for C of the toolchain, if there is one."""
        return None if self.installed is None else self.installed.clang

    @property
    def demangler(self) -> Path | None:
        """What tells how a name is written in the source, if it is there."""
        return None if self.installed is None else self.installed.demangler


def _writable(folder: Path) -> Path | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
