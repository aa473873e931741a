"""The HTML page: whole, from nowhere else, usable without eyes or a mouse, no markup of anybody's text."""

from __future__ import annotations

import json
import re
import webbrowser
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main
from rocverify.report.html.prose import html_of
from tests.report.pages import Page
from tests.runner.demo import FOLDER, Demo

PAGE = "reports/latest/index.html"
HOSTILE = (
    "</style><script>alert(1)</script><img src=x onerror=alert(2)> & \" ' {{ 7*7 }} `<b>` [a](javascript:b)"
)


def page(demo: Demo) -> Page:
    return Page(demo.file(PAGE).read_text(encoding="utf-8"))


def coverage(**more: Any) -> dict[str, Any]:
    """What a check of a source with two kernels saw, of which one was compared."""
    launched = {
        "source": "kernels/rope.hip",
        "symbol": "rope_kernel",
        "blocks": 4,
        "executed_blocks": 3,
        "missed_blocks": ["0x10"],
        "missed_lines": ["kernels/rope.hip:2", "kernels/rope.hip:3", "kernels/pair.h:9"],
        "models": [],
    }
    cases = {"source": "kernels/rope.hip", "symbol": "rope_kernel", "dtype": "float32", "cases": 12}
    return {
        "source": "kernels/rope.hip",
        "coverage": {
            "source": "kernels/rope.hip",
            "compiled": ["rope_kernel", "rope_kernel_f16"],
            "launched": [launched],
            "compared": [cases],
            "sanitized": [],
        },
        **more,
    }


def with_kernels(demo: Demo) -> Demo:
    source = demo.file("kernels/rope.hip")
    source.parent.mkdir(exist_ok=True)
    source.write_text("first <line>\nsecond & line\nthird\n\tfourth\n", encoding="utf-8")
    kernels = {"rope_kernel": {"vgprs": 10, "sgprs": 26, "source": "kernels/rope.hip", "target": "gfx1100"}}
    demo.plan(
        {
            "A holds (REQ-01)": [{"does": "passed", "evidence": coverage(kernels=kernels)}],
            "B holds (REQ-02)": [{"does": "failed", "text": "off by one"}],
            "C holds": [{"does": "no_device"}],
            "D holds": [],
        }
    )
    return demo


def test_the_page_is_whole_and_every_link_leads_somewhere(demo: Demo) -> None:
    with_kernels(demo).run("phase", "16")
    seen = page(demo)
    assert len(seen.ids) == len(set(seen.ids))
    targets = [str(given["href"]) for given in seen.all("a")]
    assert targets
    assert {target.removeprefix("#") for target in targets} <= set(seen.ids)
    named = [value for _, given in seen.tags for key in ("aria-labelledby",) if (value := given.get(key))]
    assert set(named) <= set(seen.ids)


def test_nothing_comes_from_elsewhere_and_nothing_runs(demo: Demo) -> None:
    with_kernels(demo).run("phase", "16")
    seen = page(demo)
    tags = {tag for tag, _ in seen.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image"}
    for tag, given in seen.tags:
        assert not {"src", "srcset", "style", "action", "xlink:href"} & given.keys(), tag
        assert not any(name.startswith("on") for name in given), tag
        assert str(given.get("href", "#")).startswith("#")
    text = demo.file(PAGE).read_text(encoding="utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = (g["content"] for g in seen.all("meta") if g.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_every_must_have_and_check_of_the_report_is_there(demo: Demo) -> None:
    with_kernels(demo).run("phase", "16")
    seen, report = page(demo), demo.report()
    for plan in report["plans"]:
        for must_have in plan["must_haves"]:
            assert must_have["id"] in seen.ids
            assert must_have["text"] in seen.text
            assert must_have["source"] in seen.text
        for check in plan["checks"]:
            assert check["id"] in seen.ids
            assert check["message"] in seen.text
    assert "gaps_found 1/4 must-haves verified" in seen.text
    assert "kernels/rope.py:7 : finding: off by one (kernel rope_kernel )" in seen.text
    assert "What to do: do it" in seen.text
    assert report["command"] in seen.text
    assert "rocverify run plan 16-01 --seed=" in seen.text


def test_what_did_not_pass_is_open_and_what_passed_is_folded(demo: Demo) -> None:
    with_kernels(demo).run("phase", "16")
    folded = {given["id"]: "open" not in given for given in page(demo).all("details") if given.get("id")}
    assert folded == {"16-01/T1/fake": True, "16-01/T2/fake": False, "16-01/T3/fake": False}


def test_the_kernels_have_their_matrix_resources_and_source(demo: Demo) -> None:
    with_kernels(demo).run("phase", "16")
    seen = page(demo)
    ran = "yes ( 16-01/T1/fake )"
    assert f"rope_kernel 12 yes {ran} {ran} no 3 of 4 rope_kernel_f16 none yes no no no unknown" in seen.text
    assert "rope_kernel gfx1100 10 26" in seen.text
    assert "Lines of other files that no compared case executed: kernels/pair.h:9" in seen.text
    assert "first <line>" in seen.text
    marked = [given.get("class") for given in seen.all("tr") if given.get("class")]
    assert marked == ["missed", "missed"]
    assert "2 second & line not executed in rope_kernel" in seen.text


def test_a_source_that_changed_since_is_not_shown(demo: Demo) -> None:
    with_kernels(demo).run("phase", "16")
    demo.file("kernels/rope.hip").write_text("something else\n", encoding="utf-8")
    assert main(["report", "--root", str(demo.root)]) == 0
    assert "The source is not shown: The file is no longer what was verified." in page(demo).text
    demo.file("kernels/rope.hip").unlink()
    assert main(["report", "--root", str(demo.root)]) == 0
    assert "The source is not shown: The file is not here." in page(demo).text


def test_a_finding_stands_at_its_line(demo: Demo) -> None:
    source = demo.file("kernels/rope.py")
    source.parent.mkdir()
    source.write_text("x\n" * 8, encoding="utf-8")
    evidence = coverage()
    evidence["source"] = evidence["coverage"]["source"] = "kernels/rope.py"
    demo.plan({"A": [{"does": "failed", "text": "wrong", "evidence": evidence}]})
    demo.run("phase", "16")
    seen = page(demo)
    assert [given.get("class") for given in seen.all("tr") if given.get("class")] == ["found"]
    assert "7 x finding: wrong ( 16-01/T1 )" in seen.text


def test_anybodys_text_is_text(demo: Demo) -> None:
    evidence = {"note": HOSTILE, HOSTILE: [{"a": HOSTILE}], "output": HOSTILE, "path": HOSTILE}
    demo.plan({f"A {HOSTILE}": [{"does": "failed", "text": HOSTILE, "evidence": evidence}]})
    demo.run("phase", "16")
    seen = page(demo)
    assert seen.text.count(" ".join(HOSTILE.split())) >= 4
    assert not {"script", "img", "b"} & {tag for tag, _ in seen.tags}
    assert all(str(given["href"]).startswith("#") for given in seen.all("a"))
    assert "49" not in seen.text.replace(demo.report()["command"], "").replace(str(demo.report()["seed"]), "")


@pytest.mark.parametrize(
    ("lines", "html"),
    [
        (["- a <b>x</b>"], "<ul>\n<li>a &lt;b&gt;x&lt;/b&gt;</li>\n</ul>\n"),
        (["- <code>/a.b</code>"], "<ul>\n<li><code>/a.b</code></li>\n</ul>\n"),
        (["- <code onclick=x>"], "<ul>\n<li>&lt;code onclick=x&gt;</li>\n</ul>\n"),
        (["<script>x</script>"], "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"),
        (["<div>", "x"], "<p>&lt;div&gt;\nx</p>\n"),
        (["[a](http://b) <http://c> ![d](e)"], "<p>[a](http://b) &lt;http://c&gt; ![d](e)</p>\n"),
        (["- `<i>`"], "<ul>\n<li><code>&lt;i&gt;</code></li>\n</ul>\n"),
        (["```sh", "<i>", "```"], '<pre><code class="language-sh">&lt;i&gt;\n</code></pre>\n'),
    ],
)
def test_evidence_becomes_lists_and_code_and_nothing_else(lines: list[str], html: str) -> None:
    assert html_of(lines) == html


def test_colours_differ_enough_in_light_and_dark(demo: Demo) -> None:
    demo.does("passed")
    demo.run("phase", "16")
    text = demo.file(PAGE).read_text(encoding="utf-8")
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w{6})", part)) for part in text.split("@media", 2)[:2])
    for theme in (light, dark):
        assert theme.keys() >= {"ground", "ink", "good", "bad", "open"}
        for word in ("good", "bad", "open"):
            assert contrast(theme[word], theme[f"{word}-ground"]) >= 4.5
        for word in ("ink", "faint", "link", "good", "bad", "open"):
            assert contrast(theme[word], theme["ground"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_it_is_usable_by_keyboard_and_reader(demo: Demo) -> None:
    with_kernels(demo).run("phase", "16")
    seen = page(demo)
    (html,) = seen.all("html")
    assert html["lang"] == "en"
    assert [tag for tag, _ in seen.tags if tag in ("header", "nav", "main", "footer")] == [
        *("header", "nav", "main", "footer")
    ]
    assert seen.all("a")[0]["href"] == "#main"
    headings = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    for region in (given for given in seen.all("div") if given.get("class") == "scroll"):
        assert (region["role"], region["tabindex"]) == ("region", "0")
        assert region["aria-label"]
    assert all("scope" in given for given in seen.all("th"))
    assert len(seen.all("summary")) == len(seen.all("details"))


def test_a_refused_plan_a_baseline_and_an_empty_plan_are_shown(demo: Demo) -> None:
    demo.plan({})
    demo.file(f"{FOLDER}/16-02-PLAN.md").write_text("---\nphase: [\n---\n", encoding="utf-8")
    demo.plan({"A": [{"does": "passed"}]}, number="16-03")
    demo.run("phase", "16")
    report = demo.report()
    change = {"id": "16-03/T1", "text": "A <i>", "before": "failed", "now": "verified"}
    report["baseline"] = {
        "ref": "main",
        "commit": "abc",
        "worse": [],
        "better": [change],
        "known": [],
        "gone": [],
    }
    demo.file("reports/latest/report.json").write_text(json.dumps(report), encoding="utf-8")
    assert main(["report", "--root", str(demo.root)]) == 0
    seen = page(demo)
    assert f"{FOLDER}/16-02-PLAN.md" in seen.text
    assert "was refused, so nothing of it was judged" in seen.text
    assert "The plan lists no must-haves: nothing of it can be verified." in seen.text
    assert "Changes since main" in seen.text
    assert "16-03/T1 : failed → verified: A <i>" in seen.text


# -- rocverify report ------------------------------------------------------------------------------------


def test_report_makes_the_same_page_again(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    with_kernels(demo).run("phase", "16")
    before = demo.file(PAGE).read_bytes()
    demo.file(PAGE).unlink()
    capsys.readouterr()
    assert main(["report", "--root", str(demo.root)]) == 0
    assert demo.file(PAGE).read_bytes() == before
    assert capsys.readouterr().out == f"{demo.file(PAGE)}  (written)\n"
    assert main(["report", "--root", str(demo.root)]) == 0
    assert capsys.readouterr().out == f"{demo.file(PAGE)}  (unchanged)\n"


def test_report_takes_a_file_from_anywhere(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.does("failed")
    demo.run("phase", "16", "--no-write", "--json", str(tmp_path / "far" / "r.json"))
    assert not demo.file(PAGE).exists()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["report", str(tmp_path / "far" / "r.json"), "--output", str(tmp_path / "p.html")]) == 0
    assert "16-01/T1" in Page((tmp_path / "p.html").read_text(encoding="utf-8")).ids
    assert main(["report", str(tmp_path / "far" / "r.json")]) == 0
    assert (tmp_path / "far" / "index.html").is_file()
    capsys.readouterr()


def test_open_shows_the_page(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    demo.does("passed")
    demo.run("phase", "16")
    monkeypatch.setattr(webbrowser, "open", lambda uri: not shown.append(uri))
    assert main(["report", "--open", "--root", str(demo.root)]) == 0
    assert shown == [demo.file(PAGE).as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    assert main(["report", "--open", "--root", str(demo.root)]) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"{", "is not a report of this rocverify (Expecting"),
        (b"[]", "is not a report of this rocverify ("),
        (b'{"schema": "rocverify.report/9"}', "is not a report of this rocverify ("),
        (b"\xff", "is not UTF-8 text"),
    ],
)
def test_what_is_no_report_is_said(
    demo: Demo, capsys: pytest.CaptureFixture[str], text: bytes | None, said: str
) -> None:
    demo.does("passed")
    path = demo.file("reports/latest/report.json")
    if text is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(text)
    assert main(["report", "--root", str(demo.root)]) == 2
    assert said in capsys.readouterr().err
    assert not demo.file(PAGE).exists()


def test_no_page_is_written_through_a_link(demo: Demo, tmp_path: Path) -> None:
    demo.does("passed")
    outside = tmp_path / "outside"
    outside.write_text("mine", encoding="utf-8")
    demo.file("reports/latest").mkdir(parents=True)
    demo.file(PAGE).symlink_to(outside)
    assert demo.run("phase", "16") == 2
    assert main(["report", "--root", str(demo.root)]) == 2
    assert outside.read_text(encoding="utf-8") == "mine"
