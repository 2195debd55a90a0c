"""Draws from uniforms: scipy's quantiles, derivatives of integrals by quadrature, no gradient where none flows."""

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats as st
from draw_cases import FAMILIES, Angle, Case
from small import Program, family, modified, number, ref

from ppl.check.core import Dist
from ppl.emit.draws import cdf, noises, pathwise, pathwise_kind, quantile, quantile_path, sampled, survival
from ppl.emit.val import Val
from ppl.stdlib.distributions import DISTRIBUTIONS

N = 4000
GRID = (np.arange(N) + 0.5) / N
EXTREMES = np.array([1e-300, 1e-16, 2.0**-53, 0.5, 1 - 1e-12, 1 - 2.0**-53])
each = pytest.mark.parametrize("case", FAMILIES, ids=[c.name for c in FAMILIES])


def program(case: Case, *uniforms: np.ndarray) -> tuple[Program, Val, Val]:
    """A draw with its gradient, and one without, from the same uniforms."""
    p = Program({n: ((), np.full(len(uniforms[0]), v)) for n, v in case.params.items()})
    noise = p.noise("z", (), *uniforms)
    return p, pathwise(p.s, case.dist, noise, ())[0], sampled(p.s, case.dist, noise, ())


def smooth(x: np.ndarray) -> np.ndarray:
    return np.tanh(0.8 * x)


def smooth_val(p: Program, x: Val) -> Val:
    return p.b.apply("tanh", p.b.mul(p.b.lit(0.8), x))


def expectation(law) -> float:
    """The integral of `smooth` under a density, on panels between quantiles that crowd at both ends."""
    tails = np.concatenate([[1e-15], np.geomspace(1e-14, 0.5, 90)])
    edges = law.edges() if hasattr(law, "edges") else np.concatenate([law.ppf(tails), law.ppf(1 - tails[::-1])])
    nodes, weights = np.polynomial.legendre.leggauss(20)
    low, high = edges[:-1, None], edges[1:, None]
    x = 0.5 * (low + high) + 0.5 * (high - low) * nodes
    with np.errstate(all="ignore"):
        density = law.pdf(x)
    density[~np.isfinite(density)] = 0.0  # a panel that has shrunk to one number
    return float(np.sum(weights * 0.5 * (high - low) * smooth(x) * density))


def derivative(f, values: list[float], i: int) -> float:
    def at(k: float) -> float:
        moved = list(values)
        moved[i] += k * h
        return f(*moved)

    h = 5e-4 * max(abs(values[i]), 0.1)
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)


@each
def test_draws_are_quantiles(case):
    p, x, detached = program(case, GRID)
    law = case.reference(*case.params.values())
    drawn, plain = p.run(x, detached)
    np.testing.assert_array_equal(drawn, plain)
    if hasattr(law, "ppf"):
        np.testing.assert_allclose(drawn, law.ppf(GRID), rtol=1e-9, atol=1e-12)
    below_one = drawn < 1 - 1e-9 if case.dist.name == "Beta" else np.full(N, True)
    np.testing.assert_allclose(law.cdf(drawn)[below_one], GRID[below_one], rtol=1e-7)


@each
def test_pathwise_gradients_are_those_of_the_integral(case):
    p, x, _ = program(case, GRID)
    found = [g.mean() for g in p.slopes(smooth_val(p, x), case.params)]
    values = list(case.params.values())
    wanted = [derivative(lambda *v: expectation(case.reference(*v)), values, i) for i in range(len(values))]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    assert pathwise_kind(case.dist) == case.kind


@pytest.mark.parametrize("case", [c for c in FAMILIES if c.dist.name != "VonMises"], ids=lambda c: c.name)
def test_slopes_are_those_of_scipys_quantiles(case):
    u = np.linspace(0.01, 0.99, 99)
    p, x, _ = program(case, u)
    values = list(case.params.values())
    for i, slope in enumerate(p.slopes(x, case.params)):
        wanted = derivative(lambda *v: case.reference(*v).ppf(u), values, i)
        np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-8 * (1 + np.abs(wanted).max()))


@each
def test_no_gradient_flows_through_a_sampled_draw(case):
    p, _, detached = program(case, GRID)
    assert not any(g.any() for g in p.slopes(smooth_val(p, detached), case.params))


@each
def test_draws_stay_in_the_support_at_the_ends(case):
    p, x, _ = program(case, EXTREMES)
    drawn, *slopes = [*p.run(x), *p.slopes(smooth_val(p, x), case.params)]
    assert np.isfinite(drawn).all() and (np.diff(drawn) >= 0).all()
    assert np.isfinite(case.reference(*case.params.values()).pdf(drawn)).all()
    assert all(np.isfinite(g).all() for g in slopes)
    if DISTRIBUTIONS.get(case.dist.name) and DISTRIBUTIONS[case.dist.name].support.low == "0":
        assert (drawn > 0).all() or (drawn[0] == 0 and DISTRIBUTIONS[case.dist.name].support.closed)
    if case.dist.name == "Beta":
        assert (drawn < 1).all()


@pytest.mark.parametrize("shape", [0.02, 0.005])
def test_shapes_so_small_that_draws_underflow(shape):
    p = Program({"a": ((), np.full(6, shape)), "b": ((), np.full(6, shape))})
    for dist in (family("Gamma", ref("a"), 1.0), family("Beta", ref("a"), ref("b")), family("InvGamma", ref("a"), 1.0)):
        x, _ = pathwise(p.s, dist, p.noise(dist.name, (), EXTREMES), ())
        drawn, *slopes = [*p.run(x), *p.slopes(p.b.apply("log", x), ("a", "b"))]
        assert (drawn > 0).all() and np.isfinite(drawn).all() and all(np.isfinite(g).all() for g in slopes)


def test_truncation_farther_out_than_probabilities_go():
    """Beyond 40 sd of a Normal, what exceeds the end is exponential with rate near 60."""
    for ends, sign in (((60.0, None), 1.0), ((None, -60.0), -1.0)):
        p = Program({"m": ((), np.zeros(N)), "s": ((), np.ones(N))})
        dist = modified("Truncated", *ends, inner=(family("Normal", ref("m"), ref("s")),))
        x, _ = pathwise(p.s, dist, p.noise("z", (), GRID), ())
        drawn, *slopes = [*p.run(x), *p.slopes(x, ("m", "s"))]
        z = st.norm.logsf(60.0) + np.log1p(-GRID)
        wanted = -sp.ndtri_exp(z)
        np.testing.assert_allclose(np.sort(sign * drawn), wanted, rtol=1e-12)
        hazard = 60.0 + 1.0 / 60.0 - 2.0 / 60.0**3
        np.testing.assert_allclose((sign * drawn).mean(), hazard, rtol=1e-5)
        # the mean of x is m + s hazard((60 - m) / s), whose derivative in m is 1 - hazard'
        step = 1.0 - (1.0 - 1.0 / 60.0**2 + 6.0 / 60.0**4)
        np.testing.assert_allclose(slopes[0].mean(), step, rtol=2e-3)
        assert np.isfinite(slopes[1]).all()


# ---- distribution functions and quantiles ------------------------------------------------------------------------


@each
def test_distribution_functions_everywhere(case):
    law = case.reference(*case.params.values())
    points = np.concatenate([[-1e3, -3.2, -1.0, 0.0], np.linspace(-0.9, 1.6, 21), [2.5, 3.1, 1e3]])
    points = points[points <= np.pi] if isinstance(law, Angle) else points
    p = Program({n: ((), np.full(points.size, v)) for n, v in case.params.items()} | {"x": ((), points)})
    low, high = p.run(cdf(p.s, case.dist, p.leaf("x")), survival(p.s, case.dist, p.leaf("x")))
    with np.errstate(over="ignore"):
        wanted = law.cdf(np.clip(points, -np.pi, np.pi) if isinstance(law, Angle) else points)
    np.testing.assert_allclose(low, wanted, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(low + high, 1.0, rtol=1e-12)
    slopes = p.slopes(cdf(p.s, case.dist, p.leaf("x")), [*case.params, "x"])
    assert all(np.isfinite(g).all() for g in slopes)


@each
def test_quantiles_have_the_slope_of_one_over_the_density(case):
    u = np.linspace(0.02, 0.98, 25)
    p = Program({n: ((), np.full(u.size, v)) for n, v in case.params.items()} | {"u": ((), u)})
    x = quantile_path(p.s, case.dist, p.leaf("u"))
    drawn, plain = p.run(x, quantile(p.s, case.dist, p.leaf("u")))
    np.testing.assert_array_equal(drawn, plain)
    law = case.reference(*case.params.values())
    *slopes, density = p.slopes(x, [*case.params, "u"])
    keep = drawn < 1 - 1e-9 if case.dist.name == "Beta" else np.full(u.size, True)
    np.testing.assert_allclose(density[keep], 1 / law.pdf(drawn[keep]), rtol=1e-6)
    noise = p.noise("z", (), u)
    again = p.slopes(pathwise(p.s, case.dist, noise, ())[0], case.params)
    for a, b in zip(slopes, again, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9 * (1 + np.abs(b).max()))


# ---- mixtures, choices, sorted draws, vectors --------------------------------------------------------------------


def product_grid(*lengths: int) -> list[np.ndarray]:
    lines = [(np.arange(n) + 0.5) / n for n in lengths]
    return [g.ravel() for g in np.meshgrid(*lines, indexing="ij")]


MIXTURE = modified("Mixture", ref("w", ("k",)), inner=(family("Normal", ref("m", ("k",)), ref("sd")),), over="k")


def test_mixtures():
    uniforms = product_grid(20, 2000)
    one = np.ones((uniforms[0].size, 1))
    weights, means, sd = np.array([0.2, 0.5, 0.3]), np.array([-1.5, 0.4, 1.1]), 0.6
    p = Program({"w": (("k",), one * weights), "m": (("k",), one * means), "sd": ((), one[:, 0] * sd)})
    x, kind = pathwise(p.s, MIXTURE, p.noise("z", (), *uniforms), ())
    assert kind == "implicit" and noises(MIXTURE) == 2
    (drawn,) = p.run(x)
    assert (
        np.abs(np.sort(st.norm(means[:, None], sd).cdf(drawn).T @ weights) - (np.arange(40000) + 0.5) / 4e4).max()
        < 1e-3
    )
    dw, dm, ds = (g.mean(axis=0) for g in p.slopes(smooth_val(p, x), ("w", "m", "sd")))
    parts = np.array([expectation(st.norm(m, sd)) for m in means])
    # along the simplex: moving weight from one component to another
    np.testing.assert_allclose(dw - dw[0], parts - parts[0], atol=1e-4)
    mean_slope = [derivative(lambda m, s: expectation(st.norm(m, s)), [m, sd], 0) for m in means]
    sd_slope = [derivative(lambda m, s: expectation(st.norm(m, s)), [m, sd], 1) for m in means]
    np.testing.assert_allclose(dm, weights * mean_slope, atol=1e-4)
    np.testing.assert_allclose(ds, weights @ sd_slope, atol=1e-4)
    detached = sampled(p.s, MIXTURE, p.noise("z", (), *uniforms), ())
    assert not any(g.any() for g in p.slopes(detached, ("w", "m", "sd")))


def test_choices_take_the_side_of_their_test():
    p = Program({"t": ((), GRID > 0.4), "a": ((), np.full(N, 0.5)), "b": ((), np.full(N, 1.5))})
    dist = modified(
        "where", ref("t", (), "bool"), inner=(family("Gamma", ref("a"), 1.0), family("Exponential", ref("b")))
    )
    noise = p.noise("z", (), GRID)
    x, kind = pathwise(p.s, dist, noise, ())
    drawn, *slopes = [*p.run(x), *p.slopes(x, ("a", "b"))]
    np.testing.assert_allclose(drawn, np.where(GRID > 0.4, st.gamma(0.5).ppf(GRID), -np.log1p(-GRID) / 1.5), rtol=1e-10)
    assert kind == "implicit" and not slopes[0][GRID < 0.4].any() and not slopes[1][GRID > 0.4].any()
    assert slopes[0][GRID > 0.4].all() and slopes[1][GRID < 0.4].all()


def test_sorted_draws():
    rng = np.random.default_rng(0)
    u = rng.random((500, 4))
    p = Program({"a": ((), np.full(500, 1.3))})
    dist = modified("Ordered", inner=(family("Gamma", ref("a"), 1.0),))
    x, kind = pathwise(p.s, dist, p.noise("z", ("g",), u), ("g",))
    drawn, slope = p.run(x)[0], p.slopes(x, ("a",))[0]
    np.testing.assert_allclose(drawn, np.sort(st.gamma(1.3).ppf(u), axis=1), rtol=1e-9)
    wanted = derivative(lambda a: st.gamma(a).ppf(u).sum(axis=1), [1.3], 0)
    np.testing.assert_allclose(slope, wanted, rtol=1e-6)
    assert kind == "implicit" and pathwise_kind(modified("Ordered", inner=(MIXTURE,))) == ""


def test_sorted_mixtures_are_sorted():
    rng = np.random.default_rng(1)
    one = np.ones((300, 1))
    p = Program({"w": (("k",), one * [0.2, 0.5, 0.3]), "m": (("k",), one * [-1.0, 0, 5]), "sd": ((), one[:, 0])})
    noise = p.noise("z", ("g",), rng.random((300, 4)), rng.random((300, 4)))
    (drawn,) = p.run(sampled(p.s, modified("Ordered", inner=(MIXTURE,)), noise, ("g",)))
    assert drawn.shape == (300, 4) and (np.diff(drawn, axis=1) > 0).all()


def test_dirichlet():
    u = np.stack(product_grid(40, 40, 40), axis=-1)
    a = np.array([0.6, 1.5, 2.5])
    p = Program({"a": (("c",), np.broadcast_to(a, u.shape))})
    dist = family("Dirichlet", ref("a", ("c",)), event=("c",))
    x, kind = pathwise(p.s, dist, p.noise("z", ("c",), u), ("c",))
    (drawn,) = p.run(x)
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0, rtol=1e-12)
    first = p.b.gather(x, "c", p.b.lit(0.0))
    found = p.slopes(smooth_val(p, first), ("a",))[0].mean(axis=0)
    wanted = [derivative(lambda x, y, z: expectation(st.beta(x, y + z)), list(a), i) for i in range(3)]
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    assert kind == "implicit"
    np.testing.assert_allclose(drawn.mean(axis=0), a / a.sum(), atol=1e-3)


def test_dirichlet_of_small_shapes_does_not_underflow():
    rng = np.random.default_rng(2)
    p = Program({"a": ((), np.full(2000, 0.01))})
    dist = family("Dirichlet", ref("a"), event=("c",))
    x, _ = pathwise(p.s, dist, p.noise("z", ("c",), rng.random((2000, 3))), ("c",))
    drawn, slope = p.run(x)[0], p.slopes(p.b.apply("log", x), ("a",))[0]
    assert (drawn > 0).all() and np.isfinite(slope).all()
    np.testing.assert_allclose(drawn.sum(axis=1), 1.0, rtol=1e-12)
    assert np.abs((drawn > 0.5).mean(axis=0) - 1 / 3).max() < 0.05


@pytest.mark.parametrize("form", ["MvNormalChol", "MvNormal"])
def test_mvnormal(form):
    rng = np.random.default_rng(3)
    u = rng.random((50, 3))
    lower = np.array([[1.2, 0, 0], [0.4, 0.8, 0], [-0.3, 0.5, 0.6]])
    matrix = lower if form == "MvNormalChol" else lower @ lower.T
    mean = np.array([0.3, -1.0, 2.0])
    p = Program({"m": (("c",), np.ones((50, 1)) * mean), "s": (("c", "c'"), np.ones((50, 1, 1)) * matrix)})
    dist = family(form, ref("m", ("c",)), ref("s", ("c", "c'")), event=("c",))
    x, kind = pathwise(p.s, dist, p.noise("z", ("c",), u), ("c",))
    z = st.norm.ppf(u)
    np.testing.assert_allclose(p.run(x)[0], mean + z @ lower.T, rtol=1e-10)
    slope_mean, slope = p.slopes(smooth_val(p, x), ("m", "s"))

    def total(m: np.ndarray) -> np.ndarray:
        root = m if form == "MvNormalChol" else np.linalg.cholesky(m)
        return smooth(mean + z @ root.T).sum(axis=1)

    for i, j in ((0, 0), (1, 0), (2, 1), (2, 2)):
        step = np.zeros((3, 3))
        step[i, j] = 1.0
        step = step if form == "MvNormalChol" else (step + step.T) / 2
        wanted = (total(matrix + 1e-5 * step) - total(matrix - 1e-5 * step)) / 2e-5
        np.testing.assert_allclose((slope * step).sum(axis=(1, 2)), wanted, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(slope_mean, 0.8 / np.cosh(0.8 * (mean + z @ lower.T)) ** 2, rtol=1e-9)
    assert kind == "reparam"


def test_parameters_along_axes_and_shared_ones():
    rng = np.random.default_rng(4)
    u, shape = rng.random((20, 3, 4)), rng.uniform(0.5, 3, (20, 4))
    p = Program({"a": (("g",), shape), "r": ((), np.full(20, 2.0))})
    x, _ = pathwise(p.s, family("Gamma", ref("a", ("g",)), ref("r")), p.noise("z", ("c", "g"), u), ("c", "g"))
    np.testing.assert_allclose(p.run(x)[0], st.gamma(shape[:, None]).ppf(u) / 2.0, rtol=1e-9)
    da, dr = p.slopes(x, ("a", "r"))
    h = 1e-4 * shape
    wanted = (st.gamma((shape + h)[:, None]).ppf(u) - st.gamma((shape - h)[:, None]).ppf(u)) / (2 * h[:, None]) / 2.0
    np.testing.assert_allclose(da, wanted.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(dr, -(st.gamma(shape[:, None]).ppf(u) / 4.0).sum(axis=(1, 2)), rtol=1e-9)


# ---- discrete draws ----------------------------------------------------------------------------------------------

INFLATED = modified("ZeroInflated", 0.35, inner=(family("Poisson", 2.3),))
CUT_COUNT = modified("Truncated", 2.0, 6.0, inner=(family("Poisson", 3.1),))
TAIL_COUNT = modified("Truncated", 25.0, None, inner=(family("Poisson", 3.1),))


def cut_pmf(rate: float, low: int, high: int):
    def pmf(x):
        mass = st.poisson(rate).pmf(np.arange(low, high + 1)).sum()
        return np.where((x >= low) & (x <= high), st.poisson(rate).pmf(x), 0.0) / mass

    return pmf


DISCRETE = [
    ("Bernoulli", family("Bernoulli", 0.3), st.bernoulli(0.3).pmf),
    ("Bernoulli rare", family("Bernoulli", 1e-5), st.bernoulli(1e-5).pmf),
    ("Bernoulli logit", family("BernoulliLogit", -0.8), st.bernoulli(1 / (1 + np.exp(0.8))).pmf),
    ("Binomial", family("Binomial", 7.0, 0.4), st.binom(7, 0.4).pmf),
    ("Binomial logit", family("BinomialLogit", 7.0, 0.0), st.binom(7, 0.5).pmf),
    ("BetaBinomial", family("BetaBinomial", 9.0, 0.7, 2.0), st.betabinom(9, 0.7, 2.0).pmf),
    ("Poisson", family("Poisson", 3.1), st.poisson(3.1).pmf),
    ("Poisson log", family("PoissonLog", 4.0), st.poisson(np.exp(4.0)).pmf),
    ("NegBinomial", family("NegBinomial", 4.0, 1.5), st.nbinom(1.5, 1.5 / 5.5).pmf),
    ("NegBinomial log", family("NegBinomialLog", np.log(4.0), 1.5), st.nbinom(1.5, 1.5 / 5.5).pmf),
    ("Geometric", family("Geometric", 0.2), st.geom(0.2, loc=-1).pmf),
    ("DiscreteUniform", family("DiscreteUniform", -2.0, 4.0), st.randint(-2, 5).pmf),
    ("ZeroInflated", INFLATED, lambda x: 0.35 * (x == 0) + 0.65 * st.poisson(2.3).pmf(x)),
    ("Truncated count", CUT_COUNT, cut_pmf(3.1, 2, 6)),
    ("Truncated count, far out", TAIL_COUNT, cut_pmf(3.1, 25, 80)),
]


@pytest.mark.parametrize(("name", "dist", "pmf"), DISCRETE, ids=[d[0] for d in DISCRETE])
def test_a_grid_of_uniforms_reproduces_the_probabilities(name, dist, pmf):
    p = Program()
    drawn, ends = p.run(
        sampled(p.s, dist, p.noise("z", (), GRID), ()),
        sampled(p.s, dist, p.noise("edge", (), np.resize(EXTREMES, N)), ()),
    )
    values, counts = np.unique(drawn, return_counts=True)
    assert np.array_equal(values, np.round(values)) and (np.diff(drawn) >= 0).all()
    np.testing.assert_allclose(counts / N, pmf(values), atol=1.001 / N)
    assert np.isfinite(ends).all() and (pmf(ends) > 0).all()
    if name == "Bernoulli rare":
        assert not drawn.any() and ends.max() == 1


def test_levels():
    weights = np.array([0.0, 0.25, 0.75])
    p = Program({"p": (("k",), np.ones((N, 1)) * weights)})
    for name, given in (("Categorical", ref("p", ("k",))), ("CategoricalLogits", None)):
        if given is None:
            p.s.names["l"] = p.b.apply("log", p.leaf("p"))
        dist = family(name, given or ref("l", ("k",)), over="k")
        drawn, ends = p.run(
            sampled(p.s, dist, p.noise("z", (), GRID), ()),
            sampled(p.s, dist, p.noise("edge", (), np.resize(EXTREMES, N)), ()),
        )
        np.testing.assert_allclose(np.bincount(drawn.astype(int), minlength=3) / N, weights, atol=1.001 / N)
        assert set(ends) == {1.0, 2.0}
        assert not p.slopes(sampled(p.s, dist, p.noise("z", (), GRID), ()), ("p",))[0].any()


def test_levels_that_end_with_impossible_ones():
    p = Program({"p": (("k",), np.ones((6, 1)) * [0.1, 0.2, 0.0])})
    (drawn,) = p.run(sampled(p.s, family("Categorical", ref("p", ("k",)), over="k"), p.noise("z", (), EXTREMES), ()))
    assert drawn.tolist() == [0, 0, 0, 1, 1, 1]


def test_ordinal_levels():
    cuts = np.array([-1.0, 0.2, 1.7])
    p = Program({"c": (("k",), np.ones((N, 1)) * cuts), "e": ((), np.full(N, 0.4))})
    dist = family("OrderedLogistic", ref("e"), ref("c", ("k",)), over="k")
    (drawn,) = p.run(sampled(p.s, dist, p.noise("z", (), GRID), ()))
    wanted = np.diff([0, *(1 / (1 + np.exp(-(cuts - 0.4)))), 1])
    np.testing.assert_allclose(np.bincount(drawn.astype(int), minlength=4) / N, wanted, atol=1.001 / N)


def test_multinomial():
    rng = np.random.default_rng(5)
    weights = np.array([0.2, 0.3, 0.5])
    u = rng.random((40_000, 3))
    p = Program({"p": (("c",), np.ones((40_000, 1)) * weights)})
    dist = family("Multinomial", 6.0, ref("p", ("c",)), event=("c",))
    (drawn,) = p.run(sampled(p.s, dist, p.noise("z", ("c",), u), ("c",)))
    assert (drawn.sum(axis=1) == 6).all() and (drawn >= 0).all()
    law = st.multinomial(6, weights)
    np.testing.assert_allclose(drawn.mean(axis=0), law.mean(), atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), law.cov(), atol=0.05)


# ---- independence ------------------------------------------------------------------------------------------------

EVERY: list[tuple[str, Dist]] = [
    *((c.name, c.dist) for c in FAMILIES),
    *((name, dist) for name, dist, _ in DISCRETE if name != "Bernoulli rare"),
]


def test_sites_drawn_in_one_program_are_independent():
    rng = np.random.default_rng(6)
    names = {n for c in FAMILIES for n in c.params}
    p = Program()
    drawn = []
    for name, dist in EVERY:
        case = next((c for c in FAMILIES if c.name == name), None)
        inside = {n: p.b.lit(v) for n, v in (case.params if case else {}).items()}
        p.s.names = {**p.s.names, **inside}
        drawn.append(sampled(p.s, dist, p.noise(name, (), rng.permutation(GRID)), ()))
    assert names <= set(p.s.names)
    read = [noise_of(x) for x in drawn]
    assert all(len(r) == 1 for r in read) and len(set().union(*read)) == len(drawn)
    ranks = np.array([st.rankdata(x) for x in p.run(*drawn)])
    against = np.corrcoef(ranks) - np.eye(len(ranks))
    assert np.abs(against).max() < 5.5 / np.sqrt(N)


def noise_of(v: Val) -> set[Val]:
    return {v} if v.op == "noise" else set().union(*(noise_of(a) for a in v.args))


def test_the_arrays_of_one_mixture_are_independent():
    p = Program({"w": (("k",), np.ones((5, 3)) / 3), "m": (("k",), np.zeros((5, 3))), "sd": ((), np.ones(5))})
    x = sampled(p.s, MIXTURE, p.noise("z", (), GRID[:5], GRID[:5]), ())
    assert {v.attrs for v in noise_of(x)} == {("z.0",), ("z.1",)}


def test_what_has_no_path():
    assert pathwise_kind(family("Poisson", 3.0)) == pathwise_kind(family("Flat")) == pathwise_kind(INFLATED) == ""
    assert pathwise_kind(family("StudentT", number(3.0), ref("m"), 1.0)) == "reparam"
