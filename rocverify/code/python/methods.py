"""Methods of the host sources by name, and which of them override which."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from rocverify.code.python.model import ClassInfo, FunctionInfo
from rocverify.code.python.resolve import Resolver


class Methods:
    """All methods that a resolver's table has in host sources."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._named: dict[str, tuple[FunctionInfo, ...]] = {}

    def named(self, name: str) -> tuple[FunctionInfo, ...]:
        """Every method of that name in the host sources."""
        if name not in self._named:
            modules = map(self._resolver.table.by_path, self._paths.get(name, ()))
            functions = (info for module in modules for info in module.functions)
            self._named[name] = tuple(i for i in functions if i.owner is not None and i.name == name)
        return self._named[name]

    @cached_property
    def _paths(self) -> dict[str, dict[str, None]]:
        """The host sources that have methods of a name."""
        found: dict[str, dict[str, None]] = {}
        for unit in self._resolver.table.host:
            for function in unit.functions:
                if function.owner:
                    found.setdefault(function.name, {})[unit.path] = None
        return found

    def overrides(self, info: FunctionInfo) -> Iterator[FunctionInfo]:
        """Methods of the host sources that override this one in a subclass."""
        if info.owner is None:
            return
        for other in self.named(info.name):
            if other != info and any(
                k.qualname == info.owner and k.module == info.module
                for k in self._resolver.lineage(self._owner(other))
            ):
                yield other

    def _owner(self, info: FunctionInfo) -> ClassInfo:
        klass = (self._resolver.scope_of(info).parent or self._resolver.scope_of(info)).klass
        assert klass is not None, "the scope around a method is its class's"
        return klass
