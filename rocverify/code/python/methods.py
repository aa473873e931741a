"""Methods of the host sources by name, and which of them override which."""

from __future__ import annotations

from collections.abc import Iterator

from rocverify.code.python.model import ClassInfo, FunctionInfo
from rocverify.code.python.resolve import Resolver


class Methods:
    """All methods that a resolver's table has in host sources."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._named: dict[str, tuple[FunctionInfo, ...]] | None = None

    def named(self, name: str) -> tuple[FunctionInfo, ...]:
        """Every method of that name in the host sources."""
        if self._named is None:
            table: dict[str, list[FunctionInfo]] = {}
            for module in self._resolver.table.host():
                for info in module.functions:
                    if info.owner is not None:
                        table.setdefault(info.name, []).append(info)
            self._named = {key: tuple(value) for key, value in table.items()}
        return self._named.get(name, ())

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
