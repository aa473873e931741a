"""Which code of a kernel was executed: an instrument of the emulator, and what it saw."""
