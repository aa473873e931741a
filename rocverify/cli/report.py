"""`rocverify report`."""

from __future__ import annotations

from pathlib import Path

import click

from rocverify.cli.options import find_root
from rocverify.errors import ExitCode, UsageError


@click.command(
    "report",
    help="Make the HTML page of a report.json again, and open it.\n\n"
    "A run writes the page beside its report.json (reports/latest/index.html): one file without scripts and "
    "without anything from elsewhere. Sources are shown where they are still what was verified. Nothing is "
    "executed. Exits with 0, or with 2 if there is no report, or it cannot be read or written.",
)
@click.argument("report", required=False, metavar="[REPORT.JSON]", type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the page is written.  [default: index.html beside the report]",
)
@click.option("--open", "opened", is_flag=True, help="Show the page in the browser.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Root of the project, where the sources lie.  [default: the nearest folder with a .planning]",
)
def command(report: Path | None, output: Path | None, opened: bool, root: Path | None) -> int:
    """Runs `rocverify report`; returns its exit code."""
    from rocverify.report.costs import NAME as HISTORY
    from rocverify.report.costs import history_of
    from rocverify.report.html.page import NAME, html_text
    from rocverify.report.reading import report_of
    from rocverify.store.files import write_if_changed

    base, path = _places(root, report)
    page = output or (path.with_name(NAME) if report else _gated(base, NAME))
    history = path.with_name(HISTORY)
    before = history_of(_read(history)) if history.is_file() else {}
    text = html_text(report_of(_read(path), str(path)), base, before)
    try:
        changed = write_if_changed(page, text)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(page)) from None
    click.echo(f"{page}  ({'written' if changed else 'unchanged'})")
    if opened:
        _open(page)
    return ExitCode.VERIFIED


def _places(root: Path | None, report: Path | None) -> tuple[Path, Path]:
    """The project's root, and its report; a report that is named may be of a project that is not here."""
    from rocverify.roots import nearest_root

    if report is not None:
        return (root or nearest_root(Path.cwd()) or report.absolute().parent).resolve(), report
    base = find_root(root)
    return base, _gated(base, "report.json")


def _gated(base: Path, name: str) -> Path:
    """A file of the latest run's; UsageError where a link leads it elsewhere."""
    from rocverify.settings import load_settings
    from rocverify.store.gate import place

    return place(base, f"{load_settings(base).reports_dir}/latest/{name}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError("is not UTF-8 text", where=str(path)) from None
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror or error}",
            where=str(path),
            hint="rocverify run ... writes one, unless it is told --no-write",
        ) from None


def _open(page: Path) -> None:
    import webbrowser

    if not webbrowser.open(page.absolute().as_uri()):
        raise UsageError("no browser could be started", where=str(page), hint="open the file by hand")
