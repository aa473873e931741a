"""The temporary project with fake checks, as tests/runner/demo.py makes it."""

from hypothesis import settings

from tests.runner.demo import demo

__all__ = ["demo"]

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("rocverify", deadline=None)
settings.load_profile("rocverify")
