"""One pytest session of named tests, in a process of its own, and what it left: outcomes, launches, digests.

The process is like that of the code under verification: of rocverify only the declarations of contracts can
be imported, and it is a client of the device process, with a device of its own, so that what was launched
there was launched by the tests. It gets device, target, seed and code objects in its environment:

    ROCVERIFY_DEVICE  ROCVERIFY_TARGET  ROCVERIFY_SEED  ROCVERIFY_CACHE_DIR  and each `env` of the manifest
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify.code.files import existing_file
from rocverify.device.trace.events import Category
from rocverify.errors import CompileError, RocverifyError
from rocverify.subject.host.python_path import source_folders
from rocverify.subject.host.tests_recorder import signature
from rocverify.subject.process import DECLARATIONS, LOAD_SOURCES, PACKAGE, host_sources

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.device.emulator.coverage.executed import KernelCoverage
    from rocverify.device.process.client import RemoteDevice

_CLEARED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST")
_XDIST = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")
_BOOT = (
    "import json,os,sys,types\n"
    "r,b=int(sys.argv.pop()),int(sys.argv.pop())\n"
    "with os.fdopen(b) as f: g=json.load(f); os.ftruncate(b,0)\n"
    f"{LOAD_SOURCES}"
    "m=m['tests_recorder'].main\n"
    "del b,f,n,q,t\n"
    "m(r,**g.pop('arguments'))\n"
)
"""What it is given has the key of the record, and is emptied before anything of the project's can be
imported."""
_INI = Path(__file__).with_name("tests_pytest.ini")


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """What to run, and what of the project's own pytest the session may load."""

    nodes: tuple[str, ...]
    conftests: tuple[str, ...]
    plugins: tuple[str, ...]
    ini: str | None
    timeout_s: float


@dataclass(frozen=True, slots=True)
class TestRecord:
    """What became of one test; outcome `plugin` is a plugin of the project that was not named."""

    nodeid: str
    outcome: str
    reason: str
    asserts: int = 0


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session: its tests, pytest's exit status and output, how often each kernel was launched, the
    digests of what it loaded beside the tests, and what its launches executed."""

    tests: tuple[TestRecord, ...]
    status: int
    output: str
    launched: Mapping[str, int] = field(default_factory=dict)
    loaded: Mapping[str, str] = field(default_factory=dict)
    executed: tuple[KernelCoverage, ...] = ()


def run_tests(request: SessionRequest, ctx: CheckContext) -> SessionRecord:
    """Runs the session. Raises RocverifyError for one that exceeds its time or whose record is not its own,
    SourceError for a conftest or ini that is absent."""
    conftests = [existing_file(ctx.root, name) for name in request.conftests]
    ini = existing_file(ctx.root, request.ini) if request.ini else _INI
    named = [*request.conftests, *([request.ini] if request.ini else [])]
    loaded = {name: hashlib.sha256((ctx.root / name).read_bytes()).hexdigest() for name in named}
    with ctx.device_apart() as device:
        mark = device.mark()
        arguments = {
            "root": str(ctx.root),
            "conftests": list(map(str, conftests)),
            "folders": [str(ctx.root), *(str(ctx.root / name) for name in source_folders(ctx.root))],
            "package": str(PACKAGE),
            "declarations": DECLARATIONS,
            "arguments": _arguments(request, ctx.root, ini),
        }
        tests, status, output = _recorded(arguments, _environment(ctx, device), request, ctx.root)
        launches = (e for e in device.events(mark) if e.category is Category.LAUNCH and e.ok)
        launched = Counter(event.kernel or "an unknown kernel" for event in launches)
        executed = tuple(device.take_coverage(lines=True))
    return SessionRecord(tests, status, output, launched, loaded, executed)


def _arguments(request: SessionRequest, root: Path, ini: Path) -> list[str]:
    plugins = (*request.plugins, "no:cacheprovider")
    return [
        *("-c", str(ini), f"--rootdir={root}", f"--confcutdir={root}", "--noconftest", "-q"),
        *("-o", "enable_assertion_pass_hook=true"),
        *(part for plugin in plugins for part in ("-p", plugin)),
        *request.nodes,
    ]


def _recorded(
    arguments: dict[str, Any], environment: dict[str, str], request: SessionRequest, root: Path
) -> tuple[tuple[TestRecord, ...], int, str]:
    key = secrets.token_bytes(32)
    sources = host_sources("views", "tiled", "declarations", "assertions", "tests_recorder")
    content = json.dumps({"sources": sources, "arguments": {"key": key.hex(), **arguments}})
    with tempfile.TemporaryFile() as record, tempfile.TemporaryFile() as boot:
        boot.write(content.encode())
        boot.seek(0)
        # No module of the project's (pytest.py, sitecustomize.py) is found before the recorder is there.
        command = [sys.executable, "-P", "-c", _BOOT, str(boot.fileno()), str(record.fileno())]
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env=environment,
                pass_fds=(boot.fileno(), record.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=request.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RocverifyError(
                f"the tests did not end within {request.timeout_s:g} s",
                where=request.nodes[0],
                hint="raise timeout_s, or name fewer tests",
            ) from None
        record.seek(0)
        lines = record.read().decode("utf-8", "replace").splitlines()
    return _read(lines, key, request, done.returncode), done.returncode, done.stdout


def _read(lines: list[str], key: bytes, request: SessionRequest, status: int) -> tuple[TestRecord, ...]:
    """The signed lines. RocverifyError where one is missing, changed, or somebody else's."""
    entries = []
    for number, line in enumerate(lines):
        signed, _, text = line.partition("\t")
        if not secrets.compare_digest(signed, signature(key, number, text)):
            raise RocverifyError(
                f"line {number + 1} of the tests' record is not its recorder's", where=request.nodes[0]
            )
        entries.append(json.loads(text))
    ended = bool(entries) and "end" in entries[-1]
    if not ended and status == 0:
        raise RocverifyError(
            "the tests' process ended with exit status 0 before pytest had finished",
            where=request.nodes[0],
            hint="let no test end the process",
        )
    return tuple(TestRecord(**entry) for entry in entries if "end" not in entry)


def _environment(ctx: CheckContext, device: RemoteDevice) -> dict[str, str]:
    """This process's environment, without what steers its own pytest session, and with the run's device."""
    kept = {k: v for k, v in os.environ.items() if k not in (*_CLEARED, *_XDIST)}
    kept |= device.environment() | {
        "ROCVERIFY_DEVICE": device.kind,
        "ROCVERIFY_TARGET": ctx.target,
        "ROCVERIFY_SEED": str(ctx.seed),
        "ROCVERIFY_CACHE_DIR": str(ctx.cache_dir),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    entries = ctx.manifest.entries
    for entry, built in zip(entries, ctx.builds(entries, [ctx.target]), strict=True):
        kept.pop(entry.env, None)
        if not isinstance(built, CompileError):
            kept[entry.env] = str(built.path)
    return kept
