"""Contracts: what the kernels must compute."""
