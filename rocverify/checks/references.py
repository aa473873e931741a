"""`module:attribute` references, as plans write them, validated before anything is looked up."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def _is_reference(text: str) -> str:
    module, separator, attribute = text.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    if not separator or not all(part.isidentifier() for part in parts):
        raise ValueError(f"{text!r} is no reference of the form package.module:name")
    return text


Reference = Annotated[str, AfterValidator(_is_reference)]
