"""What the analysis knows of functions that are not the project's."""

from __future__ import annotations

FIRST_ARGUMENT = frozenset(
    {
        "functools.partial",
        "functools.cache",
        "functools.lru_cache",
        "functools.update_wrapper",
        "contextlib.contextmanager",
        "contextlib.closing",
        "contextlib.nullcontext",
        "copy.copy",
        "copy.deepcopy",
        "builtins.staticmethod",
        "builtins.classmethod",
        "types.MethodType",
        "types.MappingProxyType",
        "builtins.tuple",
        "builtins.list",
        "builtins.dict",
        "builtins.set",
        "builtins.frozenset",
        "builtins.iter",
        "builtins.reversed",
        "builtins.sorted",
        "builtins.next",
        "atexit.register",
    }
)
"""Calls whose value is, for our purpose, their first argument."""

_INSPECTING = (
    *("print", "repr", "str", "ascii", "format", "id", "type", "isinstance", "issubclass", "len", "hash"),
    *("callable", "vars", "dir", "getattr", "hasattr", "setattr", "list", "tuple", "set", "frozenset"),
    *("dict", "bool", "staticmethod", "classmethod", "property"),
)
NEVER_CALL = frozenset(
    {
        *(f"builtins.{name}" for name in _INSPECTING),
        "functools.partial",
        "functools.wraps",
        "functools.update_wrapper",
        "inspect.signature",
        "typing.cast",
    }
)
"""Callees that do not call what they are given."""
