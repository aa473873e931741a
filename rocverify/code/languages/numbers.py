"""Comparisons of numbers as a source writes them."""

from __future__ import annotations


def compared(sign: str, left: str, right: str) -> bool | None:
    """What a comparison of two literal integers always is; None for any other."""
    if not (left.isdigit() and right.isdigit()):
        return None
    one, other = int(left), int(right)
    told = {"==": one == other, "!=": one != other, "<": one < other, ">": one > other}
    return (told | {"<=": one <= other, ">=": one >= other}).get(sign)
