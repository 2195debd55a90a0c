"""Values against independent references, gradients against differences, and no NaN where the function is finite."""

import autograd.numpy
import numpy as np
import pytest
import scipy.integrate
import scipy.special as sp
import scipy.stats
from autograd import elementwise_grad
from evaluate import central_difference, function, value_and_gradient

from ppl.stdlib import kernels as k
from ppl.stdlib.primitives import PRIMITIVES

ANY = np.array([-30.0, -4.0, -1.3, -0.2, 0.15, 0.9, 2.5, 7.0, 40.0])
POSITIVE = np.array([0.02, 0.3, 0.9, 1.0, 1.7, 3.2, 12.0, 150.0])
UNIT = np.array([0.001, 0.1, 0.3, 0.5, 0.77, 0.9, 0.995])
TRUE = np.array([True, False, True])
OTHER = np.array([1.5, -2.0, 0.7, 3.1, -0.4, 2.2, -1.0, 0.5, 4.0])

POINTS = {
    "div": (ANY, OTHER),
    "ratio0": (ANY, OTHER),
    "pow": (POSITIVE, OTHER[:8]),
    "between": (OTHER[:7], OTHER[:7] + 2.0, UNIT),
    "sqrt": (POSITIVE,),
    **dict.fromkeys(("log", "log_p"), (POSITIVE,)),
    "exp": (ANY[:8],),
    "expm1": (ANY[:8],),
    "log1p": (POSITIVE - 0.9,),
    "xlogy": (OTHER[:8], POSITIVE),
    "xlog1py": (OTHER[:8], POSITIVE - 0.9),
    "logit": (UNIT,),
    "tan": (np.array([-1.2, 0.3, 1.1]),),
    "logsubexp": (OTHER, OTHER - np.abs(ANY)),
    "log1mexp": (-POSITIVE,),
    "erfcx": (np.array([-3.0, -0.5, 0.2, 2.0, 30.0]),),
    "log_ndtr": (np.array([-200.0, -20.0, -3.0, 0.4, 5.0]),),
    "ndtri": (UNIT,),
    "where": (TRUE, OTHER[:3], ANY[:3]),
    **dict.fromkeys(("lgamma", "digamma", "trigamma", "tetragamma"), (POSITIVE,)),
    "lbeta": (POSITIVE, POSITIVE[::-1]),
    **dict.fromkeys(
        ("gammainc", "gammaincc", "log_gammainc", "log_gammaincc", "gammainc_da"),
        (np.array([0.3, 0.8, 1.0, 3.0, 9.0, 60.0, 400.0]), np.array([0.1, 2.0, 0.6, 3.5, 5.0, 66.0, 380.0])),
    ),
    **dict.fromkeys(("betainc", "betaincc"), (POSITIVE[:7], POSITIVE[6::-1], UNIT)),
    "von_mises_cdf": (np.array([-3.0, -1.0, 0.4, 2.0, 3.0]), OTHER[:5], POSITIVE[1:6]),
    "stdtr": (POSITIVE[1:], OTHER[:7]),
    "logaddexp": (OTHER, ANY),
    "mod": (ANY + 0.07, np.abs(OTHER)),
    **dict.fromkeys(("i0e", "i1e", "log_i0"), (np.concatenate([-POSITIVE, POSITIVE]),)),
}
SIDE = {"tetragamma", "gammainc_da", "log_gammainc_da", "log_gammaincc_da", "betainc_da", "stdtr_da"}
SIDE |= {"betainc_db", "log_gamma_slope", "von_mises_cdf_dk"}
SMOOTH_ONES = [n for n, row in PRIMITIVES.items() if any(row.vjps) and n not in SIDE]


def points(name):
    given = POINTS.get(name)
    return given if given is not None else (ANY, OTHER)[: PRIMITIVES[name].arity]


@pytest.mark.parametrize("name", SMOOTH_ONES)
def test_gradient_matches_differences(name):
    row, args = PRIMITIVES[name], points(name)
    names = ("u", "v", "w")[: row.arity]
    _, grads = value_and_gradient(f"{name}({', '.join(names)})", dict(zip(names, args, strict=True)))
    for i, vjp in enumerate(row.vjps):
        if vjp is not None:

            def f(x, i=i):
                with np.errstate(all="ignore"):
                    return np.asarray(function(name)(*args[:i], x, *args[i + 1 :]), float)

            step = 1e-4 if name in ("log1p", "logit", "betainc", "betaincc", "between", "ndtri") else 3e-4
            expected = central_difference(f, args[i], step if name != "mod" else 1e-6)
            got = grads[names[i]]
            if i == 2 or name in ("logit", "ndtri"):
                keep = args[i] < 0.99  # the differences leave the domain
                expected, got = expected[keep], got[keep]
            if name == "log1p":
                expected, got = expected[1:], got[1:]
            np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-9)


KNOWN_TO_AUTOGRAD = [n for n in SMOOTH_ONES if "np." in PRIMITIVES[n].code and n not in ("acot", "square")]


@pytest.mark.parametrize("name", KNOWN_TO_AUTOGRAD)
def test_gradient_matches_autograd(name):
    row, args = PRIMITIVES[name], points(name)
    names = ("u", "v", "w")[: row.arity]
    traced = eval(f"lambda {', '.join(names)}: {row.code.format(*names)}", {"np": autograd.numpy})
    _, grads = value_and_gradient(f"{name}({', '.join(names)})", dict(zip(names, args, strict=True)))
    for i, vjp in enumerate(row.vjps):
        if vjp is not None:
            np.testing.assert_allclose(grads[names[i]], elementwise_grad(traced, i)(*args), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("xlogy", (0.0, 0.0)),
        ("xlog1py", (0.0, -1.0)),
        ("logaddexp", (-np.inf, -np.inf)),
        ("logaddexp", (-np.inf, 2.0)),
        ("logsubexp", (2.0, -np.inf)),
        ("softplus", (800.0,)),
        ("softplus", (-800.0,)),
        ("log_sigmoid", (-800.0,)),
        ("sigmoid", (800.0,)),
        ("sigmoid", (-800.0,)),
        ("log_ndtr", (-1e8,)),
        ("log_ndtr", (60.0,)),
        ("log_i0", (1e6,)),
        ("i1e", (0.0,)),
        ("pow", (0.0, 2.0)),
        ("acot", (0.0,)),
        ("log_gammaincc", (2.0, 5000.0)),
        ("log_gammainc", (50.0, 1e-10)),
        ("where", (True, 1.0, np.inf)),
    ],
)
def test_gradients_are_not_nan_at_the_edges(name, args):
    names = ("u", "v", "w")[: len(args)]
    values = {n: np.atleast_1d(np.asarray(a)) for n, a in zip(names, args, strict=True)}
    value, grads = value_and_gradient(f"{name}({', '.join(names)})", values)
    assert not np.isnan(value).any()
    differentiable = [g for g, vjp in zip(grads.values(), PRIMITIVES[name].vjps, strict=True) if vjp is not None]
    assert not any(np.isnan(g).any() for g in differentiable)


def test_softplus_and_sigmoid_keep_their_digits():
    x = np.concatenate([np.linspace(-40, 40, 801), [-700.0, -100.0, 100.0, 750.0, 1e300]])
    np.testing.assert_allclose(k.softplus(x), np.logaddexp(0.0, x), rtol=1e-14)
    np.testing.assert_allclose(k.log_sigmoid(x), -np.logaddexp(0.0, -x), rtol=1e-14)
    np.testing.assert_allclose(k.sigmoid(x), sp.expit(x), rtol=1e-14)


def test_scalars_and_arrays_agree():
    for f in (k.softplus, k.sigmoid, k.log_sigmoid, k.log1mexp):
        assert np.isclose(float(f(-1.5)), f(np.array([-1.5]))[0], rtol=1e-15)


def test_elementwise_functions_leave_their_arguments_alone():
    x = np.linspace(-3.0, 3.0, 7)
    kept = x.copy()
    for f in (k.softplus, k.sigmoid, k.log_sigmoid, k.log_i0):
        f(x)
    np.testing.assert_array_equal(x, kept)


def test_log_of_the_normal_tail_has_the_right_slope():
    # the inverse Mills ratio at -x is x + 1/x - 2/x^3 + ... (Abramowitz and Stegun 26.2.12)
    x = np.array([1e2, 1e4, 1e6])
    _, grads = value_and_gradient("log_ndtr(u)", {"u": -x})
    np.testing.assert_allclose(grads["u"], x + 1 / x - 2 / x**3, rtol=1e-10)


def test_incomplete_gamma_tails_go_on_below_the_smallest_float():
    # x a mile out: Q(a, x) for a = 3 is exp(-x) (1 + x + x^2 / 2) exactly
    x = np.array([1.0, 600.0, 800.0, 5000.0])
    np.testing.assert_allclose(k.log_gammaincc(3.0, x), np.log1p(x + x * x / 2) - x, rtol=1e-13)
    # and P(a, x) -> x^a / Gamma(a + 1) as x -> 0
    tiny = np.array([1e-12, 1e-9])
    np.testing.assert_allclose(k.log_gammainc(80.0, tiny), 80 * np.log(tiny) - sp.gammaln(81.0), rtol=1e-12)


def test_shape_slope_of_the_gamma_cdf_by_integration():
    # dP/da = integral of d/da of the density
    for a, x in ((0.4, 0.05), (2.5, 1.7), (30.0, 41.0)):
        density = lambda t, a=a: (np.log(t) - sp.psi(a)) * np.exp((a - 1) * np.log(t) - t - sp.gammaln(a))  # noqa: E731
        expected, _ = scipy.integrate.quad(density, 0, x, epsabs=1e-13, epsrel=1e-11, limit=200)
        np.testing.assert_allclose(k.gammainc_da(a, x), expected, rtol=1e-8)


def test_shape_slope_of_the_beta_cdf_by_integration():
    for a, b, x in ((0.7, 2.0, 0.2), (4.0, 3.0, 0.6)):
        mean_log = sp.psi(a) - sp.psi(a + b)
        density = lambda t, a=a, b=b, m=mean_log: (np.log(t) - m) * scipy.stats.beta.pdf(t, a, b)  # noqa: E731
        expected, _ = scipy.integrate.quad(density, 0, x, epsabs=1e-13, epsrel=1e-11, limit=200)
        np.testing.assert_allclose(k.betainc_da(a, b, x), expected, rtol=1e-8)


def test_acot_is_the_cauchy_tail():
    x = np.array([-1e12, -2.0, 0.0, 3.0, 1e12])
    np.testing.assert_allclose(function("acot")(x) / np.pi, scipy.stats.cauchy.sf(x), rtol=1e-13)


def test_between_never_reaches_its_ends():
    t = np.array([0.0, 0.3, 1.0 - 2**-53, 1.0])
    for low, high in ((0.1, 0.7), (-0.3, 0.7), (0.0, 1.0)):
        x = k.between(low, high, t)
        assert np.all((low < x) & (x < high))


def test_impossible_levels_without_weight_have_no_slope():
    # summing out a level of probability zero gives it the adjoint zero; zero times the infinite slope must stay zero
    text = "logaddexp(log_p(u), log_p(v))"
    _, grads = value_and_gradient(text, {"u": np.array([0.0]), "v": np.array([0.4])})
    np.testing.assert_allclose([grads["u"][0], grads["v"][0]], [0.0, 2.5])
