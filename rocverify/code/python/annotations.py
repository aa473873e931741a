"""The class names that a type annotation mentions, and whether the value is one or holds some."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_TRANSPARENT = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar", "Required", "NotRequired"})
_ENTERED = frozenset({"Iterator", "Generator", "AbstractContextManager", "ContextManager", "Awaitable"})
_CALLS = frozenset({"Callable", "Literal", "Type", "type"})


def annotated_names(annotation: ast.expr, *, contained: bool = False) -> Iterator[tuple[ast.expr, bool]]:
    """Pairs of a name or attribute expression and whether it is the type of elements only."""
    match annotation:
        case ast.Name() | ast.Attribute():
            yield annotation, contained
        case ast.Constant(value=str(text)):
            yield from _quoted(text, contained=contained)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from annotated_names(left, contained=contained)
            yield from annotated_names(right, contained=contained)
        case ast.Tuple(elts=elements):
            for element in elements:
                yield from annotated_names(element, contained=contained)
        case ast.Subscript(value=base, slice=inner):
            name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
            if name not in _CALLS:
                single = name in _TRANSPARENT | _ENTERED
                yield from annotated_names(inner, contained=contained or not single)
                yield base, contained


def _quoted(text: str, *, contained: bool) -> Iterator[tuple[ast.expr, bool]]:
    try:
        expression = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return
    yield from annotated_names(expression, contained=contained)
