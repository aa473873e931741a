"""The Jinja2 environment of the documents: an undefined name is an error, outside text is escaped."""

from __future__ import annotations

from typing import Any

import jinja2

from rocverify.markdown import cell_code, cell_prose, code, fenced, inline, prose
from rocverify.store.digests import shown_digest


def render(template: str, **values: Any) -> str:
    """One of the templates in `templates/`."""
    return _environment().get_template(template).render(**values)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rocverify.report"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the output is Markdown; every outside text passes one of the filters
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        md=inline,
        prose=prose,
        cellprose=cell_prose,
        code=code,
        cellcode=cell_code,
        fenced=fenced,
        digest=shown_digest,
    )
    return environment


def duration(seconds: float) -> str:
    """A duration for people: `0.4 s`, `12 s`, `3 min`, `1 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
