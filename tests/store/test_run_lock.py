"""One run at a time writes into a root."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rocverify.errors import UsageError
from rocverify.store.run_lock import HOLDER, LOCK, writing

# Two files that belong together, written and read back many times.
_WRITER = """
import sys
from pathlib import Path
from rocverify.store.run_lock import writing
root, name = Path(sys.argv[1]), sys.argv[2]
for number in range(100):
    with writing(root, name, lambda line: None):
        for file in ("a", "b"):
            (root / file).write_text(f"{name} {number}")
        seen = {(root / file).read_text() for file in ("a", "b")}
    assert seen == {f"{name} {number}"}, seen
"""
_HOLDER = """
import sys
from pathlib import Path
from rocverify.store.run_lock import writing
with writing(Path(sys.argv[1]), "rocverify run all", print):
    print("held", flush=True)
    sys.stdin.read()
"""


def started(script: str, root: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, str(root), *more]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_runs_do_not_interleave(tmp_path: Path) -> None:
    for process in [started(_WRITER, tmp_path, name) for name in ("one", "other")]:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def test_who_holds_it_is_told_and_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    holder = started(_HOLDER, tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    told: list[str] = []
    with pytest.raises(UsageError) as refused, writing(tmp_path, "second", told.append, patience_s=0.05):
        pass
    who = f"process {holder.pid} (rocverify run all, since "
    assert told[0].startswith(f"waiting for {who}")
    assert refused.value.message.startswith(who)
    assert refused.value.message.endswith("has been writing into this root for 0.05 s")
    holder.kill()
    holder.communicate(timeout=60)
    told.clear()
    with writing(tmp_path, "second", told.append):
        assert "(second, since" in (tmp_path / HOLDER).read_text()
    assert told == []


def test_a_lock_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / ".rocverify").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="through a link"), writing(root, "run", print):
        pass
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), writing(tmp_path, "first", print):
        raise KeyError
    told: list[str] = []
    with writing(tmp_path, "second", told.append):
        assert (tmp_path / LOCK).exists()
    assert told == []
