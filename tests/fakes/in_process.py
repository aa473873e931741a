"""A check's session whose project runs in the process of the test: wrappers as Python objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rocverify.checks.context import CheckContext
from rocverify.subject.host.imports import forget_subject
from tests.fakes.hip_device import FakeSession


@contextmanager
def in_process(context: CheckContext) -> Iterator[FakeSession]:
    """The device of a context, with this process as its client and code objects in its environment."""
    with context.launching() as opened, pytest.MonkeyPatch.context() as patch:
        for name, path in opened.variables.items():
            if path is None:
                patch.delenv(name, raising=False)
            else:
                patch.setenv(name, path)
        with opened.tracer.install():
            yield FakeSession(opened.device, opened.tracer, opened.root, {})
    forget_subject()
