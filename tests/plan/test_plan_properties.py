"""Over arbitrary texts: nothing but PlanError comes out, and what stood on a line is found there."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.errors import PlanError
from rocverify.plan import Plan, parse_plan, trailing_requirements, without_requirements
from rocverify.plan.mask import mask_code
from rocverify.plan.numbers import Number
from rocverify.plan.source import SourceText

TAGS = ["objective", "tasks", "task", "name", "verify", "automated", "action", "output", "options", "option"]
FRAGMENTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            *(f"<{tag}>" for tag in TAGS),
            *(f"</{tag}>" for tag in TAGS),
            '<task type="auto">',
            "```",
            "~~~",
            "`",
            "\n",
            "<!--",
            "-->",
            "- [ ] ",
            "@file",
            "---\n",
            "must_haves:",
            "  truths:",
            "    - a",
            "phase: 07",
            "&a ",
            "*a",
            "\r\n",
            "\ufeff",
            "\u2028",
            "{",
            "[",
            '"',
        ]
    ),
)


def parsed(data: bytes) -> Plan | PlanError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "07-01-PLAN.md"
        path.write_bytes(data)
        try:
            return parse_plan(path, Path(folder))
        except PlanError as error:
            return error


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    parsed(data)


@settings(max_examples=300)
@given(st.lists(FRAGMENTS, max_size=25), st.lists(FRAGMENTS, max_size=25))
def test_any_plan_like_text(front: list[str], body: list[str]) -> None:
    text = "---\n" + "\n".join(front) + "\n---\n" + "".join(body)
    result = parsed(text.encode("utf-8", "surrogatepass"))
    if isinstance(result, PlanError):
        assert (result.where or "").startswith("07-01-PLAN.md")


YAML_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.dates()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["phase", "plan", "must_haves", "rocverify", "wave", "user_setup", "requirements", "autonomous", "other"]
)


@settings(max_examples=200)
@given(st.dictionaries(KEYS, YAML_VALUES, max_size=5))
def test_any_yaml_values(values: dict[str, object]) -> None:
    parsed(f"---\n{yaml.safe_dump(values, allow_unicode=True)}---\n".encode("utf-8", "surrogatepass"))


SENTENCES = st.lists(st.from_regex(r"[A-Za-z][A-Za-z ,()\"'#:é-]{0,40}[A-Za-z.]", fullmatch=True), max_size=6)


@given(SENTENCES, st.integers(0, 5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_truths_come_back_from_the_lines_they_were_written_on(
    sentences: list[str], blanks: int, ends: str, bom: bool
) -> None:
    lines = ["---", *["# a comment"] * blanks, "must_haves:", "  truths:" if sentences else "  truths: []"]
    first = len(lines) + 1
    lines += [f"    - {_quoted(sentence)}" for sentence in sentences]
    data = ends.join([*lines, "---", ""]).encode()
    plan = parsed(b"\xef\xbb\xbf" * bom + data)
    assert isinstance(plan, Plan)
    assert [(t.text, t.source.line) for t in plan.truths] == [
        (" ".join(sentence.split()), first + n) for n, sentence in enumerate(sentences)
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@given(st.text(alphabet="`~<!->a \n", max_size=60))
def test_masking_keeps_length_and_lines(text: str) -> None:
    masked = mask_code(SourceText("p", text), 0)
    assert len(masked) == len(text)
    assert [i for i, c in enumerate(masked) if c == "\n"] == [i for i, c in enumerate(text) if c == "\n"]
    assert all(m in (c, " ") for m, c in zip(masked, text, strict=True))


@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=3), st.sampled_from(["", "A", "c"]), st.integers(0, 3)
)
def test_numbers_ignore_zeros_and_case(parts: list[int], letter: str, zeros: int) -> None:
    plain = ".".join(map(str, parts)) + letter
    padded = "0" * zeros + plain.swapcase()
    assert Number.parse(plain) == Number.parse(padded)
    number = Number.parse(plain)
    assert number is not None
    assert Number.parse(str(number)) == number


@given(st.lists(st.from_regex(r"[A-Z]{1,5}-[0-9]{1,3}", fullmatch=True), min_size=1, max_size=4, unique=True))
def test_requirement_ids_round_trip(ids: list[str]) -> None:
    text = f"It works ({', '.join(ids)})"
    assert trailing_requirements(text) == tuple(ids)
    assert without_requirements(text) == "It works"
