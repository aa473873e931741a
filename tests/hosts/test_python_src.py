"""A Python engine in a src/ layout, its plans in the wild style: as it is, and with sabotages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.host import Sabotage, copied, each, judge, verify
from tests.hosts.python_backend_sabotages import SABOTAGES as OF_BACKEND
from tests.hosts.python_sabotages import SABOTAGES as OF_KERNELS

HOST = "python_src"


@pytest.mark.long
def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path, kept: Path) -> None:
    """With commands allowed, nothing is left to a person: correctness, its own pytest tests, a shell line."""
    ran = verify(copied(HOST, tmp_path), kept, "all", "--allow-commands")
    assert not ran.not_passed(), ran.output
    assert {m["verdict"] for m in ran.must_haves().values()} == {"verified"}, ran.output
    assert ran.exit_code == 0, ran.output


@each((*OF_KERNELS, *OF_BACKEND))
def test_each_sabotage_is_noticed(sabotage: Sabotage, tmp_path: Path, kept: Path) -> None:
    judge(sabotage, HOST, tmp_path, kept)
