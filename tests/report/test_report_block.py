"""The generated block in a document that a person edits: nothing of theirs is ever lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from rocverify.errors import UsageError
from rocverify.report.block import find_block, render_block, replace_block
from rocverify.report.document import Document, update, updated

BEGIN, END = "<!-- rocverify:begin digest=1 -->", "<!-- rocverify:end -->"
HUMAN = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=200),
    st.lists(
        st.sampled_from(
            [
                "\n",
                "\r\n",
                "# Mine",
                "text",
                BEGIN,
                END,
                "---",
                "key: value",
                "```",
                " ",
                "\t",
                "<!--",
                "-->",
                "|",
            ]
        ),
        max_size=15,
    ).map("".join),
)


def document(digest: str = "d1", body: str = "generated", **values: object) -> Document:
    given = {
        "phase": "16-x",
        "plan": "01",
        "tags": ["hip"],
        "duration": "1 s",
        "completed": date(2026, 1, 2),
        "status": "passed",
    }
    return Document(
        title="Title",
        digest=digest,
        values={**given, **values},
        owned=frozenset({"phase", "plan", "duration", "completed", "status"}),
        passing=frozenset({"duration", "completed"}),
        body=lambda: body,
    )


def frontmatter_of(text: str) -> dict[str, object]:
    assert text.startswith("---\n")
    data: dict[str, object] = yaml.safe_load(text[4 : text.index("\n---\n", 3)])
    return data


@given(HUMAN, HUMAN, st.text(max_size=80), st.text(max_size=80))
def test_text_around_the_block_survives_any_replacement(before: str, after: str, old: str, new: str) -> None:
    assume("rocverify:" not in before + after)
    before = f"{before}\n" if before else ""
    first = f"{before}{render_block(old, {'digest': '1'})}\n{after}"
    second = replace_block(first, render_block(new, {"digest": "2"}), "x.md")
    found = find_block(second, "x.md")
    assert found is not None
    assert second[: found.start] == before
    assert second[found.end :] == f"\n{after}"


@given(HUMAN)
def test_any_text_gets_a_block_or_an_error_but_never_loses_a_character(text: str) -> None:
    try:
        result = replace_block(text, render_block("new", {}), "x.md")
    except UsageError:
        return
    found, before = find_block(result, "x.md"), find_block(text, "x.md")
    assert found is not None
    outside = result[: found.start] + result[found.end :]
    if before is None:
        assert outside.startswith(text)
        assert outside[len(text) :].strip() == ""
    else:
        assert outside == text[: before.start] + text[before.end :]


@given(st.text(max_size=120))
def test_what_is_generated_cannot_end_the_block(body: str) -> None:
    hostile = f"{body}\n{END}\n{BEGIN}\n"
    text = replace_block("", render_block(hostile, {}), "x.md")
    assert find_block(text, "x.md") is not None


@given(HUMAN, st.sampled_from(["d1", "d2"]))
def test_updating_twice_is_updating_once(text: str, digest: str) -> None:
    try:
        once = updated(text, document(digest), "x.md")
    except UsageError:
        return
    assert (
        updated(once, document(digest, body="other", duration="9 s", completed=date(2027, 1, 1)), "x.md")
        == once
    )


@pytest.mark.parametrize(
    "text",
    [
        f"mine\n{BEGIN}\nno end\n",
        f"mine\n{END}\n",
        f"{END}\n{BEGIN}\n",
        f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n",
        f"{BEGIN}\n{BEGIN}\n{END}\n",
        "---\nphase: [unclosed\n---\n# Mine\n",
        "---\nphase: x\nno end of the frontmatter\n",
        "---\nphase: x\nphase: y\n---\n",
        "---\n- a\n- list\n---\n",
        "---\n{flow: mapping}\n---\n",
    ],
)
def test_a_malformed_document_is_an_error_that_changes_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "16-01-SUMMARY.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"16-01-SUMMARY\.md:\d+: .*left as it is"):
        update(path, path.name, document())
    assert path.read_text(encoding="utf-8") == text
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_bytes_that_are_no_text_are_an_error_that_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.md"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(UsageError, match="UTF-8"):
        update(path, path.name, document())
    assert path.read_bytes() == b"caf\xe9"


PERSONAL = """\
---
# mine
phase: old
tags: [theirs]   # a person's
custom:
  nested: [1, 2]  # kept

# before affects
affects: []
---

# My own title

My text.

<!-- rocverify:begin digest=old -->
old
<!-- rocverify:end -->

## Notes of mine
"""


def test_what_a_person_wrote_is_kept() -> None:
    text = updated(PERSONAL, document(affects=["16-02"]), "x.md")
    assert "tags: [theirs]   # a person's\n" in text
    assert "custom:\n  nested: [1, 2]  # kept\n\n# before affects\naffects: []\n" in text
    assert "---\n# mine\nphase: 16-x\n" in text
    assert text.index("# My own title") < text.index("generated") < text.index("## Notes of mine")
    assert "old\n" not in text
    assert frontmatter_of(text)["status"] == "passed"


def test_suggestions_are_renewed_until_a_person_changes_them() -> None:
    first = updated(None, document("d1", tags=["one"]), "x.md")
    second = updated(first, document("d2", tags=["two"]), "x.md")
    assert frontmatter_of(second)["tags"] == ["two"]
    edited = second.replace("tags: [two]", "tags: [mine]")
    third = updated(edited, document("d3", tags=["three"]), "x.md")
    assert frontmatter_of(third)["tags"] == ["mine"]


def test_an_edit_of_the_generated_part_does_not_stand() -> None:
    first = updated(None, document(body="1 of 2 verified"), "x.md")
    forged = first.replace("1 of 2", "2 of 2")
    assert updated(forged, document(body="1 of 2 verified"), "x.md") == first
    forged = first.replace("status: passed", "status: human_needed")
    assert updated(forged, document(body="1 of 2 verified"), "x.md") == first


def test_windows_line_ends_and_bom_are_kept() -> None:
    text = "\ufeff---\r\nmine: 1\r\n---\r\n\r\n# Mine\r\n"
    result = updated(text, document(body="a\nb"), "x.md")
    assert result.startswith("\ufeff---\r\nmine: 1\r\nphase: 16-x\r\n")
    assert "\n" not in result.replace("\r\n", "")
    assert updated(result, document(body="c"), "x.md") == result


def test_frontmatter_is_as_the_workflow_writes_it() -> None:
    text = updated(None, document(**{"key-files": {"modified": ["a.py"]}}), "x.md")
    assert text.startswith(
        "---\nphase: 16-x\nplan: 01\ntags: [hip]\nduration: 1 s\ncompleted: 2026-01-02\nstatus: passed\n"
        "key-files:\n  modified: [a.py]\n---\n\n# Title\n"
    )
