"""Kernels on vectors and rows, and the functions that launch them."""
