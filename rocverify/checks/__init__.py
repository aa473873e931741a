"""The executable checks, one file each."""
