"""Serves the judge in the process of the code under verification: imports, calls, answers."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .blame import CONTRACTS_OWN, contracts_mistake
from .caller import Caller, parameters_of, results_of
from .connection import Connection
from .declarations import Declarations
from .imports import in_project, load_subject
from .inspection import code_of, members_of, origin_of, unwritten_methods
from .launching import checked, launch_all, milliseconds
from .methods import Later, Methods, namespace
from .tiled import is_large, little_memory

_NON_BLOCKING = 1


_CONTRACT = "rocverify.oracle.contract:ContractSpec"
_OF_THE_JUDGE = ("subject", "meant")
"""Fields of a contract that it gets from the judge."""

_prepared: list[Declarations] = []


def prepare(package: str, names: Sequence[str]) -> None:
    """Imports what contracts are declared with, before there is a project: it is out of sight afterwards."""
    declarations = Declarations(Path(package), names)
    sys.meta_path.insert(0, declarations)
    declarations.record(_CONTRACT)
    _prepared.append(declarations)


class Host:
    """One process: the project's root, the contracts and functions that were loaded. `device`: whether it may
    become a client of one. Made once, after `prepare`."""

    def __init__(self, connection: socket.socket, root: str, device: bool) -> None:
        self._root = Path(root)
        self._declarations = _prepared.pop()
        self._contracts: dict[str, Any] = {}
        later = Later()
        self._connection = Connection(connection, self._root, self._declarations, later.keep)
        self._methods = Methods(self._contracts, self._declarations, self._connection, later)
        library = sys.modules.pop(f"{__package__}.hip_library")
        self._hip_library: Any = library if device else None
        self._library: Any = None
        self._stream: Any = None
        self._device: tuple[str, int] | None = None
        self._wrappers: dict[str, Any] = {}

    def serve(self) -> None:
        """Answers until the judge ends the connection."""
        self._connection.serve(self._operation)

    def _operation(self, name: str) -> Callable[..., Any]:
        operation: Callable[..., Any] | None = getattr(self._methods, f"do_{name}", None)
        return getattr(self, f"do_{name}") if operation is None else operation

    # ---- loading

    def do_attach(self, folder: str, path: str, device: int, environment: Mapping[str, str | None]) -> None:
        """Later HIP calls of this process go to a device; the environment is changed."""
        if self._library is None:
            self._library = self._hip_library.load(Path(folder))
        code = self._library.rv_attach(path.encode(), device)
        if code:
            raise OSError(f"the HIP library cannot be attached to the device process: error {code}")
        self._device, self._stream = (path, device), None
        self._set(environment)

    def _set(self, environment: Mapping[str, str | None]) -> None:
        for name, value in environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    def _load(self, reference: str) -> Any:
        self._declarations.hide()
        return load_subject(self._root, reference, self._device)

    def do_load(self, reference: str, wrapper: str | None) -> dict[str, Any]:
        """Loads a wrapper, before it could see that a contract is there, and the contract. What the contract
        declares; its methods with the names of their parameters; where the wrapper's code stands."""
        found = None if wrapper is None else self._load(wrapper)
        try:
            spec = self._load(reference)
        finally:
            self._declarations.hide()
        contract = self._declarations.record(_CONTRACT)
        if not isinstance(spec, contract):
            return {}
        self._contracts[reference] = spec
        self._wrappers[reference] = found
        fields = {
            name: getattr(spec, name) for name in spec.__dataclass_fields__ if name not in _OF_THE_JUDGE
        }
        return {
            "fields": fields,
            **members_of(spec.subject),
            "wrapper": self._codes(found),
            "parameters": parameters_of(found),
            **self._caller(spec),
        }

    def _caller(self, spec: Any) -> dict[str, Any]:
        call = getattr(spec.subject, "call", None)
        reference = getattr(spec.subject, "reference", None)
        return {
            "call": self._codes(call),
            "reference": origin_of(reference),
            "places": self._codes(reference),
            "unwritten": unwritten_methods(spec.subject),
        }

    def _codes(self, function: Any) -> list[tuple[str, str]]:
        """File and qualified name of the Python code that a call of it runs, and of what it wraps."""
        found = (code_of(one) for one in (function, inspect.unwrap(function)) if callable(function))
        places = [(in_project(self._root, c.co_filename), c.co_qualname) for c in found if c is not None]
        return [(file, name) for file, name in dict.fromkeys(places) if file is not None]

    # ---- calls

    def do_call(
        self,
        contract: str,
        arrays: Mapping[str, Any],
        dims: Mapping[str, int],
        dtype: Any,
        visible: Mapping[str, str],
        times: int,
        on_stream: bool,
    ) -> dict[str, Any]:
        """Calls the wrapper through the contract. The arrays of the host as they are afterwards, and, if
        `times` is not 0, the milliseconds of so many calls. With `visible`, the declarations and these
        variables are in sight; `on_stream` has it be given the caller's stream."""
        function = self._contracts[contract].subject.call
        caller = Caller(self._library, self._stream if on_stream else None)
        offered = {
            "wrapper": self._wrappers[contract],
            "arrays": namespace(arrays),
            "dims": namespace(dims),
            "dtype": dtype,
            "stream": caller.stream,
        }
        asked = inspect.signature(function).parameters
        if on_stream and "stream" not in asked:
            offered["wrapper"] = caller.passing(offered["wrapper"])
        if visible:
            offered["wrapper"] = caller.noting(offered["wrapper"])
        wanted = {name: offered[name] for name in asked}
        self._declarations.hide()
        if visible:
            self._declarations.show()
            self._set(visible)
        try:
            work = partial(function, **wanted)
            with little_memory() if is_large(arrays) else contextlib.nullcontext():
                result = milliseconds(_hip(), work, times) if times else work()
        except CONTRACTS_OWN as error:
            mistake = contracts_mistake(self._root, function, error)
            if mistake is None:
                raise
            raise mistake from error
        finally:
            if visible:
                self._set(dict.fromkeys(visible))
                self._declarations.hide()
        returned = {} if times else results_of(self._contracts[contract], result)
        left = caller.goes_on({n: value for n, value in arrays.items() if isinstance(value, np.ndarray)})
        return {
            "host": {**left, **returned},
            "milliseconds": result if times else (),
            "passed": caller.passed,
        }

    def do_stream(self) -> int:
        """The stream of a caller that has one of its own; the default stream does not wait for it."""
        if self._stream is None:
            self._stream = checked(_hip().hipStreamCreateWithFlags(_NON_BLOCKING))
        return int(self._stream)

    def _finish(self) -> None:
        """Waits for the device."""
        code = 0 if self._library is None else self._library.rv_finish()
        if code:
            raise OSError(f"work that was queued has failed: error {code}")

    def do_launches(
        self, contract: str, arrays: Mapping[str, Any], dims: Mapping[str, int], dtype: Any
    ) -> list[Any]:
        """The launches that a contract without wrapper asks for."""
        self._declarations.show()
        try:
            return list(self._contracts[contract].launches(arrays, dims, dtype))
        finally:
            self._declarations.hide()

    def do_launch(self, image: bytes, launches: Sequence[Any]) -> None:
        """Loads a code object, makes launches one after another, waits for the last, unloads."""
        launch_all(_hip(), image, launches)

    def do_import(self, reference: str) -> None:
        """Imports something."""
        self._load(reference)

    def do_enter(self, reference: str, arguments: Mapping[str, Any]) -> None:
        """Calls a function or a method with values that a plan writes down."""
        function = self._load(reference)
        made = {name: self._made(value) for name, value in arguments.items()}
        function(**made)
        self._finish()

    def _made(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._made(one) for one in value]
        if not isinstance(value, dict):
            return value
        given = {name: self._made(one) for name, one in (value.get("with") or {}).items()}
        return self._load(str(value["make"]))(**given)


def _hip() -> Any:
    return importlib.import_module("rocm.bindings.hip")
