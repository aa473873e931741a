"""`module:attribute` references, as plans write them, validated before anything is looked up."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from rocverify.code.languages import is_c_family, is_rust

_NAME = re.compile(r"[A-Za-z_~]\w*(?:(?:::|\.)[A-Za-z_~]\w*)*")


def _is_reference(text: str) -> str:
    module, separator, attribute = text.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    if not separator or not all(part.isidentifier() for part in parts):
        raise ValueError(f"{text!r} is not a reference of the form package.module:name")
    return text


def _is_entry(text: str) -> str:
    path, separator, name = text.partition(":")
    if separator and (is_rust(path) or is_c_family(path)) and _NAME.fullmatch(name):
        return text
    return _is_reference(text)


Entry = Annotated[str, AfterValidator(_is_entry)]
"""A function of a host: `package.module:name`, or `src/a.rs:Type::name` in Rust and C++."""

Reference = Annotated[str, AfterValidator(_is_reference)]
