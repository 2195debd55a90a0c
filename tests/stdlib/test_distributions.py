"""Laws of the families of numbers: scipy's densities and tails, gradients, inverse cdfs, draws and moments."""

import numpy as np
import pytest
import scipy.special as sp
from evaluate import central_difference, evaluate, numpy_text, value_and_gradient
from family_cases import CASES, LEVELS_OF_U, flat

from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import JUMP, Distribution

ALL = flat(CASES)
IDS = [f"{name}{params}" for name, params, _ in ALL]
every_case = pytest.mark.parametrize(("name", "params", "reference"), ALL, ids=IDS)


def is_real(name: str) -> bool:
    return DISTRIBUTIONS[name].kind == "real"


def named(row: Distribution, params) -> dict[str, float]:
    return {p.name: v for p, v in zip(row.params, params, strict=True)}


def points(name: str, reference) -> np.ndarray:
    return np.asarray(reference.ppf(LEVELS_OF_U), float) if is_real(name) else np.unique(reference.ppf(LEVELS_OF_U))


def log_density(name: str, reference, x):
    return reference.logpdf(x) if is_real(name) else reference.logpmf(x)


def test_every_family_of_numbers_has_a_case():
    families = {n for n, row in DISTRIBUTIONS.items() if row.kind != "level" and not row.event and n != "Flat"}
    assert families == set(CASES)


@every_case
def test_log_density(name, params, reference):
    row, x = DISTRIBUTIONS[name], points(name, reference)
    got = evaluate(row.logpdf, {**named(row, params), "x": x}, row)
    np.testing.assert_allclose(got, log_density(name, reference, x), rtol=1e-9, atol=1e-8)


@every_case
def test_gradient_of_the_log_density(name, params, reference):
    row, x = DISTRIBUTIONS[name], points(name, reference)
    inside = named(row, params)
    if name == "Laplace":
        x = x[np.abs(x - params[0]) > 1e-2 * params[1]]
    spread = np.subtract(*reference.ppf([0.8, 0.2])) if is_real(name) else 1.0
    values = {n: np.full(x.shape, v) for n, v in inside.items()} | {"x": x}
    _, grads = value_and_gradient(row.logpdf, values, row)
    wanted = [p.name for p in row.params if p.level != JUMP] + (["x"] if is_real(name) else [])
    for target in wanted:

        def f(v, target=target):
            return evaluate(row.logpdf, values | {target: v}, row)

        scale = 1e-3 * spread if target in ("x", "mean", "loc") and is_real(name) else None
        expected = shifted_difference(f, values, scale, row, target)
        np.testing.assert_allclose(grads[target], expected, rtol=2e-5, atol=2e-6 * (1 + np.abs(expected).max()))


def shifted_difference(f, values, scale, row, target):
    """Differences by steps that stay inside the support or the domain."""
    x = values[target]
    if row.support.kind in ("lower", "interval") and target == "x":
        low = evaluate(row.support.low, values)
        high = evaluate(row.support.high, values) if row.support.high else np.inf
        h = 1e-4 * np.minimum(np.minimum(x - low, high - x), 1e3)
    else:
        h = 1e-4 * np.abs(x) if scale is None and np.all(x > 0) else np.full(x.shape, scale or 1e-4)
        h = np.minimum(h, 0.25 * (1 - x)) if target == "p" else h
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


WITH_CDF = [case for case in ALL if DISTRIBUTIONS[case[0]].cdf]


@pytest.mark.parametrize(("name", "params", "reference"), WITH_CDF, ids=[f"{n}{p}" for n, p, _ in WITH_CDF])
def test_cdf_and_its_tails(name, params, reference):
    row, x = DISTRIBUTIONS[name], points(name, reference)
    x = x if is_real(name) else np.unique(np.concatenate([x, x - 1, x + 1]))
    values = {**named(row, params), "x": x}
    if name == "VonMises" and params[1] >= 50:
        return  # scipy's is a normal approximation there; test_draws.py integrates the density instead
    for text, expected in (
        (row.cdf, reference.cdf(x)),
        (row.logcdf, reference.logcdf(x)),
        (row.logsf, reference.logsf(x)),
    ):
        np.testing.assert_allclose(evaluate(text, values, row), expected, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize(("name", "params", "reference"), WITH_CDF, ids=[f"{n}{p}" for n, p, _ in WITH_CDF])
def test_gradients_of_the_tails_are_finite(name, params, reference):
    row, x = DISTRIBUTIONS[name], points(name, reference)
    values = {n: np.full(x.shape, v) for n, v in named(row, params).items()} | {"x": x}
    for text in (row.logcdf, row.logsf):
        value, grads = value_and_gradient(text, values, row)
        finite = np.isfinite(value)
        smooth = [p.name for p in row.params if p.level != JUMP]
        assert all(np.isfinite(grads[n][finite]).all() for n in smooth)


@pytest.mark.parametrize(("name", "params", "reference"), WITH_CDF, ids=[f"{n}{p}" for n, p, _ in WITH_CDF])
def test_tails_that_are_not_used_have_no_gradient(name, params, reference):
    # a censored model evaluates the tail of every row, and takes it where the row is censored
    row, x = DISTRIBUTIONS[name], points(name, reference)
    if row.support.closed or row.kind != "real":
        ends = [evaluate(t, named(row, params)) for t in (row.support.low, row.support.high) if t]
        x = np.concatenate([x, ends])
    values = {n: np.full(x.shape, v) for n, v in named(row, params).items()} | {"x": x}
    for text in (row.logcdf, row.logsf):
        _, grads = value_and_gradient(f"where(x < -1e300, {text}, 0)", values, row)
        assert not any(g.any() for g in grads.values())


@pytest.mark.parametrize("name", [n for n in CASES if DISTRIBUTIONS[n].cdf])
def test_gradients_of_the_tails_match_differences(name):
    row = DISTRIBUTIONS[name]
    params, reference = CASES[name][-1] if name not in ("StudentT", "Bernoulli") else CASES[name][0]
    x = np.asarray(reference.ppf([0.1, 0.4, 0.8]), float)
    values = {n: np.full(x.shape, v) for n, v in named(row, params).items()} | {"x": x}
    for text in (row.logcdf, row.logsf):
        _, grads = value_and_gradient(text, values, row)
        for p in row.params:
            if p.level != JUMP:
                f = lambda v, p=p, text=text: evaluate(text, values | {p.name: v}, row)  # noqa: E731
                expected = central_difference(f, values[p.name], 1e-4)
                keep = np.isfinite(expected)
                np.testing.assert_allclose(grads[p.name][keep], expected[keep], rtol=1e-4, atol=1e-5)


WITH_QUANTILE = [case for case in ALL if DISTRIBUTIONS[case[0]].quantile]


@pytest.mark.parametrize(("name", "params", "reference"), WITH_QUANTILE, ids=[f"{n}{p}" for n, p, _ in WITH_QUANTILE])
def test_quantile_inverts_the_cdf(name, params, reference):
    row, u = DISTRIBUTIONS[name], LEVELS_OF_U
    x = numpy_text(row.quantile, u=u, **named(row, params))
    if row.kind == "real":
        np.testing.assert_allclose(evaluate(row.cdf, {**named(row, params), "x": x}, row), u, rtol=1e-7)
    else:
        np.testing.assert_array_equal(x, reference.ppf(u))


WITH_UPPER = [case for case in ALL if DISTRIBUTIONS[case[0]].upper]


@pytest.mark.parametrize(("name", "params", "reference"), WITH_UPPER, ids=[f"{n}{p}" for n, p, _ in WITH_UPPER])
def test_upper_quantile_inverts_the_survival_function(name, params, reference):
    row, u = DISTRIBUTIONS[name], LEVELS_OF_U * 1e-3
    x = numpy_text(row.upper, u=u, **named(row, params))
    if row.kind == "real":
        keep = np.full(u.shape, True) if row.support.high != "1" else x < 1 - 1e-9  # 1 - x has few digits
        u, x = u[keep], x[keep]
        found = np.exp(evaluate(row.logsf, {**named(row, params), "x": x}, row))
        np.testing.assert_allclose(found, u, rtol=1e-7)
    else:
        np.testing.assert_array_equal(x, reference.isf(u))


@every_case
def test_draws_lie_in_the_support_and_have_the_moments(name, params, reference):
    row, rng, n = DISTRIBUTIONS[name], np.random.default_rng(1), 20_000
    values = named(row, params)
    x = np.asarray(numpy_text(row.draw, rng=rng, size=(n,), **values))
    assert x.shape == (n,)
    assert np.isfinite(evaluate(row.logpdf, {**values, "x": x.astype(float)}, row)).all()
    if row.kind != "real":
        assert np.array_equal(x, np.round(x))
    if row.variance and np.isfinite(evaluate(row.variance, values, row)):
        mean, sd = evaluate(row.mean, values, row), np.sqrt(evaluate(row.variance, values, row))
        np.testing.assert_allclose([mean, sd], [reference.mean(), reference.std()], rtol=1e-8)
        assert abs(x.mean() - mean) < 5 * sd / np.sqrt(n)
    if hasattr(reference, "cdf") and row.kind == "real":
        u = reference.cdf(x)
        assert np.abs(np.sort(u) - np.linspace(0, 1, n)).max() < 2.2 / np.sqrt(n)  # Kolmogorov, p < 1e-4


@pytest.mark.parametrize("name", CASES)
def test_draws_broadcast(name):
    row = DISTRIBUTIONS[name]
    params = [np.full((3, 1), v) for v in CASES[name][0][0]]
    draw = numpy_text(row.draw, rng=np.random.default_rng(2), size=(5, 3, 4), **named(row, params))
    assert np.shape(draw) == (5, 3, 4)


@pytest.mark.parametrize(
    ("name", "given", "same_as"),
    [
        ("Normal", {"mean": 1.0, "precision": 4.0}, (1.0, 0.5)),
        ("Exponential", {"mean": 4.0}, (0.25,)),
        ("Gamma", {"mean": 6.0, "sd": 2.0}, (9.0, 1.5)),
        ("Gamma", {"shape": 3.0, "scale": 0.5}, (3.0, 2.0)),
        ("Gamma", {"shape": 3.0, "mean": 6.0}, (3.0, 0.5)),
        ("Beta", {"mean": 0.2, "sd": 0.1}, (3.0, 12.0)),
        ("Beta", {"mean": 0.2, "concentration": 15.0}, (3.0, 12.0)),
    ],
)
def test_other_parameterisations(name, given, same_as):
    form = next(f for f in DISTRIBUTIONS[name].forms if set(f.names) == set(given))
    np.testing.assert_allclose([evaluate(text, given) for _, text in form.to], same_as, rtol=1e-12)


@pytest.mark.parametrize("form", [("Bernoulli", "BernoulliLogit", (0.3,)), ("Binomial", "BinomialLogit", (7.0, 0.3))])
def test_logit_rows_agree_with_their_family(form):
    name, logit_name, params = form
    row, other = DISTRIBUTIONS[name], DISTRIBUTIONS[logit_name]
    x = np.array([0.0, 1.0])
    left = evaluate(row.logpdf, {**named(row, params), "x": x}, row)
    right = evaluate(other.logpdf, {**named(other, (*params[:-1], sp.logit(params[-1]))), "x": x}, other)
    np.testing.assert_allclose(left, right, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("Uniform", {"lo": 0.0, "hi": 1.0, "x": 1.5}, -np.inf),
        ("DiscreteUniform", {"lo": 1.0, "hi": 6.0, "x": 7.0}, -np.inf),
        ("Binomial", {"n": 3.0, "p": 0.5, "x": 5.0}, -np.inf),
        ("Binomial", {"n": 3.0, "p": 0.0, "x": 0.0}, 0.0),
        ("Binomial", {"n": 3.0, "p": 1.0, "x": 3.0}, 0.0),
        ("Binomial", {"n": 0.0, "p": 1.0, "x": 1.0}, -np.inf),
        ("Pareto", {"scale": 2.0, "shape": 1.0, "x": 1.0}, -np.inf),
        ("Bernoulli", {"p": 0.0, "x": 0.0}, 0.0),
        ("Bernoulli", {"p": 1.0, "x": 0.0}, -np.inf),
        ("Poisson", {"rate": 0.0, "x": 0.0}, 0.0),
        ("BernoulliLogit", {"logit": -900.0, "x": 1.0}, -900.0),
        ("BernoulliLogit", {"logit": 900.0, "x": 1.0}, 0.0),
        ("Geometric", {"p": 1.0, "x": 0.0}, 0.0),
        ("Exponential", {"rate": 2.0, "x": 0.0}, np.log(2.0)),
    ],
)
def test_edges_of_the_support(name, values, expected):
    row = DISTRIBUTIONS[name]
    arrays = {n: np.array([v]) for n, v in values.items()}
    value, grads = value_and_gradient(row.logpdf, arrays, row)
    np.testing.assert_allclose(value, [expected], atol=1e-12)
    assert not any(np.isnan(grads[p.name]).any() for p in row.params)
