"""The temporary project with fake checks, as tests/runner/demo.py makes it."""

from tests.runner.demo import demo

__all__ = ["demo"]
