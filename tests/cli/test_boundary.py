"""What becomes of errors that nobody has expected where they happen."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from rocverify.cli.boundary import Boundary
from rocverify.errors import EnvironmentFaultError, ExitCode
from rocverify.store.tools import run_tool


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_no_bug_of_ours(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    with Boundary() as boundary:
        raise OSError(number, os.strerror(number), "/somewhere/file")
    said = capfd.readouterr().err
    assert boundary.code == ExitCode.USAGE
    assert said.startswith(f"error: /somewhere/file: {os.strerror(number)}\n  hint: free some space there")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), os.strerror(errno.ENOMEM)),
        (MemoryError(), "there is not enough memory"),
    ],
)
def test_no_memory_is_no_bug_of_ours(error: Exception, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    with Boundary() as boundary:
        raise error
    assert boundary.code == ExitCode.USAGE
    hint = "close what else runs, or reduce the contract's dims"
    assert capfd.readouterr().err == f"error: {words}\n  hint: {hint}\n"


def test_another_error_is_one(capfd: pytest.CaptureFixture[str]) -> None:
    with Boundary() as boundary:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "/somewhere/file")
    assert boundary.code == ExitCode.INTERNAL
    assert "rocverify broke" in capfd.readouterr().err


def test_a_compiler_without_room_says_so() -> None:
    words = "k.s: error writing to k.s: No space left on device"
    script = f"import sys; print('fatal', file=sys.stderr); sys.exit({words!r})"
    with pytest.raises(EnvironmentFaultError, match=words) as told:
        run_tool([sys.executable, "-c", script], timeout_s=60)
    assert "TMPDIR" in (told.value.hint or "")


@pytest.mark.parametrize(
    "script",
    [
        "import sys; sys.exit('clang++-19: error: unable to execute command: Bus error')",
        "import os, signal; os.kill(os.getpid(), signal.SIGBUS)",
    ],
)
def test_a_linker_whose_mapping_finds_no_room_says_so(script: str) -> None:
    with pytest.raises(EnvironmentFaultError, match="no room for what it writes"):
        run_tool([sys.executable, "-c", script], timeout_s=60)
