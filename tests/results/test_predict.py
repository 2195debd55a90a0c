"""Predictions for new rows: what comes from the draws, what from the prior given them, and what is refused."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ppl.api import compile, load
from ppl.results.fit import Fit, load_fit
from ppl.results.predict_table import columns, draws_csv, predictions_csv, predictions_json, predictions_lines
from ppl.results.quantity import Probabilities, Quantity
from ppl.source.diagnostic import ModelError

RNG = np.random.default_rng(4)
GROUPS = """data {
  g: factor
  x: real
  size: real per g
  y: real
}
model {
  mu ~ Normal(0, 5)
  b ~ Normal(0, 2)
  s_g ~ HalfNormal(2)
  s ~ HalfNormal(1)
  a[g] ~ Normal(mu + 0.5 * (size - mean(size)), s_g)
  eta = a[g] + b * (x - mean(x)) / sd(x)
  y ~ Normal(eta, s)
}
predict {
  high = y_again > 3
  y_again[row] ~ Normal(eta, s)
  next ~ Normal(mu, s_g)
}
""".replace(
    "  high = y_again > 3\n  y_again[row] ~ Normal(eta, s)\n", "  y_again[row] ~ Normal(eta, s)\n  high = y_again > 3\n"
)


def grouped(rows: int = 160) -> dict[str, list]:
    g = np.arange(rows) % 8
    size = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    a = 2 + 0.5 * (size - 4.5) + np.array([1.0, -1.0, 0.5, -0.5, 0.2, -0.2, 0.8, -0.8])
    x = 10 + 3 * RNG.normal(size=rows)
    y = a[g] + 1.5 * (x - x.mean()) / x.std(ddof=1) + 0.5 * RNG.normal(size=rows)
    return {"g": [f"g{i}" for i in g], "x": x.tolist(), "size": size[g].tolist(), "y": y.tolist()}


DATA = grouped()


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """A fit that has gone through a file."""
    path = tmp_path_factory.mktemp("fit") / "g.fit.npz"
    compile(GROUPS).fit(DATA).save(path)
    return load_fit(path)


def number(quantity: Quantity | Probabilities) -> Quantity:
    assert isinstance(quantity, Quantity)
    return quantity


def test_known_levels_and_means_of_the_training_data(fit: Fit) -> None:
    """One row alone: the mean and the sd of x are those of the fit, not of the row."""
    new = {"g": ["g3"], "x": [16.0], "size": [4.0]}
    eta = number(fit.predict(new)["eta"])
    x = np.asarray(DATA["x"])
    a, b = number(fit["a"]).sel(g="g3").draws, number(fit["b"]).draws
    by_hand = a + b * (16.0 - x.mean()) / x.std(ddof=1)
    np.testing.assert_allclose(eta.draws[:, 0], by_hand[: len(eta.draws)], rtol=1e-9)


def test_the_outcome_has_the_noise_of_the_model(fit: Fit) -> None:
    found = fit.predict({"g": ["g3"] * 40, "x": [10.0] * 40, "size": [4.0] * 40})
    y, eta, s = number(found["y"]), number(found["eta"]), number(fit["s"])
    total = float(np.mean(y.sd() ** 2))
    assert abs(total - float(np.mean(eta.sd() ** 2)) - float(s.mean() ** 2 + s.sd() ** 2)) < 0.05 * total
    assert found.outcomes == ("y",)


def test_a_new_level_comes_from_its_prior_given_the_others(fit: Fit) -> None:
    """With its own column: a[new] ~ Normal(mu + 0.5 (size - mean(size)), s_g)."""
    new = {"g": ["g3", "new", "new"], "x": [10.0] * 3, "size": [4.0, 20.0, 20.0]}
    found = fit.predict(new)
    eta, mu, s_g = number(found["eta"]), number(fit["mu"]), number(fit["s_g"])
    assert found.new_levels == {2: ("g=new",), 3: ("g=new",)}
    assert [w.code for w in found.warnings] == ["W153"]
    b, x = number(fit["b"]), np.asarray(DATA["x"])
    centre = mu.mean() + 0.5 * (20.0 - 4.5) + b.mean() * (10.0 - x.mean()) / x.std(ddof=1)
    assert abs(eta.mean()[1] - centre) < 0.1
    assert abs(eta.sd()[1] ** 2 - (s_g.mean() ** 2 + s_g.sd() ** 2 + mu.sd() ** 2)) < 0.15 * eta.sd()[1] ** 2
    np.testing.assert_array_equal(eta.draws[:, 1], eta.draws[:, 2])
    assert eta.sd()[1] > 3 * eta.sd()[0]


def test_new_levels_may_be_refused(fit: Fit) -> None:
    with pytest.raises(ModelError) as problem:
        fit.predict({"g": ["g3", "new"], "x": [1.0, 2.0], "size": [4.0, 20.0]}, new_levels="error")
    assert problem.value.diagnostics[0].code == "E807"
    assert "row 2" in problem.value.diagnostics[0].message


def test_the_predict_block_is_computed_for_new_rows_and_for_the_fit(fit: Fit) -> None:
    assert isinstance(fit["next"], Quantity)
    mu, s_g = number(fit["mu"]), number(fit["s_g"])
    expected = mu.sd() ** 2 + s_g.mean() ** 2 + s_g.sd() ** 2
    assert abs(number(fit["next"]).sd() ** 2 - expected) < 0.15 * expected
    found = fit.predict({"g": ["g0", "g7"], "x": [10.0, 16.0], "size": [1.0, 8.0]})
    high = found["high"]
    assert isinstance(high, Probabilities) and high.levels == ("false", "true")
    assert high.prob[0, 1] < 0.5 < high.prob[1, 1]


def test_columns_that_the_model_reads_must_be_there(fit: Fit) -> None:
    with pytest.raises(ModelError) as problem:
        fit.predict({"g": ["g3"], "size": [4.0]})
    assert problem.value.diagnostics[0].code == "E601"


def test_the_same_seed_gives_the_same_numbers(fit: Fit) -> None:
    new = {"g": ["g3", "new"], "x": [1.0, 2.0], "size": [4.0, 2.0]}
    a, b, c = (number(fit.predict(new, seed=s)["y"]).draws for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_tables(fit: Fit) -> None:
    found = fit.predict({"g": ["g3", "new"], "x": [1.0, 2.0], "size": [4.0, 2.0]})
    assert list(columns(found))[:5] == ["eta_mean", "eta_sd", "eta_q05", "eta_q50", "eta_q95"]
    head, first, second = predictions_csv(found, mean_only=True).splitlines()
    assert head == "row,new_levels,eta,y,y_again,high_P(false),high_P(true)"
    assert first.startswith("1,,") and second.startswith("2,g=new,")
    said = predictions_json(found)
    assert said["new_levels"] == {"2": ["g=new"]} and list(said["predictions"]) == ["y"]
    assert len(said["predictions"]["y"]["mean"]) == 2
    lines = draws_csv(found).splitlines()
    assert lines[0] == "draw,row,eta,y,y_again" and len(lines) == 1 + 2 * len(number(found["y"]).draws)


def test_columns_without_room_stand_below(fit: Fit) -> None:
    new = fit.predict({"g": ["g3", "g4"], "x": [1.0, 2.0], "size": [4.0, 2.0]})
    wide, narrow = list(predictions_lines(new, width=200)), list(predictions_lines(new, width=40))
    assert all(len(line) <= 40 for line in narrow) and narrow.count("") > 1
    stacks = "\n".join(narrow).split("\n\n")
    assert [h for stack in stacks for h in stack.split("\n")[0].split()[1:]] == wide[0].split()[1:]
    for row in range(1, len(wide)):
        assert {stack.splitlines()[row].split()[0] for stack in stacks} == {wide[row].split()[0]}
        assert [w for stack in stacks for w in stack.splitlines()[row].split()[1:]] == wide[row].split()[1:]


def test_a_file_of_the_first_version_loads_and_says_what_it_lacks(fit: Fit, tmp_path: Path) -> None:
    new, old = tmp_path / "new.npz", tmp_path / "old.npz"
    fit.save(new)
    with zipfile.ZipFile(new) as source, zipfile.ZipFile(old, "w") as out:
        head = json.loads(source.read("fit.json"))
        del head["carried"], head["imports"]
        out.writestr("fit.json", json.dumps({**head, "version": 1}))
        for name in source.namelist():
            if name != "fit.json":
                out.writestr(name, source.read(name))
    loaded = load_fit(old)
    np.testing.assert_array_equal(number(loaded["mu"]).draws, number(fit["mu"]).draws)
    with pytest.raises(ModelError) as problem:
        loaded.predict({"g": ["g3"], "x": [1.0], "size": [4.0]})
    assert problem.value.diagnostics[0].code == "E808"


# ---- series --------------------------------------------------------------------------------------------------------

WALK = """data sorted by day {
  day: int
  y: real
}
model {
  s ~ HalfNormal(1)
  for t in row {
    h[t] ~ if t == 1 then Normal(0, 5) else Normal(h[t - 1], 0.3)
  }
  y ~ Normal(h, s)
}
"""


def test_a_series_goes_on_from_its_last_row() -> None:
    h = np.cumsum(0.3 * RNG.normal(size=20)) + 4
    fit = compile(WALK).fit({"day": list(range(20)), "y": (h + 0.2 * RNG.normal(size=20)).tolist()}, restarts=1)
    found = number(fit.predict({"day": [20, 21, 22, 23]})["y"])
    last, s = number(fit["h"]).sel(row="20"), number(fit["s"])
    assert abs(found.mean()[0] - last.mean()) < 0.05
    ahead = np.arange(1, 5)
    expected = last.sd() ** 2 + 0.09 * ahead + s.mean() ** 2 + s.sd() ** 2
    np.testing.assert_allclose(found.sd() ** 2, expected, rtol=0.12)


def test_a_hidden_chain_goes_on_from_its_last_state() -> None:
    """States are summed out of the fit; their last draws go on by the transition matrix, which is nearly diagonal."""
    text = (
        "axis k = 2\ndata sorted by t { t: int\n  y: real }\nmodel {\n  move[k, k] ~ Dirichlet(1)\n"
        "  m[k] ~ Ordered(Normal(0, 10))\n  for i in row {\n"
        "    z[i] ~ if i == 1 then Categorical(uniform(k)) else Categorical(move[z[i - 1]])\n  }\n"
        "  y ~ Normal(m[z], 1)\n}\n"
    )
    z = np.repeat([0, 1, 0, 1], 20)
    fit = compile(text).fit({"t": list(range(80)), "y": (8.0 * z + RNG.normal(size=80)).tolist()})
    y = number(fit.predict({"t": list(range(80, 140))})["y"])
    move, m, w = number(fit["move"]).draws, number(fit["m"]).draws, number(fit["move"]).weights
    state, expected = np.tile([0.0, 1.0], (len(move), 1)), []
    for _ in range(60):
        state = np.einsum("si,sij->sj", state, move)
        expected.append(w @ (state * m).sum(axis=1))
    np.testing.assert_allclose(y.mean(), expected, atol=0.45)
    assert y.mean()[0] > 6.5 and y.mean()[-1] < 6.0


def test_a_derived_recursion_goes_on_from_its_last_value() -> None:
    """An exponential average of the outcomes before: its value at the next row is known from the last ones."""
    text = (
        "data sorted by t { t: int\n  y: real }\nmodel {\n  a ~ Beta(2, 2)\n  s ~ HalfNormal(1)\n"
        "  for i in row {\n    level[i] = if i == 1 then 0 else (1 - a) * level[i - 1] + a * y[i - 1]\n  }\n"
        "  y ~ Normal(level, s)\n}\n"
    )
    y = np.cumsum(0.5 * RNG.normal(size=120)) + RNG.normal(size=120)
    fit = compile(text).fit({"t": list(range(120)), "y": y.tolist()})
    found = number(fit.predict({"t": [120, 121], "y": [5.0, None]})["level"])
    a = number(fit["a"]).draws
    level = np.zeros(len(a))
    for x in y:
        level = (1 - a) * level + a * x
    np.testing.assert_allclose(found.draws[:, 0], level, rtol=1e-6)
    np.testing.assert_allclose(found.draws[:, 1], (1 - a) * level + a * 5.0, rtol=1e-6)


def test_rows_before_the_end_of_a_series_are_refused() -> None:
    fit = compile(WALK).fit({"day": list(range(12)), "y": RNG.normal(size=12).tolist()}, restarts=1)
    with pytest.raises(ModelError) as problem:
        fit.predict({"day": [5, 6]})
    assert problem.value.diagnostics[0].code == "E809"


AR = """data sorted by t {
  t: int
  y: real
}
model {
  phi ~ Uniform(-1, 1)
  s ~ HalfNormal(1)
  for i in row {
    m[i] = if i == 1 then 0 else phi * y[i - 1]
  }
  y ~ Normal(m, s)
}
"""


def test_an_autoregression_reads_outcomes_where_it_has_them() -> None:
    y = [0.0]
    for _ in range(120):
        y.append(0.8 * y[-1] + 0.5 * RNG.normal())
    fit = compile(AR).fit({"t": list(range(121)), "y": y})
    phi = number(fit["phi"]).mean()
    free = number(fit.predict({"t": [121, 122, 123]})["m"])
    assert abs(free.mean()[0] - phi * y[-1]) < 1e-6 + 0.02 * abs(y[-1])
    seen = number(fit.predict({"t": [121, 122], "y": [3.0, None]})["m"])
    assert abs(seen.mean()[1] - phi * 3.0) < 0.02 and seen.sd()[1] < free.sd()[1]


def test_a_gaussian_process_is_predicted_given_the_training_rows() -> None:
    text = (
        "data { x: real\n  y: real }\nmodel {\n  for i in row { for j in row {\n"
        "    K[i, j] = exp(-(x[i] - x[j])^2) + (if i == j then 0.0001 else 0)\n  } }\n"
        "  f[row] ~ MvNormal(0, cov=K)\n  y ~ Normal(f, 0.1)\n}\n"
    )
    x = np.linspace(-2, 2, 15)
    y = np.sin(x) + 0.1 * RNG.normal(size=15)
    fit = compile(text).fit({"x": x.tolist(), "y": y.tolist()})
    found = number(fit.predict({"x": [0.1, 6.0]})["y"])
    k = np.exp(-((x[:, None] - x) ** 2)) + 1e-4 * np.eye(15)
    k_new = np.exp(-((np.array([0.1, 6.0])[:, None] - x) ** 2))
    mean = k_new @ np.linalg.solve(k + 0.01 * np.eye(15), y)
    var = 1.0 + 1e-4 - np.einsum("ij,ji->i", k_new, np.linalg.solve(k + 0.01 * np.eye(15), k_new.T)) + 0.01
    np.testing.assert_allclose(found.mean(), mean, atol=0.06)
    np.testing.assert_allclose(found.sd() ** 2, var, rtol=0.1)


# ---- other kinds ---------------------------------------------------------------------------------------------------


def test_labels_of_new_rows_come_from_the_mixture() -> None:
    text = (
        "axis k = 2\ndata { y: real }\nmodel {\n  w[k] ~ Dirichlet(2)\n  m[k] ~ Ordered(Normal(0, 5))\n"
        "  z[row] ~ Categorical(w)\n  y ~ Normal(m[z], 0.5)\n}\n"
    )
    y = np.concatenate([RNG.normal(-3, 0.5, 30), RNG.normal(3, 0.5, 90)])
    fit = compile(text).fit({"y": y.tolist()})
    found = number(fit.predict({"y": [None] * 50})["y"]).draws
    assert abs((found > 0).mean() - number(fit["w"]).mean()[1]) < 0.02
    assert abs(found[found > 0].mean() - 3) < 0.2


def test_a_switch_that_is_summed_out_is_drawn_with_the_rest() -> None:
    """`switch` has no draws of its own in the fit; predictions take it together with the rates."""
    text = (
        "data sorted by year { year: int\n  n: int >= 0 }\nmodel {\n  early ~ Exponential(1)\n  late ~ Exponential(1)\n"
        "  switch ~ DiscreteUniform(min(year), max(year))\n  n ~ Poisson(if year < switch then early else late)\n}\n"
    )
    years = np.arange(1900, 1940)
    n = np.where(years < 1920, RNG.poisson(8, 40), RNG.poisson(1, 40))
    fit = compile(text).fit({"year": years.tolist(), "n": n.tolist()})
    found = number(fit.predict({"year": [1905, 1935]})["n"])
    np.testing.assert_allclose(found.mean(), [number(fit["early"]).mean(), number(fit["late"]).mean()], rtol=0.1)


def test_missing_cells_of_new_rows_are_drawn() -> None:
    text = (
        "data { x: real?\n  y: real }\nmodel {\n  m ~ Normal(0, 5)\n  x ~ Normal(m, 1)\n  b ~ Normal(0, 2)\n"
        "  y ~ Normal(b * x, 0.1)\n}\n"
    )
    x = RNG.normal(2, 1, 60)
    fit = compile(text).fit({"x": [*x[:-2].tolist(), None, None], "y": (3 * x).tolist()})
    y = number(fit.predict({"x": [1.0, None]})["y"])
    assert abs(y.mean()[0] - 3.0) < 0.1 and y.sd()[0] < 0.3
    assert abs(y.mean()[1] - 3 * x.mean()) < 0.5 and 2.0 < y.sd()[1] < 4.0


def test_what_censors_an_outcome_is_not_needed() -> None:
    text = (
        "data { t: real > 0\n  gone: bool }\nmodel {\n  r ~ Gamma(2, 1)\n"
        "  t ~ Censored(Exponential(r), right=gone)\n}\n"
    )
    t = RNG.exponential(0.5, 80)
    fit = compile(text).fit({"t": np.minimum(t, 1.0).tolist(), "gone": (t > 1.0).tolist()})
    found = number(fit.predict({"t": [None] * 20})["t"])
    assert abs(found.mean().mean() - (1 / number(fit["r"]).draws).mean()) < 0.05


def test_simplexes_over_new_levels_are_refused() -> None:
    text = "data { c: factor\n  n: int >= 0 }\nmodel {\n  w[c] ~ Dirichlet(1)\n  n ~ Poisson(100 * w[c])\n}\n"
    fit = compile(text).fit({"c": ["a", "b", "c", "a"], "n": [30, 20, 50, 31]})
    with pytest.raises(ModelError) as problem:
        fit.predict({"c": ["a", "d"]})
    assert problem.value.diagnostics[0].code == "E802"


def test_the_best_school_and_a_ninth_one() -> None:
    """Against the draws of theta: shares of being the largest; and tau adds to the spread of mu."""
    models = Path(__file__).parents[2] / "models"
    fit = load(models / "eight_schools.ppl").fit(models / "eight_schools.csv")
    best, theta = fit["best"], number(fit["theta"])
    assert isinstance(best, Probabilities) and best.levels == theta.labels[0]
    largest = np.argmax(theta.draws, axis=1)
    shares = [float(theta.weights[largest == i].sum()) for i in range(8)]
    np.testing.assert_allclose(best.prob, shares, atol=1e-12)
    mu, tau, new = (number(fit[name]) for name in ("mu", "tau", "pooled_new"))
    second_moment = float(np.sum(tau.weights * tau.draws**2))
    assert abs(float(new.sd()) ** 2 - float(mu.sd()) ** 2 - second_moment) < 0.1 * float(new.sd()) ** 2


def test_an_amortised_guide_draws_the_unknowns_of_new_rows() -> None:
    """Where the new rows have the column that the guide reads: z ~ Normal(0.8 y, 0.447), here the exact posterior."""
    text = (
        "data { y: real }\nmodel {\n  z[row] ~ Normal(0, 1)\n  y ~ Normal(z, 0.5)\n}\n"
        "guide {\n  param a = 0\n  param s: real > 0 = 1\n  z[row] ~ Normal(a * y, s)\n}\n"
    )
    fit = compile(text).fit({"y": RNG.normal(0, 1.118, 200).tolist()})
    seen = number(fit.predict({"y": [3.0, -3.0]})["y"])
    np.testing.assert_allclose(seen.mean(), [2.4, -2.4], atol=0.06)
    np.testing.assert_allclose(seen.sd(), np.sqrt(0.2 + 0.25), rtol=0.06)


def test_several_tables_are_predicted_by_rows_of_the_main_one() -> None:
    text = (
        "data people { id: key\n  age: real }\ndata trials { who: people\n  y: real }\n"
        "model {\n  b ~ Normal(0, 1)\n  a[people] ~ Normal(b * (age - 40) / 10, 1)\n  y ~ Normal(a[who], 0.5)\n}\n"
    )
    ages = [20.0, 40.0, 60.0]
    people = {"id": ["p", "q", "r"], "age": ages}
    who = ["p", "q", "r"] * 8
    y = [2.0 * (ages["pqr".index(w)] - 40) / 10 / 2 + 0.3 * RNG.normal() for w in who]
    fit = compile(text).fit({"people": people, "trials": {"who": who, "y": y}})
    found = number(fit.predict({"who": ["r", "p"]})["y"])
    a = number(fit["a"])
    np.testing.assert_allclose(found.mean(), [a.sel(people="r").mean(), a.sel(people="p").mean()], atol=0.05)


def test_a_matrix_of_columns_must_have_the_same_columns() -> None:
    text = 'data { x[g]: real from "g*"\n  y: real }\nmodel {\n  b[g] ~ Normal(0, 1)\n  y ~ Normal(x @ b, 1)\n}\n'
    x = RNG.normal(size=(30, 2))
    fit = compile(text).fit({"g1": x[:, 0].tolist(), "g2": x[:, 1].tolist(), "y": (x @ [1.0, -1.0]).tolist()})
    y = number(fit.predict({"g1": [2.0], "g2": [0.0]})["y"])
    assert abs(y.mean()[0] - 2 * number(fit["b"]).sel(g="g1").mean()) < 0.1
    with pytest.raises(ModelError) as problem:
        fit.predict({"g1": [2.0], "g3": [0.0]})
    assert problem.value.diagnostics[0].code == "E810"


def test_a_level_that_the_data_have_not_is_noticed_before_the_fit() -> None:
    model = compile(GROUPS.replace("  next ~", '  gap = a["g0"] - a["g9"]\n  next ~'))
    with pytest.raises(ModelError) as problem:
        model.bind(DATA)
    assert problem.value.diagnostics[0].code == "E331"


def test_a_predict_block_cannot_draw_what_is_improper() -> None:
    with pytest.raises(ModelError) as problem:
        compile(GROUPS.replace("  next ~ Normal(mu, s_g)", "  next ~ Flat()"))
    assert problem.value.diagnostics[0].code == "E416"
