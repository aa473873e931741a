"""What the judge is told of a project's functions and contracts: where their code stands, what they take."""

from __future__ import annotations

import dis
import inspect
from functools import partial
from types import CodeType
from typing import Any


def members_of(contract: Any) -> dict[str, Any]:
    """The methods of a contract with the names of their parameters, and the data beside them."""
    methods, data = {}, {}
    for name in dir(contract):
        value = None if name.startswith("_") else getattr(contract, name)
        if value is None or isinstance(value, type):
            continue
        if inspect.isroutine(value):
            try:
                methods[name] = list(inspect.signature(value).parameters)
            except ValueError:  # of compiled code that does not tell: it is none of a contract's
                continue
        elif isinstance(value, str | int | float | tuple):
            data[name] = value
    return {"methods": methods, "data": {n: v for n, v in data.items() if n in ("finite",)}}


def unwritten_methods(contract: Any) -> dict[str, int]:
    """The methods of a contract that can only raise NotImplementedError, with their lines: what a contract is
    begun with, and nobody has written yet."""
    found: dict[str, int] = {}
    for name in ("reference", "magnitude", "wrong", "launch", "call"):
        code = code_of(getattr(contract, name, None))
        steps = list(dis.get_instructions(code)) if code is not None else []
        used = {one.argval for one in steps if one.opname.startswith("LOAD_GLOBAL")}
        if code is not None and used == {"NotImplementedError"}:
            returns = any(one.opname.startswith("RETURN_") for one in steps)
            found |= {} if returns else {name: code.co_firstlineno}
    return found


def code_of(function: Any) -> CodeType | None:
    """The Python code that a call runs; None where there is none."""
    while isinstance(function, partial):
        function = function.func
    for one in (function, getattr(function, "__func__", None), type(function).__call__):
        code = getattr(one, "__code__", None)
        if isinstance(code, CodeType):
            return code
    return None


def origin_of(function: Any) -> str:
    """The module that a function comes from."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__module__", None) or type(function).__module__)
