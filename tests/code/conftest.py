"""Real temporary projects for the tests of the code room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from rocverify.code.callgraph import Chain
from rocverify.code.index import CodeIndex
from rocverify.settings import Settings

MakeIndex = Callable[[Mapping[str, str]], CodeIndex]


@pytest.fixture
def project(tmp_path: Path) -> MakeIndex:
    """Writes files (path to dedented text) and gives an index whose host code is `kernels/`."""

    def make(files: Mapping[str, str]) -> CodeIndex:
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text), encoding="utf-8")
        return CodeIndex(tmp_path, Settings())

    return make


def searched(index: CodeIndex, caller: tuple[str, str], callee: tuple[str, str]) -> Chain:
    """How the search for a call turns out between two functions, each with its file."""
    return index.graph.chain(index.functions(*caller), index.functions(*callee))
