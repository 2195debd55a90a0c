"""Draws of the tables against their own densities, and of the modifiers against what they mean."""

import numpy as np
import pytest
from scipy import stats

from ppl.check.check import check
from ppl.check.core import Core, Site
from ppl.forward.densities import log_density
from ppl.forward.draws import draw
from ppl.forward.named import Named, fixed
from ppl.forward.run import Given, run
from ppl.forward.world import World
from ppl.syntax.parse import parse

DRAWS = 40_000


def core(text: str) -> Core:
    checked = check(parse(text, "m.ppl"), {})
    assert checked.core is not None, checked.errors
    return checked.core


def site(dist: str, target: str = "x") -> Site:
    model = f'axis k = ["a", "b", "c"]\nmodel {{\n  {target} ~ {dist}\n}}\n'
    found = core(model).statements[-1]
    assert isinstance(found, Site)
    return found


def drawn(dist: str, target: str = "x") -> np.ndarray:
    s = site(dist, target)
    world = World({}, {"k": 3}, {"k": ("a", "b", "c")})
    return draw(s.dist, s.axes, DRAWS, world, np.random.default_rng(7)).values


CONTINUOUS = {
    "Normal(1, 2)": stats.norm(1, 2),
    "StudentT(5, 1, 2)": stats.t(5, 1, 2),
    "Gamma(3, 2)": stats.gamma(3, scale=0.5),
    "Beta(2, 5)": stats.beta(2, 5),
    "HalfCauchy(2)": stats.halfcauchy(scale=2),
    "Weibull(1.5, 3)": stats.weibull_min(1.5, scale=3),
    "LogNormal(0, 0.5)": stats.lognorm(0.5),
    "Truncated(Normal(0, 1), lower=1)": stats.truncnorm(1, np.inf),
    "Truncated(Normal(0, 1), upper=-3)": stats.truncnorm(-np.inf, -3),
    "Truncated(Normal(0, 1), lower=6, upper=7)": stats.truncnorm(6, 7),
    "Truncated(Normal(0, 1), lower=-1, upper=0.5)": stats.truncnorm(-1, 0.5),
    "Truncated(Exponential(2), lower=1)": stats.expon(1, 0.5),
}


@pytest.mark.parametrize("dist", CONTINUOUS)
def test_continuous_draws_have_their_distribution(dist: str) -> None:
    assert stats.kstest(drawn(dist), CONTINUOUS[dist].cdf).pvalue > 1e-3


DISCRETE = {
    "Poisson(3)": stats.poisson(3),
    "Binomial(10, 0.3)": stats.binom(10, 0.3),
    "Geometric(0.4)": stats.geom(0.4, -1),
    "NegBinomial(4, 2)": stats.nbinom(2, 2 / 6),
}


@pytest.mark.parametrize("dist", DISCRETE)
def test_counts_have_their_distribution(dist: str) -> None:
    x = drawn(dist)
    values = np.arange(6)
    shares = np.array([(x == v).mean() for v in values])
    assert np.abs(shares - DISCRETE[dist].pmf(values)).max() < 4.5 * 0.5 / np.sqrt(DRAWS)


def test_a_truncated_count_starts_at_its_end() -> None:
    x = drawn("Truncated(Poisson(2), lower=1, upper=3)")
    p = stats.poisson(2).pmf([1, 2, 3])
    assert np.abs(np.array([(x == v).mean() for v in (1, 2, 3)]) - p / p.sum()).max() < 0.012


def test_inflated_zeros() -> None:
    assert abs((drawn("ZeroInflated(0.3, Poisson(2))") == 0).mean() - (0.3 + 0.7 * np.exp(-2))) < 0.012


def test_a_mixture_is_drawn_component_by_component() -> None:
    model = core(
        "axis k = 3\nmodel {\n  w[k] ~ Dirichlet(1)\n  m[k] ~ Normal(0, 1)\n  x ~ Mixture(w, Normal(m, 0.1))\n}\n"
    )
    s = model.statements[-1]
    assert isinstance(s, Site)
    names = {"w": fixed([0.2, 0.3, 0.5], ("k",)), "m": fixed([-5.0, 0.0, 5.0], ("k",))}
    x = draw(s.dist, (), DRAWS, World(names, {"k": 3}), np.random.default_rng(1)).values
    assert np.abs([(x < -2).mean() - 0.2, (np.abs(x) < 2).mean() - 0.3]).max() < 0.012


def test_ordered_draws_are_the_sorted_ones() -> None:
    x = drawn("Ordered(Normal(0, 1))", "x[k]")
    assert (np.diff(x, axis=1) > 0).all()
    assert abs(x[:, 1].mean()) < 0.02 and abs(x.mean()) < 0.012


def test_simplexes_and_levels() -> None:
    x = drawn("Dirichlet([1, 2, 3])", "x[k]")
    np.testing.assert_allclose(x.sum(axis=1), 1.0)
    np.testing.assert_allclose(x.mean(axis=0), [1 / 6, 2 / 6, 3 / 6], atol=0.006)


def test_a_branch_that_is_not_taken_may_be_out_of_its_range() -> None:
    """`Normal(h[t - 1], s)` at the first position reads nothing; a negative rate of a branch that is not taken is no
    error either."""
    s = site("if 1 < 2 then Poisson(3) else Poisson(5)")
    world = World({}, {})
    assert np.isfinite(draw(s.dist, (), 100, world, np.random.default_rng(0)).values).all()


def test_draws_of_branches_have_the_axes_of_their_site_in_order() -> None:
    """The test varies over the second axis only."""
    model = core(
        "axis k = 2\naxis n = 3\nmodel {\n  for j in n {\n    late[j] = j > 1\n  }\n"
        "  x[k, n] ~ if late then Normal(100, 1) else Normal(0, 1)\n}\n"
    )
    world = World({}, {"k": 2, "n": 3})
    run(model.statements, world, 5, np.random.default_rng(0))
    x = world.names["x"]
    assert x.axes == ("k", "n") and x.values.shape == (5, 2, 3)
    assert (x.values[:, :, 0] < 50).all() and (x.values[:, :, 1:] > 50).all()


def test_an_argument_out_of_its_range_gives_no_number() -> None:
    model = core("model {\n  s ~ Normal(0, 1)\n  x ~ Exponential(exp(s))\n}\n")
    s = model.statements[-1]
    assert isinstance(s, Site)
    world = World(
        {
            "s": Named(np.array([0.0, np.nan])),
        },
        {},
    )
    x = draw(s.dist, (), 2, world, np.random.default_rng(0)).values
    assert np.isfinite(x[0]) and np.isnan(x[1])


# ---- recursions ----------------------------------------------------------------------------------------------------


def test_a_series_is_walked_and_has_its_stationary_spread() -> None:
    model = core(
        "axis time = 40\nmodel {\n  for t in time {\n"
        "    h[t] ~ if t == 1 then Normal(0, 1 / sqrt(1 - 0.64)) else Normal(0.8 * h[t - 1], 1)\n  }\n}\n"
    )
    world = World({}, {"time": 40})
    run(model.statements, world, 20_000, np.random.default_rng(3))
    h = world.names["h"].values
    np.testing.assert_allclose(h.std(axis=0), 1 / 0.6, rtol=0.03)
    np.testing.assert_allclose(np.corrcoef(h[:, 20], h[:, 25])[0, 1], 0.8**5, atol=0.03)


def test_given_positions_stay_and_the_rest_follows_them() -> None:
    model = core(
        "axis time = 5\nmodel {\n  for t in time {\n"
        "    h[t] ~ if t == 1 then Normal(0, 1) else Normal(h[t - 1], 0.001)\n  }\n}\n"
    )
    world = World({}, {"time": 5})
    known = np.array([True, True, False, False, False])
    given = {"h": Given(fixed([3.0, 7.0, np.nan, np.nan, np.nan], ("time",)), known)}
    run(model.statements, world, 50, np.random.default_rng(3), given)
    h = world.names["h"].values
    assert (h[:, :2] == [3.0, 7.0]).all()
    np.testing.assert_allclose(h[:, 2:], 7.0, atol=0.02)


def test_a_normal_vector_is_completed_given_its_known_part() -> None:
    """The rest of a jointly Normal vector against the conditional moments."""
    model = core(
        'axis k = ["a", "b", "c"]\nmodel {\n'
        "  for i in k { for j in k {\n    K[i, j] = if i == j then 2 else 1.5\n  } }\n"
        "  f[k] ~ MvNormal(1, cov=K)\n}\n"
    )
    world = World({}, {"k": 3}, {"k": ("a", "b", "c")})
    given = {"f": Given(fixed([4.0, 0.0, np.nan], ("k",)), np.array([True, True, False]))}
    run(model.statements, world, DRAWS, np.random.default_rng(2), given)
    f = world.names["f"].values
    cov = np.full((3, 3), 1.5) + 0.5 * np.eye(3)
    slope = np.linalg.solve(cov[:2, :2], cov[:2, 2])
    assert abs(f[:, 2].mean() - (1 + slope @ [3.0, -1.0])) < 0.02
    assert abs(f[:, 2].var() - (2 - slope @ cov[:2, 2])) < 0.02


def test_an_outcome_that_is_simulated_comes_before_what_reads_it() -> None:
    text = "data { y: real\n  x: real }\nmodel {\n  z = y * 2\n  x ~ Normal(z, 0.001)\n  y ~ Normal(5, 1)\n}\n"
    world = World({}, {"row": 30})
    run(core(text).statements, world, 1, np.random.default_rng(0))
    np.testing.assert_allclose(world.names["x"].values, 2 * world.names["y"].values, atol=0.01)


DENSITIES = {
    "Truncated(Normal(0, 1), lower=1)": stats.truncnorm(1, np.inf).logpdf,
    "Truncated(Gamma(2, 1), lower=1, upper=4)": lambda x: (
        stats.gamma(2).logpdf(x) - np.log(stats.gamma(2).cdf(4) - stats.gamma(2).cdf(1))
    ),
    "ZeroInflated(0.3, Poisson(2))": lambda x: np.log(0.7) + stats.poisson(2).logpmf(x),
    "Mixture([0.2, 0.3, 0.5], Normal([0, 1, 2], 1))": lambda x: np.log(
        0.2 * stats.norm(0).pdf(x) + 0.3 * stats.norm(1).pdf(x) + 0.5 * stats.norm(2).pdf(x)
    ),
}


@pytest.mark.parametrize("dist", [d for d in DENSITIES if "Mixture" not in d])
def test_densities_of_modifiers(dist: str) -> None:
    x = 2.0
    found = log_density(site(dist).dist, fixed(x), World({}, {"k": 3})).values
    np.testing.assert_allclose(found, DENSITIES[dist](x), rtol=1e-12)


def test_the_density_of_a_mixture() -> None:
    text = "axis k = 3\nmodel {\n  w[k] ~ Dirichlet(1)\n  m[k] ~ Normal(0, 1)\n  x ~ Mixture(w, Normal(m, 1))\n}\n"
    s = core(text).statements[-1]
    assert isinstance(s, Site)
    world = World({"w": fixed([0.2, 0.3, 0.5], ("k",)), "m": fixed([0.0, 1.0, 2.0], ("k",))}, {"k": 3})
    known = DENSITIES["Mixture([0.2, 0.3, 0.5], Normal([0, 1, 2], 1))"](1.5)
    np.testing.assert_allclose(log_density(s.dist, fixed(1.5), world).values, known, rtol=1e-12)
