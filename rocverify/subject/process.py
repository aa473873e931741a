"""The processes in which code under verification runs, as the judge starts and asks them.

A process gets the sources of `host` over the connection and nothing else of rocverify: no file of the judge
is open there, no module of it imported, no frame of it on the stack.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import json
import os
import signal
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rocverify.device.process import hip_library
from rocverify.errors import (
    ContractError,
    MissingModuleError,
    RocverifyError,
    SourceError,
    SubjectError,
    TimeLimitError,
    UsageError,
)
from rocverify.store import forking
from rocverify.store.fork_server import ForkedProcess, ForkServers
from rocverify.subject import host
from rocverify.subject.host.codec import Channel, Codec, CodecError

PACKAGE = Path(__file__).resolve().parents[1]
DECLARATIONS = (
    "rocverify",
    "rocverify.errors",
    "rocverify.oracle",
    "rocverify.oracle.arrays",
    "rocverify.oracle.contract",
    "rocverify.oracle.declared",
    "rocverify.oracle.dims",
    "rocverify.oracle.dtypes",
    "rocverify.oracle.inputs",
    "rocverify.oracle.tiled",
    "rocverify.oracle.views",
    "rocverify.references",
    "rocverify.references.elementwise",
    "rocverify.references.products",
    "rocverify.references.quantised",
    "rocverify.references.reductions",
    "rocverify.references.rotary",
    "rocverify.references.rows",
)
"""What contracts may import."""

MOST_OUTPUT = 64 << 20
_SHOWN_OUTPUT = 1 << 16
_END_S = 5.0

LOAD_SOURCES = (
    "m={}\n"
    "for n,t in g['sources']:\n"
    " q=m[n]=types.ModuleType('_host.'+n if n else '_host')\n"
    " q.__path__=[]\n"
    " q.__package__='_host'\n"
    " sys.modules[q.__name__]=q\n"
    " exec(compile(t,'<string>','exec'),q.__dict__)\n"
)
"""Makes modules `m`, by name, of the texts `g['sources']` (see `host_sources`): none is on disk."""

_BOOT = (
    "import json,os,socket,sys,types\n"
    "s=socket.socket(fileno=int(sys.argv.pop()))\n"
    "with os.fdopen(int(sys.argv.pop())) as f: g=json.load(f)\n"
    f"{LOAD_SOURCES}"
    "m['serve'].prepare(*g['arguments'])\n"
    "r=m['forking'].serve(s)\n"
    "if r is None: sys.exit()\n"
    "h=m['serve'].Host(socket.socket(fileno=r.files[0]),*r.arguments)\n"
    "del f,g,m,n,q,r,s,t\n"
    "h.serve()\n"
)

_OWN = {kind.__name__: kind for kind in (ContractError, MissingModuleError, SourceError, UsageError)}


def host_sources(*names: str) -> list[tuple[str, str]]:
    """The package of what runs beside code under verification, and modules of it: name and text, in the order
    in which they need each other."""
    folder = Path(host.__file__).parent
    files = {"": folder / "__init__.py", **{name: folder / f"{name}.py" for name in names}}
    return [(name, path.read_text(encoding="utf-8")) for name, path in files.items()]


def record(name: str) -> Any:
    """The dataclass or enumeration of a contract's declarations that `module:name` stands for. ValueError for
    any other."""
    module, _, attribute = name.partition(":")
    found = None if module not in DECLARATIONS else getattr(importlib.import_module(module), attribute, None)
    is_record = isinstance(found, type) and (
        dataclasses.is_dataclass(found) or issubclass(found, enum.Enum) or hasattr(found, "restricted")
    )
    if not is_record:
        raise ValueError(f"{name} is not a record of a contract")
    return found


def _content() -> bytes:
    sources = host_sources(
        *("views", "tiled", "codec", "python_path", "missing", "imports", "inspection", "launching"),
        *("declarations", "connection", "caller", "methods", "blame"),
    )
    for module in (hip_library, forking):
        sources.append((module.__name__.rpartition(".")[2], inspect.getsource(module)))
    sources += host_sources("serve")[1:]
    return json.dumps({"sources": sources, "arguments": [str(PACKAGE), DECLARATIONS]}).encode()


SERVERS = ForkServers(lambda: ("-P", "-c", _BOOT), _content)
"""Where the processes come from. They have imported what they need, and nothing of any project."""


class HostProcess:
    """A process that has a project's code. It starts at the first `ask`, or with `start`, and anew after it
    has ended; `started` is called then. `device`: whether it may become a client of a device. `timeout_s` is
    how long one answer may take."""

    def __init__(self, root: Path, *, device: bool, timeout_s: float) -> None:
        self._root, self._device, self.timeout_s = root, device, timeout_s
        self.started: Callable[[], None] = lambda: None
        self._process: ForkedProcess | None = None
        self._channel: Channel | None = None
        self._output = _Output(self._flooded)
        self._too_much = False
        self._end: Any = None
        self._lock = threading.RLock()

    @property
    def pid(self) -> int:
        """The process's number; it is started where there is none."""
        self.start()
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts the process, if there is none."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            self.close()
            self._too_much = False
            ours, theirs = socket.socketpair()
            output, their_output = os.pipe()
            with theirs, os.fdopen(their_output, "wb"):
                self._process = SERVERS.fork(
                    [str(self._root), self._device],
                    environment=host_environment(),
                    output=(their_output, their_output),
                    files=(theirs.fileno(),),
                )
            self._output.follow(output)
            self._end = weakref.finalize(self, _end, self._process, ours)
            self._channel = Channel(ours, Codec(record))
        self.started()

    def ask(self, operation: str, *, about: str, **arguments: Any) -> Any:
        """One operation of `host.serve.Host`. Raises what `raised` makes of what it raised; SubjectError
        where the process ends meanwhile, TimeLimitError where it takes too long. `about` is called."""
        with self._lock:
            self.start()
            assert self._channel is not None
            until = time.monotonic() + self.timeout_s
            if self._channel.socket.gettimeout() != self.timeout_s:
                self._channel.socket.settimeout(self.timeout_s)
            try:
                self._channel.send((operation, arguments), until=until)
                answer = self._channel.receive(until=until)
                ok, result = answer
            except TimeoutError:
                self.close()
                raise TimeLimitError(
                    f"did not return within {self.timeout_s:g} s",
                    where=about,
                    hint="the call hangs or is slow; raise call_timeout_s in the settings",
                ) from None
            except (EOFError, OSError):
                raise self._ended(about) from None
            except (CodecError, TypeError, ValueError) as error:
                self.close()
                raise SubjectError(
                    f"its process wrote into the judge's connection: {error}",
                    kind="ConnectionBroken",
                    where=about,
                    hint="code under verification must leave file descriptors alone that it has not opened",
                ) from None
            finally:
                self._output.show()
        if not ok:
            raise raised(result, about)
        return result

    def _ended(self, about: str) -> SubjectError:
        assert self._process is not None
        process = self._process
        try:
            code = process.wait(_END_S)
        except TimeoutError:
            how = "closed its connection to the judge"
        else:
            how = _how(code)
        if self._too_much:
            how = f"wrote more than {MOST_OUTPUT >> 20} MiB to its standard output and was ended"
        self.close()
        last = self._output.last()
        return SubjectError(
            f"the call {how}{f'; its last words: {last}' if last else ''}",
            kind="ProcessEnded",
            where=about,
            hint="a function returns to its caller, or raises an exception",
        )

    def _flooded(self) -> None:
        self._too_much = True
        process = self._process
        if process is not None:
            process.kill()

    def interrupt(self) -> None:
        """Ends the process under an `ask` of another thread, which raises SubjectError."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Ends the process, if there is one."""
        with self._lock:
            if self._end is not None:
                self._end()
            self._process = self._channel = self._end = None


def _end(process: ForkedProcess, connection: socket.socket) -> None:
    connection.close()
    process.kill(group=True)
    process.wait()
    process.let_go()


def _how(code: int) -> str:
    if code >= 0:
        return f"ended its process with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"


class _Output:
    """What a process writes; the last of it is kept, and shown with what the judge itself writes."""

    def __init__(self, flooded: Callable[[], None]) -> None:
        self._flooded = flooded
        self._lock = threading.Lock()
        self._kept, self._shown = bytearray(), bytearray()

    def follow(self, output: int) -> None:
        """Reads a pipe on a thread until nobody writes to it any more."""
        self._kept.clear()
        threading.Thread(target=self._read, args=(output,), name="output", daemon=True).start()

    def _read(self, output: int) -> None:
        total = 0
        with os.fdopen(output, "rb", buffering=0) as pipe:
            while part := os.read(pipe.fileno(), 1 << 16):
                total += len(part)
                with self._lock:
                    self._kept += part
                    self._shown += part
                    del self._kept[:-_SHOWN_OUTPUT], self._shown[:-_SHOWN_OUTPUT]
                if total > MOST_OUTPUT:
                    self._flooded()
                    return

    def show(self) -> None:
        """Writes what is new to standard output."""
        with self._lock:
            text, self._shown = bytes(self._shown), bytearray()
        if text:
            sys.stdout.write(text.decode("utf-8", "replace"))

    def last(self) -> str:
        """The last line."""
        with self._lock:
            lines = self._kept.decode("utf-8", "replace").split("\n")
        return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


def host_environment() -> dict[str, str]:
    """The judge's, without what would tell of it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROCVERIFY_")}


def raised(told: Mapping[str, Any], about: str) -> RocverifyError:
    """The error for what a process says that it raised."""
    own = _OWN.get(str(told.get("own", "")))
    where = told.get("where") or about
    if own is not None:
        return own(str(told["message"]), where=str(where), hint=told.get("hint"))
    kind = str(told.get("kind") or told.get("own"))
    return SubjectError(f"raised {kind}: {told['message']}", kind=kind, where=str(where))
