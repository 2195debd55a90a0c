"""Imports: functions and nets of other files mean what they mean there, whatever the model calls its own things."""

from pathlib import Path

import pytest

from ppl.api import Model, compile, load
from ppl.check.check import check, is_library
from ppl.check.core import Core, Site
from ppl.source.diagnostic import ModelError
from ppl.syntax.imports import from_texts, link, parse_linked
from ppl.syntax.parse import parse

MODEL = """import {names} from "lib/util.ppl"

data {{
  y: real
}}

model {{
  m ~ Normal(0, 1)
  y ~ Normal({mean}, 1)
}}
"""


def core_of(mean: str, names: str, **texts: str) -> Core:
    """The model with this mean, importing from texts called by their names without the suffix."""
    files = {f"lib/{name}.ppl": text for name, text in texts.items()}
    checked = check(link(parse(MODEL.format(names=names, mean=mean)), from_texts(files)))
    assert checked.core is not None, checked.diagnostics
    return checked.core


def written(mean: str) -> Core:
    """The same model with the function written out."""
    checked = check(parse(MODEL.format(names="f", mean=mean).partition("\n")[2]))
    assert checked.core is not None, checked.diagnostics
    return checked.core


def mean_of(core: Core) -> object:
    return next(s.dist for s in core.statements if isinstance(s, Site) and s.role == "observed").args[0]


@pytest.mark.parametrize(
    ("util", "base", "means"),
    [
        ("fun f(x) = x + 1", "", "m + 1"),
        ("const K = 2\nfun f(x) = x * K", "", "m * 2"),
        ("const K = 2\nconst L = K + 1\nfun f(K) = K * L", "", "m * (2 + 1)"),
        ("fun g(x) = x + 1\nfun f(x) = g(g(x))", "", "m + 1 + 1"),
        ('import g from "base.ppl"\nfun f(x) = g(x)', "const K = 3\nfun g(x) = x * K", "m * 3"),
        ('import g from "base.ppl"\nconst K = 2\nfun f(x) = g(x) + K', "const K = 3\nfun g(x) = x * K", "m * 3 + 2"),
        ("fun f(x) {\n  y = x + 1\n  return y * y\n}", "", "(m + 1) * (m + 1)"),
    ],
)
def test_a_function_means_what_it_means_at_home(util: str, base: str, means: str) -> None:
    assert mean_of(core_of("f(m)", "f", util=util, base=base)) == mean_of(written(means))


def test_names_of_the_model_do_not_reach_into_a_file() -> None:
    for body in ("x * m", "x * K", "x + helper(x)", "x + y"):
        text = MODEL.format(names="f", mean="f(m)") + "const K = 2\nfun helper(x) = x\n"
        checked = check(link(parse(text), from_texts({"lib/util.ppl": f"fun f(x) = {body}"})))
        assert [d.code for d in checked.errors] in (["E101"], ["E102"])
        assert {d.span.file for d in checked.errors if d.span} == {"lib/util.ppl"}


def test_arguments_of_a_caller_do_not_reach_into_what_it_calls() -> None:
    with pytest.raises(AssertionError, match="E101"):
        core_of("f(m)", "f", util="fun g(z) = z * x\nfun f(x) = g(x)")


def test_a_name_may_be_that_of_something_in_the_file_it_comes_from() -> None:
    text = MODEL.format(names="f", mean="f(m) + g(m)") + "fun g(x) = 7 * x\n"
    checked = check(link(parse(text), from_texts({"lib/util.ppl": "fun g(x) = 10 * x\nfun f(x) = g(x)"})))
    core = checked.core
    assert core is not None
    assert mean_of(core) == mean_of(written("10 * m + 7 * m"))


def test_what_is_declared_twice_is_said_with_both_places() -> None:
    text = MODEL.format(names="f", mean="f(m)") + "fun f(x) = 7 * x\n"
    [complaint] = check(link(parse(text), from_texts({"lib/util.ppl": "fun f(x) = x"}))).errors
    assert complaint.code == "E202" and complaint.also[0].span.file == "lib/util.ppl"


def test_axes_come_along_and_give_way_to_those_of_the_model() -> None:
    util = "const N = 2\naxis part = N + 1\nfun f(x) = x + size(part)"
    assert {a.name: a.size for a in core_of("f(m)", "f", util=util).axes}["part"] == 3
    text = MODEL.format(names="f", mean="f(m)") + "axis part = 7\n"
    core = check(link(parse(text), from_texts({"lib/util.ppl": util}))).core
    assert core is not None and {a.name: a.size for a in core.axes}["part"] == 7


def test_a_function_may_return_a_distribution() -> None:
    text = MODEL.format(names="f", mean="0").replace("Normal(0, 1)\n}", "f(m, 2)\n}")
    util = "fun f(m, s) = if s > 1 then Truncated(StudentT(4, m, s), lower=0) else StudentT(4, m, s)"
    core = check(link(parse(text), from_texts({"lib/util.ppl": util}))).core
    assert core is not None


def test_nets_come_with_the_nets_that_they_call() -> None:
    util = (
        "const H = 3\naxis hid = H\nnet inner(x) -> h[hid] {\n  h = dense(x, hid, tanh)\n}\n"
        "net f(x) -> m {\n  h = inner(x)\n  m = dense(h)\n}\n"
    )
    core = core_of("f(m)", "f", util=util)
    assert any(p.name.startswith("inner.") for p in core.params)


def test_a_file_without_a_model_is_checked_on_its_own() -> None:
    good = parse("const K = 2\nfun f(x) = x * K")
    assert is_library(good) and check(good).diagnostics == ()
    assert [d.code for d in check(parse("fun f(x) = x * y")).errors] == ["E101"]
    with pytest.raises(ModelError, match="E406"):
        compile("fun f(x) = x")


# ---- files -------------------------------------------------------------------------------------------------------


def model_in(folder: Path, line: str) -> Path:
    path = folder / "project" / "model.ppl"
    path.parent.mkdir(exist_ok=True)
    path.write_text(MODEL.format(names="f", mean="f(m)").replace('import f from "lib/util.ppl"', line))
    return path


def codes(path: Path) -> list[str]:
    try:
        load(path)
    except ModelError as problem:
        return [d.code for d in problem.diagnostics]
    return []


def test_no_way_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.ppl").write_text("fun f(x) = x")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "link.ppl").symlink_to(tmp_path / "secret.ppl")
    (tmp_path / "project" / "folder").symlink_to(tmp_path)
    (tmp_path / "project" / "inside.ppl").write_text('import f from "../secret.ppl"\nfun g(x) = f(x)')
    ways = (
        "../secret.ppl",
        "link.ppl",
        "folder/secret.ppl",
        "lib/../../secret.ppl",
        f"{tmp_path}/secret.ppl",
        "C:/a.ppl",
    )
    for way in ways:
        assert codes(model_in(tmp_path, f'import f from "{way}"')) == ["E121"], way
    assert codes(model_in(tmp_path, 'import g from "inside.ppl"')) == ["E121"]
    (tmp_path / "project" / "secret.ppl").write_text("fun f(x) = x")
    assert codes(model_in(tmp_path, 'import f from "./lib/../secret.ppl"')) == []


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    path = model_in(tmp_path, 'import f from "link.ppl"')
    (path.parent / "real.ppl").write_text("fun f(x) = x + 1")
    (path.parent / "link.ppl").symlink_to(path.parent / "real.ppl")
    assert codes(path) == []


def test_a_model_compiles_again_from_the_texts_that_were_kept(tmp_path: Path) -> None:
    path = model_in(tmp_path, 'import f from "lib/util.ppl"')
    (path.parent / "lib").mkdir()
    (path.parent / "lib" / "util.ppl").write_text('import g from "base.ppl"\nfun f(x) = g(x)')
    (path.parent / "lib" / "base.ppl").write_text("fun g(x) = x + 1")
    model: Model = load(path)
    kept = {each.name: each.text for each in model.core.imports}
    assert sorted(kept) == ["lib/base.ppl", "lib/util.ppl"]
    again = compile(model.core.text, str(path.name), imports=kept)
    assert again.core == model.core and again.source == model.source


def test_errors_of_syntax_come_with_the_text_of_their_file(tmp_path: Path) -> None:
    path = model_in(tmp_path, 'import f from "util.ppl"')
    (path.parent / "util.ppl").write_text("fun f(x) = x +")
    with pytest.raises(ModelError) as caught:
        load(path)
    [complaint] = caught.value.diagnostics
    assert complaint.span is not None
    assert caught.value.texts[complaint.span.file] == "fun f(x) = x +"


def test_circles_are_found_through_the_model_itself(tmp_path: Path) -> None:
    path = model_in(tmp_path, 'import f from "util.ppl"')
    (path.parent / "util.ppl").write_text('import f from "model.ppl"\nfun g(x) = f(x)')
    with pytest.raises(ModelError, match="E123"):
        parse_linked(path.read_text(), str(path))
