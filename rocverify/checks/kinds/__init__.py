"""Kinds of check, one file each: parameters and `run`."""
