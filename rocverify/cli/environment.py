"""The environment: what the command line changes in it for itself, and what programs get that it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping

_OWN = {
    # Checks multiply many small matrices. NumPy's BLAS would put threads on each that cost more than they
    # save: a quarter of a phase's processor time.
    "OPENBLAS_NUM_THREADS": "1",
    # It would look through every installed package for plugins at each start.
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
_given: dict[str, str] = {}


def prepare() -> None:
    """Sets what makes rocverify itself quick. What the user has set stays."""
    _given.clear()
    _given.update(os.environ)
    for name, value in _OWN.items():
        os.environ.setdefault(name, value)


def given() -> Mapping[str, str]:
    """The environment as it was given to this process."""
    return _given or os.environ
