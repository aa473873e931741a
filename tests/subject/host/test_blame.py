"""Whose mistake an exception is: the contract's own call(), or what it calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocverify.subject.host.blame import contracts_mistake
from rocverify.subject.host.imports import load_subject

CONTRACT = """class C:
    def call(self, wrapper, arrays):
        {body}


CALL = C().call
"""


def raised(root: Path, body: str, wrapper: Callable[..., Any]) -> tuple[Callable[..., Any], Exception]:
    (root / "contract.py").write_text(CONTRACT.format(body=body))
    call = load_subject(root, "contract:CALL")
    with pytest.raises((AttributeError, NameError)) as caught:
        call(wrapper, {})
    return call, caught.value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("wrapper(arrays.x)", "raised AttributeError: 'dict' object has no attribute 'x'"),
        ("wrapper(missing)", "raised NameError: name 'missing' is not defined"),
        ("wrapper(1).result", "raised AttributeError: 'int' object has no attribute 'result'"),
    ],
)
def test_a_name_that_call_itself_lacks_is_the_contracts(tmp_path: Path, body: str, words: str) -> None:
    call, error = raised(tmp_path, body, lambda value: value)
    told = contracts_mistake(tmp_path, call, error)
    assert told is not None
    assert (told.kind, told.where) == ("ContractError", "contract.py:3")
    assert words in told.message


def test_what_the_wrapper_raises_is_not(tmp_path: Path) -> None:
    (tmp_path / "wrapper.py").write_text("def run(x):\n    return x.missing\n")
    wrapper = load_subject(tmp_path, "wrapper:run")
    call, error = raised(tmp_path, "wrapper(1)", wrapper)
    assert contracts_mistake(tmp_path, call, error) is None
