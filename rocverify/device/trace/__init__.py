"""The trace: every HIP call of the host code, recorded where it is executed."""
