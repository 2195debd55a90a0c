"""The documentation: every model in it checks, every example runs, every table is complete.

Words after the language of a fence say what a block is: `ppl fragment` is a part of a model, `ppl wrong E310` a model
that has that error, `ppl NAME.ppl` and `csv NAME.csv` are also written to files for the commands of the page, and
`console exit N` is for commands that fail.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from ppl.check.check import check
from ppl.check.functions import FUNCTIONS
from ppl.cli.main import cli
from ppl.cli.page import HOLE, ROOMS
from ppl.graph.graph import lower
from ppl.infer.trust import RULES
from ppl.rewrite.plan import plan
from ppl.source.codes import CODES
from ppl.source.diagnostic import ModelError
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Distribution, Support
from ppl.syntax.imports import parse_linked
from ppl.syntax.parse import parse

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of a page: its language, the words after it, its text and its line."""

    page: Path
    language: str
    words: tuple[str, ...]
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def fences(page: Path, *languages: str) -> Iterator[Fence]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        if match[1] in languages:
            line = text[: match.start()].count("\n") + 1
            yield Fence(page, match[1], tuple(match[2].split()), match[3], line)


MODELS = [fence for page in PAGES for fence in fences(page, "ppl")]
WITH_PYTHON = [page for page in PAGES if any(True for _ in fences(page, "python"))]
WITH_CONSOLE = [page for page in PAGES if any(True for _ in fences(page, "console"))]


# ---- models ------------------------------------------------------------------------------------------------------


NAMED = {word: f.text for f in MODELS for word in f.words if word.endswith(".ppl")}


def codes_of(text: str, path: str) -> list[str]:
    """The codes of the errors of a model, from all stages before data."""
    try:
        checked = check(parse_linked(text, path, NAMED))
        if checked.core is not None:
            plan(lower(checked.core))
    except ModelError as problem:
        return [d.code for d in problem.diagnostics]
    return [d.code for d in checked.errors]


def parses(text: str) -> bool:
    try:
        parse(text, "fragment.ppl")
    except ModelError:
        return False
    return True


@pytest.mark.parametrize("fence", MODELS, ids=str)
def test_models_check(fence: Fence) -> None:
    match fence.words:
        case ("fragment",):
            assert parses(fence.text) or parses(f"model {{\n{fence.text}}}")
        case ("wrong", code, *_):
            assert set(codes_of(fence.text, str(fence))) == {code}
        case _:
            assert codes_of(fence.text, str(fence)) == []


# ---- examples ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that has the models of the repository, and `ppl` on the path."""
    (tmp_path / "models").symlink_to(ROOT / "models")
    command = tmp_path / "bin" / "ppl"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ppl "$@"\n')
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def write_files(page: Path, folder: Path) -> None:
    """The blocks of a page that name a file, as files."""
    for fence in fences(page, "ppl", "csv", "json"):
        for word in fence.words:
            if "." in word:
                (folder / word).parent.mkdir(exist_ok=True)
                (folder / word).write_text(fence.text, encoding="utf-8")


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_python_examples_run(page: Path, folder: Path) -> None:
    """The blocks of a page are one program, in their order."""
    write_files(page, folder)
    names: dict[str, object] = {}
    for fence in fences(page, "python"):
        exec(compile("\n" * fence.line + fence.text, str(page), "exec"), names)


@pytest.mark.parametrize("page", WITH_CONSOLE, ids=lambda page: page.name)
def test_commands_run(page: Path, folder: Path) -> None:
    """Every `$ ppl …` ends as it should, and prints the lines that the page shows, those with numbers apart."""
    write_files(page, folder)
    for fence in fences(page, "console"):
        wanted = int(fence.words[1]) if fence.words[:1] == ("exit",) else 0
        for command, shown in commands(fence.text):
            if command.startswith("ppl "):
                done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
                assert done.returncode == wanted, f"{fence}: {command}\n{done.stdout}{done.stderr}"
                printed = {plain(line) for line in (done.stdout + done.stderr).splitlines()}
                missing = [line for line in shown if is_words(line) and plain(line) not in printed]
                assert not missing, f"{fence}: {command}\n{done.stdout}{done.stderr}"


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block with the lines shown below it; `\\` at its end continues it."""
    for part in re.split(r"^\$ ", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield command, shown


def is_words(line: str) -> bool:
    """Whether a line of output is the same on every machine: no numbers, nothing left out."""
    return bool(line.strip()) and not re.search(r"\d|…|\.\.\.", line)


def plain(line: str) -> str:
    return " ".join(line.split())


# ---- tables ------------------------------------------------------------------------------------------------------

SUPPORTS = {
    "real": "real numbers",
    "bool": "true, false",
    "level": "the levels of an axis",
    "simplex": "positive numbers that sum to one",
    "vector": "vectors",
    "counts": "counts that sum to n",
    "corr_cholesky": "lower factors of correlation matrices",
    "covariance": "positive definite matrices",
}
PI = {"3.141592653589793": "pi", "-3.141592653589793": "-pi"}


def support(s: Support) -> str:
    low, high = PI.get(s.low, s.low), PI.get(s.high, s.high)
    match s.kind:
        case "lower":
            return f"x >= {low}" if s.closed else f"x > {low}"
        case "interval":
            return f"{low} <= x <= {high}" if s.closed else f"{low} < x < {high}"
        case "integer":
            return f"{low}, …, {high}" if high else f"{low}, {int(low) + 1}, …"
        case kind:
            return SUPPORTS[kind]


def distribution_row(row: Distribution) -> str:
    names = ", ".join(p.name for p in row.params)
    forms = ", ".join(f"`{', '.join(f'{n}=' for n in form.names)}`" for form in row.forms) or "–"
    has_cdf = "yes" if row.cdf or row.logcdf or row.name == "Flat" else "–"
    return f"| `{row.name}({names})` | {forms} | {support(row.support)} | {has_cdf} | {row.about} |"


def distributions() -> str:
    head = "| distribution | other forms | support | cdf | what it is |\n|---|---|---|---|---|\n"
    rows = [distribution_row(row) for row in DISTRIBUTIONS.values() if not row.internal]
    return head + "\n".join(rows) + "\n"


def prose(template: str) -> str:
    """A message in a cell of a table, its holes as ‹names›."""
    text = HOLE.sub(r"‹\1›", template).replace("{{", "{").replace("}}", "}")
    return " ".join(text.split()).replace("|", "\\|")


def codes() -> str:
    """Every code under the heading of its kind, as its main row says it."""
    parts = []
    for room, name in ROOMS.items():
        rows = sorted((r for r in CODES.values() if r.key == r.code and r.code.startswith(room)), key=lambda r: r.code)
        cells = [f"| {row.code} | {prose(row.message)} | {prose(row.hint)} |" for row in rows]
        head = f"### {room}xx: {name}\n\n| code | message | what to do |\n|---|---|---|\n"
        parts.append(head + "\n".join(cells) + "\n")
    return "\n" + "\n".join(parts) + "\n"


TABLES: Mapping[str, str] = {"distributions": distributions(), "codes": codes()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_tables_are_current(page: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    current = TABLE.sub(lambda match: match[1] + TABLES[match[2]] + match[3], text)
    if request.config.getoption("--accept"):
        page.write_text(current, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == current, "run pytest --accept"


def test_every_table_is_on_a_page() -> None:
    found = {match[2] for page in PAGES for match in TABLE.finditer(page.read_text(encoding="utf-8"))}
    assert found == set(TABLES)


def test_every_code_is_in_the_table() -> None:
    assert all(f"| {row.code} | " in TABLES["codes"] for row in CODES.values())


def section(page: str, heading: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.split(r"^## ", text.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_every_function_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`.*?) \| ", section("language.md", "Expressions and functions"), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)\(", row)}
    assert named == FUNCTIONS


def test_nothing_is_put_off_to_a_later_version() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "ppl").rglob("*.py"))
    assert "not supported yet" not in source


def test_every_rule_of_the_verdict_is_in_the_table() -> None:
    rows = section("inference.md", "The verdict").splitlines()
    shown = [row for row in rows if re.search(r"\| (ok|warn|bad) \|", row)]
    said = [re.sub(r"\{(\w+)[^}]*\}", r"‹\1›", rule.reason) for rule in RULES]
    assert [(rule.verdict, text) for rule, text in zip(RULES, said)] == [
        tuple(row.strip("| ").split(" | ")[1:]) for row in shown
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


def test_the_contents_of_the_language_are_complete() -> None:
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    linked = re.findall(r"\(#([^)]*)\)", text.partition("\n## ")[0])
    missing = [h for h in headings if anchor(h) not in linked]
    assert headings and not missing


SHOWN = re.findall(r"\| `ppl fit (models/[^`]*)` \|", (ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("arguments", SHOWN)
def test_commands_of_the_first_page_name_what_is_there(arguments: str, folder: Path) -> None:
    """Fits take a while: their models and data are checked."""
    done = CliRunner().invoke(cli, ["check", *arguments.partition(" --")[0].split()])
    assert done.exit_code == 0, done.output


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page."""
    return set(map(anchor, re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)))


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
