"""Garbage in cycles is looked for seldom while a command runs, and as before in whoever calls one."""

from __future__ import annotations

import gc

import pytest

from rocverify import cycles
from rocverify.cli.main import cli, main


def test_a_command_changes_nothing_for_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(cli, "main", lambda *_, **_named: seen.append(gc.get_threshold()))
    before = gc.get_threshold()
    assert main([]) == 0
    assert seen == [(cycles.OBJECTS, *before[1:])]
    assert gc.get_threshold() == before


def test_garbage_in_cycles_is_collected_all_the_same() -> None:
    class Node:
        def __init__(self) -> None:
            self.itself = self

    with cycles.looked_for_seldom():
        gc.collect()
        nodes = 3 * cycles.OBJECTS
        for _ in range(nodes):
            Node()
        left = sum(isinstance(one, Node) for one in gc.get_objects())
    assert left < nodes / 2
