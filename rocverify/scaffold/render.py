"""The templates of what is begun: values go in as literals of the file's own language."""

from __future__ import annotations

import json
from typing import Any

import jinja2


def render(template: str, **values: Any) -> str:
    """One of the templates in `templates/`."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rocverify.scaffold"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # TOML, YAML and Markdown; every outside text passes a filter
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(toml=literal, yaml=literal)
    return environment.get_template(template).render(**values)


def literal(value: object) -> str:
    """A text, number, truth value or list of them as JSON, which TOML and YAML read as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
