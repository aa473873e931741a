"""The kernel and its contract."""
