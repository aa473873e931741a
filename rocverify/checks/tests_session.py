"""One pytest session of named tests, in a process of its own, and what it left: outcomes, launches, digests.

The process gets the run's device, target, seed and code objects in its environment, and is a client of the
run's device process:

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
from typing import TYPE_CHECKING

from rocverify.checks import tests_recorder
from rocverify.code.files import existing_file
from rocverify.device.trace.events import Category
from rocverify.errors import CompileError, RocverifyError

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_CLEARED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_CURRENT_TEST")
_XDIST = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")
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
    """A session: its tests, pytest's exit status and output, how often each kernel was launched, and the
    digests of what it loaded beside the tests."""

    tests: tuple[TestRecord, ...]
    status: int
    output: str
    launched: Mapping[str, int] = field(default_factory=dict)
    loaded: Mapping[str, str] = field(default_factory=dict)


def run_tests(request: SessionRequest, ctx: CheckContext) -> SessionRecord:
    """Runs the session. Raises RocverifyError for one that exceeds its time or whose record is not its own,
    SourceError for a conftest or ini that is absent."""
    conftests = [existing_file(ctx.root, name) for name in request.conftests]
    ini = existing_file(ctx.root, request.ini) if request.ini else _INI
    named = [*request.conftests, *([request.ini] if request.ini else [])]
    loaded = {name: hashlib.sha256((ctx.root / name).read_bytes()).hexdigest() for name in named}
    mark = ctx.device.mark()
    environment = _environment(ctx) | {
        tests_recorder.CONFTESTS: os.pathsep.join(map(str, conftests)),
        tests_recorder.ROOT: str(ctx.root),
    }
    tests, status, output = _recorded(_command(request, ctx.root, ini), environment, request, ctx.root)
    launches = (e for e in ctx.device.events(mark, forget=True) if e.category is Category.LAUNCH and e.ok)
    launched = Counter(event.kernel or "an unknown kernel" for event in launches)
    return SessionRecord(tests, status, output, launched, loaded)


def _command(request: SessionRequest, root: Path, ini: Path) -> list[str]:
    plugins = ("rocverify.runner.plugin", *request.plugins, "no:cacheprovider")
    return [
        # No module of the project's (pytest.py, sitecustomize.py) is found before the channel is taken.
        *(sys.executable, "-P", "-c", f"from {tests_recorder.__name__} import main; main()"),
        *("-c", str(ini), f"--rootdir={root}", f"--confcutdir={root}", "--noconftest", "-q"),
        *(part for plugin in plugins for part in ("-p", plugin)),
        *request.nodes,
    ]


def _recorded(
    command: list[str], environment: dict[str, str], request: SessionRequest, root: Path
) -> tuple[tuple[TestRecord, ...], int, str]:
    key = secrets.token_bytes(32)
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as record, os.fdopen(reading, "rb") as source:
        os.write(writing, key)
        os.close(writing)
        channel = f"{source.fileno()},{record.fileno()}"
        try:
            done = subprocess.run(
                command,
                cwd=root,
                env=environment | {tests_recorder.CHANNEL: channel},
                pass_fds=(source.fileno(), record.fileno()),
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
        if not secrets.compare_digest(signed, tests_recorder.signature(key, number, text)):
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


def _environment(ctx: CheckContext) -> dict[str, str]:
    """This process's environment, without what steers its own pytest session, and with the run's device."""
    kept = {k: v for k, v in os.environ.items() if k not in (*_CLEARED, *_XDIST)}
    package = str(Path(__file__).resolve().parents[2])
    folders = filter(None, (package, os.environ.get("PYTHONPATH")))
    kept |= ctx.device.environment() | {
        "ROCVERIFY_DEVICE": ctx.device.kind,
        "ROCVERIFY_TARGET": ctx.target,
        "ROCVERIFY_SEED": str(ctx.seed),
        "ROCVERIFY_CACHE_DIR": str(ctx.cache_dir),
        "PYTHONPATH": os.pathsep.join(folders),
        tests_recorder.FOLDERS: os.pathsep.join((str(ctx.root), str(ctx.root / "src"))),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    entries = ctx.manifest.entries
    for entry, built in zip(entries, ctx.builds(entries, [ctx.target]), strict=True):
        kept.pop(entry.env, None)
        if not isinstance(built, CompileError):
            kept[entry.env] = str(built.path)
    return kept
