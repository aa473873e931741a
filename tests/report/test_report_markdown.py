"""Outside text in Markdown: what a Markdown parser shows is the text itself, wherever it stands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rocverify.markdown import cell_code, cell_prose, code, fenced, inline, prose

# Text with everything that means something to Markdown, HTML, YAML or a terminal.
NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from(list("|`*_[]()<>#&!\\~$-+=:;'\"{}^.0123456789 \t\n\r\x1b\x00\u2028abcxyz")),
        st.characters(codec="utf-8", exclude_categories=("Cs",)),
    ),
    max_size=60,
)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "|",
            "||",
            "`",
            "``",
            "```",
            "\n",
            "\n\n",
            "\n---\n",
            "<!-- rocverify:end -->",
            "<b>",
            "</td>",
            "&amp;",
            "&#124;",
            "[a](b)",
            "![x](y)",
            "**b**",
            "_i_",
            "__b__",
            "~~s~~",
            "# h",
            "1. x",
            "- x",
            "> q",
            "\\",
            "\\|",
            "a_b_c",
            "x",
            " ",
            "\x1b[31mred\x1b[0m",
            "http://x.y",
            "<http://x>",
            "[^1]",
            "    code",
        ]
    ),
    max_size=12,
).map("".join)
TEXTS = st.one_of(NASTY, FRAGMENTS)  # fmt: skip


def parse(markdown: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)


def shown(text: str) -> str:
    """What a reader has to see of a text on one line: its visible characters, white space as one space."""
    import re

    text = re.sub(
        r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])",
        "",
        text.replace("\r\n", "\n").replace("\r", "\n"),
    )
    return " ".join(
        "".join(c for c in text if c in "\t\n\x0b\x0c" or not _control(c))
        .replace("\x0b", "")
        .replace("\x0c", "")
        .split()
    )


def _control(character: str) -> bool:
    return ord(character) < 32 or 127 <= ord(character) < 160


def visible(token: Token) -> str:
    kinds = {child.type for child in token.children or ()}
    assert kinds <= {"text", "text_special", "softbreak", "code_inline"}, kinds
    return "".join(child.content for child in token.children or ())


@given(TEXTS, TEXTS)
def test_cells_of_a_table_hold_the_text_and_nothing_else(left: str, right: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {inline(left)} | {inline(right)} |\n"
    tokens = parse(table)
    assert [t.type for t in tokens if t.nesting >= 0] == [
        "table_open", "thead_open", "tr_open", "th_open", "inline", "th_open", "inline",
        "tbody_open", "tr_open", "td_open", "inline", "td_open", "inline",
    ]  # fmt: skip
    cells = [t for t in tokens if t.type == "inline"][2:]
    assert [visible(cell) for cell in cells] == [shown(left), shown(right)]


@given(TEXTS)
def test_code_in_a_cell(text: str) -> None:
    tokens = parse(f"| a | b |\n| --- | --- |\n| {cell_code(text)} | end |\n")
    cells = [t for t in tokens if t.type == "inline"][2:]
    assert len(cells) == 2
    parts = [c for c in cells[0].children or () if c.type != "html_inline"]
    if shown(text) and len(parts) == len(cells[0].children or ()):
        assert [c.type for c in parts] == ["code_inline"]
    assert "".join(part.content for part in parts).strip() == shown(text)
    assert visible(cells[1]) == "end"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("kernels/rope.hip", False),
        ("/opt/rocm/include/hip.h", False),
        ("grep -c rope", False),
        ("grep -c rope kernels/rope.hip", True),
        (r"kernels/rope\.hip", True),
        ("src/**/*.rs", True),
    ],
)
def test_what_ends_like_a_path_and_is_none_is_not_in_backticks(text: str, html: bool) -> None:
    assert code(text).startswith("<code>") is html
    (paragraph,) = (t for t in parse(code(text)) if t.type == "inline")
    children = [c for c in paragraph.children or () if c.type != "html_inline"]
    assert "".join(child.content for child in children) == text


@given(TEXTS)
def test_a_paragraph_shows_the_text(text: str) -> None:
    tokens = parse(inline(text))
    if not shown(text):
        assert tokens == []
        return
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert visible(tokens[1]) == shown(text)


@given(TEXTS)
def test_a_list_item_shows_the_text(text: str) -> None:
    tokens = parse(f"- label: {inline(text)}\n- next")
    assert [t.type for t in tokens].count("list_item_open") == 2
    assert "bullet_list_close" in {t.type for t in tokens}
    first = next(t for t in tokens if t.type == "inline")
    assert visible(first) == f"label: {shown(text)}".strip()


@given(TEXTS)
def test_a_code_span_shows_the_text(text: str) -> None:
    tokens = parse(f"x {code(text)} y")
    assert len([t for t in tokens if t.type == "inline"]) == 1
    parts = [child for child in tokens[1].children or () if child.content not in ("<code>", "</code>")]
    assert {part.type for part in parts} <= {"text", "text_special", "code_inline"}
    assert "".join(part.content for part in parts).split() == ["x", *shown(text).split(), "y"]


@settings(max_examples=200)
@given(TEXTS)
def test_a_fence_ends_where_we_end_it(text: str) -> None:
    tokens = parse(f"{fenced(text)}\n\nafter")
    assert [t.type for t in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert "\x1b" not in tokens[0].content


def test_examples_stay_readable() -> None:
    assert (
        inline("apply_rope_device() calls rope_gpu_kernel()") == "apply_rope_device() calls rope_gpu_kernel()"
    )
    assert inline("a|b `c` *d*\nnext") == r"a\|b \`c\` \*d\* next"
    assert code("a`b") == "``a`b``"
    assert cell_code("rope\\.hip|pos") == "`rope\\.hip\\|pos`"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rope_gpu_kernel launches rope_kernel", "`rope_gpu_kernel` launches `rope_kernel`"),
        ("it calls launch() at kernels/rope.py:54", "it calls `launch()` at `kernels/rope.py:54`"),
        ("kernels.rope:apply_rope agrees", "`kernels.rope:apply_rope` agrees"),
        (r"has '__global__[^;{]*\bk\b' in code", r"has `__global__[^;{]*\bk\b` in code"),
        ("it is 'plain' | and * not", "it is 'plain' \\| and \\* not"),
        ("kernels/rope.hip compiles", "kernels/rope.hip compiles"),
        ("max_a and `b", "`max_a` and \\`b"),
    ],
)
def test_names_and_patterns_in_a_sentence_stand_verbatim(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_a_bar_within_code_does_not_end_a_cell() -> None:
    assert cell_prose("has 'a|b(c' in code | x") == "has `a\\|b(c` in code \\| x"
