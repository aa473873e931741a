"""Makes the fake kind known in a process of its own (`-p tests.runner.fake_plugin`)."""

from rocverify.checks import registry

registry.MODULES["fake"] = "tests.runner.fake_kind"
