"""Contracts: what the kernel must compute."""
