"""The runner room: a pytest plugin whose items are checks, and the hermetic session that runs it."""
