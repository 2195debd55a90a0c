"""The fourteen pairs of model and guide of Lee, Rival and Yang (2023), "Smoothness analysis for probabilistic
programs": what their analysis says of every unknown and parameter, and which unknowns it selects for the path.

The published verdicts stand here as they are, of the model's densities and of the guide's: D for differentiable, L for
locally Lipschitz, T for neither, - where there is no such site. 31 of the names are continuous; 29 are selected."""

from collections.abc import Iterable
from pathlib import Path
from time import process_time

import pytest

from ppl.api import Model, compile, load
from ppl.check.check import check
from ppl.graph.graph import Plan, lower, unknowns
from ppl.rewrite.findings import LEVELS
from ppl.rewrite.plan import plan
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse
from tests.rewrite.analysed import terms

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
ALONG_A_PATH = ("reparam", "implicit")
LEVEL = {"D": "smooth", "L": "kink", "T": "jump"}
ORDER = ("const", "smooth", "kink", "jump")
CONTINUOUS: dict[str, dict[str, str]] = {
    "air": {"z_where": "LT", "z_what": "LL"},
    "br": {"a": "DD", "bA": "DD", "bR": "DD", "bAR": "DD", "sigma": "DD"},
    "csis": {"z": "DD"},
    "cvae": {"z": "LD"},
    "dmm": {"z": "LD"},
    "dpmm": {"beta": "DD", "lambda": "DD"},
    "lda": {"topic_weights": "DD", "topic_words": "DD", "doc_topics": "D-"},
    "mhmm": {"eps_g": "DD", "eps_i": "DD"},
    "prodlda": {"logtheta": "DD"},
    "scanvi": {"z1": "LD", "z2": "LL", "l": "DD"},
    "sgdef": dict.fromkeys(("w_top", "w_mid", "w_bottom", "z_top", "z_mid", "z_bottom"), "DD"),
    "spnor": {"z1": "DD", "z2": "TD"},
    "ssvae": {"z": "DD"},
    "vae": {"latent": "DD"},
}
DISCRETE: dict[str, str] = {
    "air": "z_pres", "dpmm": "z", "lda": "word_topics", "mhmm": "y", "scanvi": "y", "ssvae": "y",
}  # fmt: skip
# Where the pair that comes with the language is written so that the analysis can say more.
MORE_PRECISE = {("air", "z_where"): "kink"}
# The parameters that feed a kink, by the beginnings of their names; all others are differentiable.
KINKED: dict[str, tuple[str, ...]] = {
    "air": ("decoder.h.", "lstm.", "predictor.k.", "encoder.k."),
    "csis": ("infer.h1.", "infer.h2.", "infer.h3.", "infer.h4."),
    "cvae": ("prior_net.h.", "recog_net.h.", "gener_net.h."),
    "dmm": ("emitter.h.", "gate.g.W", "gate.g.b", "proposal.", "rnn."),
    "scanvi": ("z2_decoder.h.", "x_decoder.h.", "z2l_encoder.h.", "classifier.h.", "z1_encoder.h."),
}


def plans(model: Model) -> dict[str, Plan]:
    return {node.name: node.plan for node in unknowns(model.graph) if node.plan is not None}


def published(pair: str, name: str) -> str:
    """The rougher of the two verdicts, by our names."""
    return max((LEVEL[v] for v in CONTINUOUS[pair][name] if v != "-"), key=ORDER.index)


def roughest(levels: Iterable[str]) -> str:
    return max(levels, key=LEVELS.__getitem__, default="const")


def wanted(pair: str, name: str) -> str:
    return MORE_PRECISE.get((pair, name), published(pair, name))


def test_all_names_are_there() -> None:
    names = [published(pair, name) for pair, names in CONTINUOUS.items() for name in names]
    assert (len(CONTINUOUS), len(names), sum(v != "jump" for v in names)) == (14, 31, 29)


@pytest.mark.parametrize("pair", CONTINUOUS)
def test_unknowns_are_as_smooth_as_published_or_more(pair: str) -> None:
    found = {name: p.level for name, p in plans(load(MODELS / f"{pair}.ppl")).items()}
    own = {DISCRETE[pair]: "discrete"} if pair in DISCRETE else {}
    assert found == {**{name: wanted(pair, name) for name in CONTINUOUS[pair]}, **own}
    assert all(ORDER.index(found[name]) <= ORDER.index(published(pair, name)) for name in CONTINUOUS[pair])


@pytest.mark.parametrize("pair", CONTINUOUS)
def test_unknowns_along_a_path_are_those_published(pair: str) -> None:
    found = {name for name, p in plans(load(MODELS / f"{pair}.ppl")).items() if p.estimator in ALONG_A_PATH}
    assert found == {name for name in CONTINUOUS[pair] if wanted(pair, name) != "jump"}


@pytest.mark.parametrize(("pair", "name"), [("spnor", "z2"), *DISCRETE.items()])
def test_the_others_are_not_even_allowed_along_a_path(pair: str, name: str) -> None:
    found = plans(load(MODELS / f"{pair}.ppl"))[name]
    assert not {found.estimator, *found.others} & set(ALONG_A_PATH)


def test_a_guide_that_divides_by_what_may_be_zero_is_refused() -> None:
    """As it was published, the guide of `air` divides by the scale itself."""
    text = (MODELS / "air.ppl").read_text()
    as_published = text.replace('max(z_where[row, t, "scale"], 0.5)', 'z_where[row, t, "scale"]')
    assert as_published != text
    with pytest.raises(ModelError) as caught:
        compile(as_published)
    (found,) = caught.value.diagnostics
    assert found.code == "E530"
    assert "`z_where`" in found.message and "`/` of a value that may leave its domain" in found.message


@pytest.mark.parametrize("pair", CONTINUOUS)
def test_parameters_are_as_smooth_as_published(pair: str) -> None:
    path = MODELS / f"{pair}.ppl"
    core = load(path).core
    names = [p.name for p in (*core.params, *(p for g in core.guides for p in g.params))]
    densities = terms(path.read_text()).values()
    found = {name: roughest([d[name].level for d in densities if name in d]) for name in names}
    # where the place of a point mass is all that a parameter moves, no density has it
    placed = {name for name in names if found[name] == "const"}
    assert bool(placed) == (pair == "lda")
    kinked = {name for name in names if name.startswith(KINKED.get(pair, ()) or "-")}
    assert found == {n: "const" if n in placed else "kink" if n in kinked else "smooth" for n in names}
    assert all(any(n.startswith(start) for n in names) for start in KINKED.get(pair, ()))


def test_the_analysis_takes_little_more_than_reading() -> None:
    """All fourteen together, less than a second; held against the time of parsing, which depends on the machine as the
    analysis does."""
    reading = analysing = 0.0
    for pair in CONTINUOUS:
        text = (MODELS / f"{pair}.ppl").read_text()
        began = process_time()
        file = parse(text, pair)
        read = process_time()
        core = check(file).core
        assert core is not None
        plan(lower(core))
        reading, analysing = reading + read - began, analysing + process_time() - read
    assert analysing < 8 * reading
