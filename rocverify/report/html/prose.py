"""Evidence as the SUMMARY has it, as HTML: from the same Markdown, of which nothing can become markup of the
page but lists, code and emphasis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

_OWN_TAGS = ("<code>", "</code>")
"""What `rocverify.markdown.code` writes as HTML; every other `<` of it is escaped."""


class _Renderer(RendererHTML):
    def html_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        del options, env
        text = tokens[idx].content
        return text if text in _OWN_TAGS else str(escape(text))

    def html_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        del options, env
        return str(escape(tokens[idx].content))


_PARSER = MarkdownIt("commonmark", {"html": True}, renderer_cls=_Renderer).disable(
    ["link", "image", "autolink", "reference", "heading", "lheading", "hr", "html_block"]
)


def html_of(lines: Sequence[str]) -> Markup:
    """Markdown lines as HTML."""
    return Markup(_PARSER.render("\n".join(lines)))
