"""Parsing of PLAN.md files into immutable records; knows nothing of devices."""
