"""The project under verification, as the judge calls it: a process for host code, one for references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from rocverify.errors import TimeLimitError
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.dtypes import DType
from rocverify.subject.contracts import remote_contract
from rocverify.subject.process import HostProcess

if TYPE_CHECKING:
    from rocverify.device.process.client import RemoteDevice

Hosts = Mapping[str, NDArray[Any]]

SIGNS = {"ROCVERIFY_DEVICE": "emulator"}
"""Variables that a call has which is to see that it is verified."""


class Subject:
    """A project's code, in processes of its own. They start when something is asked for, or with `start`.

    What a call raises is raised as SubjectError; so is its end in the middle of a call.
    """

    def __init__(self, root: Path, *, timeout_s: float) -> None:
        self._host = HostProcess(root, device=True, timeout_s=timeout_s)
        self._references = HostProcess(root, device=False, timeout_s=timeout_s)
        self._host.started = self._forget
        self._device: tuple[RemoteDevice, dict[str, str | None]] | None = None
        self._attached: object = None
        self._loaded: set[str] = set()
        self._passed: dict[str, set[str]] = {}
        self._waiting: dict[str, str] = {}

    def start(self) -> None:
        """Starts the processes, so that they are there when they are needed."""
        self._references.start()
        self._host.start()

    def interrupt(self) -> None:
        """Ends what the references compute now: whoever waits for it is told that the process has ended."""
        self._references.interrupt()

    def close(self) -> None:
        """Ends the processes."""
        self._host.close()
        self._references.close()

    def _forget(self) -> None:
        self._attached = None
        self._loaded.clear()

    @property
    def pid(self) -> int:
        """The process that is a client of the device."""
        return self._host.pid

    @contextmanager
    def attached(self, device: RemoteDevice, environment: Mapping[str, str | None]) -> Iterator[None]:
        """Calls reach a device, for a block; variables are set, or taken away where their value is None."""
        before, self._device = self._device, (device, dict(environment))
        try:
            yield
        finally:
            self._device = before

    def _ready(self) -> None:
        """The host's process is there and a client of the device. What it had loaded is of another one."""
        assert self._device is not None
        device, environment = self._device
        self._host.start()
        path, index = device.process.path, device.index
        wanted = path, index, environment
        if self._attached == wanted:
            return
        from rocverify.device.library_build import hip_library_folder

        about = "the process of the code under verification"
        folder = str(hip_library_folder())
        self._host.ask("attach", about=about, folder=folder, path=path, device=index, environment=environment)
        self._attached = wanted
        self._loaded.clear()

    def contract(self, reference: str) -> ContractSpec:
        """The contract that `module:Name` names, and its wrapper, as they stand now. Raises ContractError,
        SourceError where something cannot be imported, and SubjectError."""
        spec = remote_contract(self._references, reference)
        told = self._load(reference, spec.wrapper)
        origin = replace(
            spec.subject.origin,
            wrapper=tuple(told["wrapper"]),
            passes_stream="stream" in told["methods"].get("call", ()),
            takes_stream="stream" in told["parameters"],
            optional=tuple(name for name, optional in told["parameters"].items() if optional),
        )
        spec.subject.origin = origin
        return spec

    def _load(self, reference: str, wrapper: str | None) -> Any:
        self._ready()
        told = self._host.ask("load", about=wrapper or reference, reference=reference, wrapper=wrapper)
        self._loaded.add(reference)
        return told

    def _loaded_one(self, spec: ContractSpec) -> str:
        """The name of a contract, which the host's process has loaded."""
        self._ready()
        reference = str(spec.subject.reference_name)
        if reference not in self._loaded:
            self._load(reference, spec.wrapper)
        return reference

    def ready(self) -> int:
        """Sees to it that something can be called; the process that will call it."""
        self._ready()
        return self.pid

    def prepare_call(self, spec: ContractSpec, *, on_stream: bool = False) -> tuple[int, int]:
        """Sees to it that a call of the contract can be made: the process that will make it, and the stream
        that it will pass, 0 for none."""
        self._loaded_one(spec)
        if not on_stream:
            return self.pid, 0
        return self.pid, int(self._host.ask("stream", about=spec.wrapper or spec.where))

    def call(
        self,
        spec: ContractSpec,
        arrays: Mapping[str, Any],
        dims: Mapping[str, int],
        dtype: DType,
        *,
        visible: bool = False,
        on_stream: bool = False,
    ) -> Hosts:
        """Calls the wrapper through its contract and waits for the device: the arrays of the host as they are
        when it returns. visible: the code can see that it is verified. on_stream: the caller has a stream of
        its own, and passes it."""
        return self._called(spec, arrays, dims, dtype, visible=visible, on_stream=on_stream)[0]

    def timed(
        self, spec: ContractSpec, arrays: Mapping[str, Any], dims: Mapping[str, int], dtype: DType, times: int
    ) -> Sequence[float]:
        """Milliseconds of device time of so many calls, by events on the default stream."""
        return self._called(spec, arrays, dims, dtype, times=times)[1]

    def _called(
        self,
        spec: ContractSpec,
        arrays: Mapping[str, Any],
        dims: Mapping[str, int],
        dtype: DType,
        *,
        visible: bool = False,
        on_stream: bool = False,
        times: int = 0,
    ) -> tuple[Hosts, Sequence[float]]:
        told = self._host.ask(
            "call",
            about=spec.wrapper or spec.where,
            contract=self._loaded_one(spec),
            arrays=arrays,
            dims=dims,
            dtype=dtype,
            visible=SIGNS if visible else {},
            times=times,
            on_stream=on_stream,
        )
        self._passed.setdefault(spec.where, set()).update(told["passed"])
        return told["host"], told["milliseconds"]

    def passed(self, spec: ContractSpec) -> frozenset[str]:
        """The parameters that the contract's calls have passed to its wrapper, as far as calls that may see
        the judge have told."""
        return frozenset(self._passed.get(spec.where, ()))

    def waits_for_its_kernel(self, spec: ContractSpec, error: TimeLimitError) -> None:
        """A call without its kernel has not returned: no other needs to be waited for."""
        self._waiting[spec.where] = error.message

    def expect_return(self, spec: ContractSpec) -> None:
        """TimeLimitError where a call without its kernel is known not to return."""
        if spec.where in self._waiting:
            raise TimeLimitError(self._waiting[spec.where], where=spec.wrapper or spec.where)

    def launches(
        self, spec: ContractSpec, arrays: Mapping[str, Any], dims: Mapping[str, int], dtype: DType
    ) -> Sequence[Any]:
        """What a contract without wrapper asks to be launched."""
        contract = self._loaded_one(spec)
        found: Sequence[Any] = self._host.ask(
            "launches", about=spec.where, contract=contract, arrays=arrays, dims=dims, dtype=dtype
        )
        return found

    def launch(self, where: str, image: bytes, launches: Sequence[tuple[Any, ...]]) -> None:
        """Makes launches from a code object: symbol, grid, block, bytes of LDS, arguments, variables."""
        self._ready()
        self._host.ask("launch", about=where, image=image, launches=list(launches))

    def enter(self, reference: str, arguments: Mapping[str, Any]) -> None:
        """Calls a function with values that a plan writes down: plain ones, arrays in device memory, and
        {make: module:Name, with: {...}}."""
        self._ready()
        self._host.ask("enter", about=reference, reference=reference, arguments=arguments)

    def load(self, reference: str) -> None:
        """Sees to it that something can be imported: SourceError, UsageError or SubjectError if not."""
        self._ready()
        self._host.ask("import", about=reference, reference=reference)
