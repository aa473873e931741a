"""One launch: its record, its threads, the host side, what stops it, and what is said of it."""
