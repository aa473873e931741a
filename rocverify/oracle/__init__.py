"""Contracts, references, inputs, tolerances and negative controls."""
