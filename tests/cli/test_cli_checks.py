"""`ppl check`, `explain`, `graph`, `emit`, `fmt`, and how commands fail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from commands import MODELS, ROOT, SCHOOLS, SCHOOLS_DATA, ppl, process

import ppl as package
from ppl.check.check import check
from ppl.cli import check as check_command
from ppl.graph.graph import lower
from ppl.rewrite.plan import plan
from ppl.rewrite.suspect import may_be_refused
from ppl.source.codes import CODES
from ppl.source.diagnostic import ModelError
from ppl.syntax.imports import parse_linked
from ppl.syntax.parse import parse

HEAVY = ("numpy", "scipy", "autograd", "networkx", "rich", "matplotlib")
JUMP = "data { y: real }\nmodel {\n  z ~ Normal(0, 1)\n  y ~ Normal(if z > 0 then 1 else -1, 1)\n}\n"
BROKEN = "data { y: real }\nmodel {\n  theta ~ Normal(0, 1)\n  y ~ Normal(thetta, 1)\n}\n"


def written(tmp_path: Path, text: str, name: str = "m.ppl") -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / name)


# ---- check -----------------------------------------------------------------------------------------------------------


def test_check_is_light() -> None:
    """No array library is imported, and a quarter of a second of the processor is enough."""
    program = (
        "import sys, time\nfrom click.testing import CliRunner\nfrom ppl.cli.main import cli\n"
        f"result = CliRunner().invoke(cli, ['check', {SCHOOLS!r}, {SCHOOLS_DATA!r}])\n"
        f"print(result.exit_code, [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["0", "[]\n"]


def test_help_is_light() -> None:
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom ppl.cli.main import cli\n"
        f"print(CliRunner().invoke(cli, ['--help']).exit_code, [m for m in {(*HEAVY, 'lark')!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "0 []\n"


def test_check_shows_all_errors_on_standard_output(tmp_path: Path) -> None:
    result = ppl("check", written(tmp_path, BROKEN))
    assert result.exit_code == 1
    assert "error[E101]" in result.stdout and "did you mean `theta`?" in result.stdout
    assert result.stdout.rstrip().endswith("m.ppl: 1 error")


def test_check_reports_data_too() -> None:
    result = ppl("check", SCHOOLS, str(MODELS / "coal.csv"))
    assert result.exit_code == 1 and result.stdout.count("error[E601]") == 3


def test_check_as_json(tmp_path: Path) -> None:
    record = json.loads(ppl("check", written(tmp_path, BROKEN), "--json").stdout)
    [error] = record["errors"]
    assert error["code"] == "E101" and (error["line"], error["col"]) == (4, 14)
    assert set(error) == {"code", "message", "file", "line", "col", "end_line", "end_col", "label", "hint", "fix"}


def test_check_reports_what_the_planner_refuses(tmp_path: Path) -> None:
    model = "data { y: real }\nmodel {\n  z ~ Normal(0, 1)\n  y ~ Normal(1 / z, 1)\n}\n"
    result = ppl("check", written(tmp_path, model))
    assert result.exit_code == 1 and "error[E530]" in result.stdout


def test_check_plans_with_every_guide(tmp_path: Path) -> None:
    model = JUMP + "guide one { z ~ Normal(0, 1) }\nguide two {\n  @reparam\n  z ~ Normal(0, 1)\n}\n"
    result = ppl("check", written(tmp_path, model))
    assert result.exit_code == 1 and "error[E513]" in result.stdout and ":8:" in result.stdout


def test_check_warns_of_bias(tmp_path: Path) -> None:
    model = JUMP + "guide {\n  @unsafe_reparam\n  z ~ Normal(0, 1)\n}\n"
    result = ppl("check", written(tmp_path, model))
    assert result.exit_code == 0 and "warning[W140]" in result.stdout


def test_check_strict_counts_warnings(tmp_path: Path) -> None:
    model = written(tmp_path, "data { y: real\n x: real }\nmodel {\n  mu ~ Normal(0, 1)\n  y ~ Normal(mu, 1)\n}\n")
    assert ppl("check", model).exit_code == 0
    assert ppl("check", model, "--strict").exit_code == 1


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*.ppl")), ids=lambda p: p.stem)
def test_only_models_that_cannot_be_refused_skip_the_planner(path: Path) -> None:
    core = check(parse_linked(path.read_text(), str(path))).core
    assert core is not None
    if not may_be_refused(core):
        plan(lower(core))


REFUSED = {
    "division": "z ~ Normal(0, 1)\n  y ~ Normal(1 / z, 1)",
    "root": "z ~ Normal(0, 1)\n  y ~ Normal(sqrt(z), 1)",
    "through a name": "z ~ Normal(0, 1)\n  a = log(z)\n  y ~ Normal(a, 1)",
    "infinite": "z[row] ~ Poisson(3)\n  y ~ Normal(mean(z), 1)",
}


@pytest.mark.parametrize("name", REFUSED)
def test_every_refusal_is_suspected(name: str) -> None:
    core = check(parse(f"data {{ y: real }}\nmodel {{\n  {REFUSED[name]}\n}}\n")).core
    assert core is not None
    with pytest.raises(ModelError):
        plan(lower(core))
    assert may_be_refused(core)


# ---- explain, graph, emit ----------------------------------------------------------------------------------------


def test_explain_as_json() -> None:
    record = json.loads(ppl("explain", str(MODELS / "coal.ppl"), "--json").stdout)
    switch = record["unknowns"]["switch"]
    assert (switch["distribution"], switch["estimator"], switch["level"]) == ("DiscreteUniform", "exact", "discrete")
    assert {"axes", "reason", "where", "cost"} <= set(switch)


def test_explain_with_data_measures_the_cost() -> None:
    record = json.loads(ppl("explain", SCHOOLS, SCHOOLS_DATA, "--json").stdout)
    assert record["cost"]["numbers"] == 10 and record["cost"]["rows"] == 8
    assert min(record["cost"]["density_ms"], record["cost"]["gradient_ms"]) > 0
    assert "with its gradient" in " ".join(ppl("explain", SCHOOLS, SCHOOLS_DATA).stdout.split())


def test_explain_one_unknown() -> None:
    lines = ppl("explain", SCHOOLS, "--site", "tau", columns=120).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["unknown", "tau"]
    assert ppl("explain", SCHOOLS, "--site", "nothing").exit_code == 2


@pytest.mark.parametrize("code", sorted({row.code for row in CODES.values()}))
def test_every_code_has_a_page(code: str) -> None:
    result = ppl("explain", code.lower())
    assert result.exit_code == 0 and result.stdout.startswith(f"{code} (") and "{" not in result.stdout.split("\n")[0]
    assert max(map(len, result.stdout.splitlines()[1:]), default=0) <= 120


def test_explain_a_code_that_is_not_there() -> None:
    assert ppl("explain", "E999").exit_code == 1


def test_graph_as_json_and_as_written() -> None:
    model = str(MODELS / "coal.ppl")
    record = json.loads(ppl("graph", model, "--format", "json").stdout)
    names = {node["name"]: node for node in record["nodes"]}
    assert names["switch"]["estimator"] == "exact" and names["disasters"]["kind"] == "observed"
    assert {"from": "rate", "to": "disasters"}.items() <= record["edges"][-1].items()
    before = json.loads(ppl("graph", model, "--format", "json", "--before").stdout)
    assert all(node["estimator"] is None for node in before["nodes"])


def test_emitted_program_is_python() -> None:
    compile(ppl("emit", SCHOOLS).stdout, "program", "exec")


# ---- fmt -------------------------------------------------------------------------------------------------------------

MESSY = "data { y:real }\nmodel{\nmu~Normal( 0,1 )\ny~Normal(mu,1)\n}\n"
NEAT = "data { y: real }\n\nmodel {\n  mu ~ Normal(0, 1)\n  y ~ Normal(mu, 1)\n}\n"


def test_fmt_in_place_and_then_nothing_to_do(tmp_path: Path) -> None:
    path = written(tmp_path, MESSY)
    assert ppl("fmt", path, "--check").exit_code == 1
    assert "laid out" in ppl("fmt", path).stderr
    neat = Path(path).read_text()
    again = ppl("fmt", path)
    assert again.exit_code == 0 and again.stderr == "" and Path(path).read_text() == neat != MESSY
    assert ppl("fmt", path, "--check").exit_code == 0


def test_fmt_through_a_pipe_and_as_a_diff(tmp_path: Path) -> None:
    piped = ppl("fmt", "-", stdin=MESSY).stdout
    assert ppl("fmt", "-", stdin=piped).stdout == piped
    path = written(tmp_path, MESSY)
    diff = ppl("fmt", path, "--diff")
    assert diff.exit_code == 0 and "+  mu ~ Normal(0, 1)" in diff.stdout and Path(path).read_text() == MESSY


def test_fmt_goes_on_after_a_file_with_errors(tmp_path: Path) -> None:
    bad, good = written(tmp_path, "model {", "bad.ppl"), written(tmp_path, MESSY, "good.ppl")
    result = ppl("fmt", bad, good)
    assert result.exit_code == 1 and "error[" in result.stderr
    assert Path(good).read_text() != MESSY and Path(bad).read_text() == "model {"


# ---- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["fit", "check", "explain", "graph", "emit", "fmt"])
def test_a_missing_model_is_an_error_with_a_suggestion(verb: str) -> None:
    result = ppl(verb, str(MODELS / "eight_scools.ppl"))
    assert result.exit_code == 1
    assert "error[E705]" in result.output and "eight_schools.ppl`?" in result.output


@pytest.mark.parametrize("verb", ["fit", "check", "explain", "graph"])
def test_errors_as_json(verb: str, tmp_path: Path) -> None:
    form = ["--format", "json"] if verb == "graph" else ["--json"]
    result = ppl(verb, written(tmp_path, BROKEN), *form)
    record = json.loads(result.stdout)
    assert result.exit_code == 1 and [e["code"] for e in record["errors"]] == ["E101"]


def test_a_model_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "m.ppl"
    path.write_bytes(b"data \xff")
    assert "byte 6 is not UTF-8" in ppl("check", str(path)).output


@pytest.mark.parametrize(
    "args",
    [("nothing",), ("fit",), ("fit", SCHOOLS, "--estimator", "mu"), ("check", SCHOOLS, "-D", "K"), ("fit", "-", "-")],
)
def test_wrong_command_lines(args: tuple[str, ...]) -> None:
    result = ppl(*args)
    assert result.exit_code == 2 and "Error: " in result.stderr


@pytest.mark.parametrize("verb", ["fit", "check", "explain"])
def test_the_model_comes_before_the_data(verb: str) -> None:
    swapped = ppl(verb, SCHOOLS_DATA, SCHOOLS)
    assert swapped.exit_code == 2
    assert f"the model comes first, then the data: `ppl {verb} {SCHOOLS} {SCHOOLS_DATA}`" in swapped.stderr
    alone = ppl(verb, SCHOOLS_DATA)
    assert alone.exit_code == 2 and "is data; the model comes first" in alone.stderr


def test_a_model_in_the_place_of_the_verb() -> None:
    assert "did you mean `ppl fit" in ppl(SCHOOLS).stderr


def test_constants_from_the_command_line(tmp_path: Path) -> None:
    model = "const K = 2\naxis k = K\ndata { y: real }\nmodel {\n  m[k] ~ Normal(0, 1)\n  y ~ Normal(sum(m), 1)\n}\n"
    path = written(tmp_path, model)
    assert ppl("check", path, "-D", "K=5").exit_code == 0
    assert "E211" in ppl("check", path, "-D", "J=5").output


def raises(error: BaseException, monkeypatch: pytest.MonkeyPatch, *more: str) -> Result:
    def fail(*args: object) -> None:
        raise error

    monkeypatch.setattr(check_command, "find", fail)
    return ppl("check", SCHOOLS, *more)


def test_our_own_mistakes_ask_for_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    result = raises(ZeroDivisionError("by zero"), monkeypatch)
    assert result.exit_code == 4 and "Traceback" not in result.output
    assert "internal error: ZeroDivisionError: by zero" in result.stderr and "Please report it" in result.stderr
    assert package.__version__ in result.stderr
    record = json.loads(raises(ZeroDivisionError("by zero"), monkeypatch, "--json").stdout)
    assert record["errors"][0]["code"] == "internal"


def test_too_little_memory_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    result = raises(MemoryError(), monkeypatch)
    assert result.exit_code == 1 and "E706" in result.stderr


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert raises(KeyboardInterrupt(), monkeypatch).exit_code == 130


def test_a_closed_pipe_is_no_error() -> None:
    with process("emit", str(MODELS / "seeds.ppl")) as run:
        assert run.stdout is not None and run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == ""
        assert run.wait(timeout=60) == 0


def test_version() -> None:
    assert ppl("--version").stdout == f"ppl {package.__version__}\n"
