"""What of rocverify code under verification may import: what contracts declare themselves with."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from .tiled import Tiled
from .views import DeviceView


class Declarations:
    """What of rocverify a contract may import: its declarations, and nothing of the judge.

    While code under verification is called, `sys.modules` shows none of it, as where it is not installed.
    """

    def __init__(self, package: Path, names: Sequence[str]) -> None:
        self.package, self._package_name, self._names = package, package.name, frozenset(names)
        self._kept: dict[str, ModuleType] = {
            f"{package.name}.oracle.views": sys.modules[DeviceView.__module__],
            f"{package.name}.oracle.tiled": sys.modules[Tiled.__module__],
        }

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """Part of Python's import protocol."""
        if name.partition(".")[0] != self.package.name:
            return None
        if name not in self._names:
            raise ModuleNotFoundError(
                f"{name} belongs to the judge: contracts may import {', '.join(sorted(self._names))}",
                name=name,
            )
        if name in self._kept:
            loader: Any = _Again(self._kept[name])
            return importlib.util.spec_from_loader(name, loader)
        parts = name.split(".")[1:]
        file = self.package.joinpath(*parts)
        if (file / "__init__.py").is_file():
            places = [str(file)]
            return importlib.util.spec_from_file_location(
                name, file / "__init__.py", submodule_search_locations=places
            )
        return importlib.util.spec_from_file_location(name, file.with_suffix(".py"))

    def hide(self) -> None:
        """Takes the declarations out of sight."""
        own = self._package_name
        for name in [n for n in sys.modules if n.startswith(own) and n.partition(".")[0] == own]:
            self._kept.setdefault(name, sys.modules.pop(name))
            sys.modules.pop(name, None)

    def show(self) -> None:
        """Puts them back."""
        sys.modules.update(self._kept)

    def record(self, name: str) -> Any:
        """The dataclass or enumeration that `module:name` stands for."""
        module, _, attribute = name.partition(":")
        if module not in self._names:
            raise ValueError(f"{name} is not a record of a contract")
        self.show()
        try:
            return getattr(importlib.import_module(module), attribute)
        finally:
            self.hide()


class _Again:
    """Gives a module that was imported before."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, _spec: object) -> ModuleType:
        return self._module

    def exec_module(self, _module: ModuleType) -> None:
        """It has been executed."""
