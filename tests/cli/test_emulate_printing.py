"""`rocverify emulate` of kernels that print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rocverify.cli.main import main
from tests.device.emulator.compiling import compiled

SOURCE = Path(__file__).parents[1] / "device/emulator/talking.hip"
LINES = ["group 0 wave 0 round 0", "group 0 wave 1 round 0"]


@pytest.mark.long
def test_what_a_kernel_prints_stays_out_of_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    flags = ("-O1", "-DCODE_OBJECT_VERSION=5", "-mcode-object-version=5")
    (tmp_path / "talking.co").write_bytes(compiled(tmp_path, SOURCE, "clang-19", *flags))
    words = ["emulate", "talking.co", "in_turn", "--grid", "1", "--block", "64", "--arg", "i32:1"]
    assert main([*words, "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["kernel"] == "in_turn"
    assert printed.err.splitlines() == LINES
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[:2] == LINES
