"""What a call hands over, and for which parameter of the function it calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from rocverify.code.places import Place
from rocverify.code.syntax import Call

_KEYWORD = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?!=)")


def without_keyword(argument: str) -> str:
    """The text of an argument without the name of the parameter before it."""
    return _KEYWORD.sub("", argument, count=1) if _KEYWORD.match(argument) else argument


@lru_cache(maxsize=4096)
def parsed(argument: str) -> ast.expr | None:
    """The expression that an argument is, without the name of the parameter or the stars before it; None for
    what is not an expression as Python writes it."""
    try:
        return ast.parse(without_keyword(argument).lstrip("* "), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def bound_arguments(callee: Place, call: Call) -> Iterator[tuple[str, str]]:
    """Pairs of parameter and argument of a call of a function, as far as positions and keywords tell."""
    names = [parameter.name for parameter in callee.function.parameters]
    positional = names[: next((at for at, name in enumerate(names) if name.startswith("*")), len(names))]
    bound = call.receiver is not None or bool(call.scope)
    plain = [text for text in call.arguments if not _KEYWORD.match(text)]
    yield from zip(positional[1 if callee.function.owner and bound else 0 :], plain, strict=False)
    for text in call.arguments:
        if (named := _KEYWORD.match(text)) is not None:
            yield named["name"], without_keyword(text)
