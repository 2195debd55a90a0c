"""Every pair of distributions, one in the model and one in the guide, against supports written down by hand."""

from math import inf, pi

import pytest

from ppl.check.check import check
from ppl.syntax.parse import parse

# (distribution, kind, least value, greatest value)
SUPPORTS = [
    ("Normal(0, 1)", "real", -inf, inf),
    ("StudentT(4, 0, 1)", "real", -inf, inf),
    ("Cauchy(0, 1)", "real", -inf, inf),
    ("HalfNormal(1)", "real", 0, inf),
    ("LogNormal(0, 1)", "real", 0, inf),
    ("Gamma(2, 1)", "real", 0, inf),
    ("InvGamma(2, 1)", "real", 0, inf),
    ("Weibull(2, 1)", "real", 0, inf),
    ("Pareto(2, 1)", "real", 2, inf),
    ("Beta(2, 2)", "real", 0, 1),
    ("Uniform(0, 1)", "real", 0, 1),
    ("Uniform(-1, LOW)", "real", -1, 0.5),
    ("VonMises(0, 1)", "real", -pi, pi),
    ("Truncated(Normal(0, 1), upper=3)", "real", -inf, 3),
    ("Truncated(HalfNormal(1), upper=3)", "real", 0, 3),
    ("Truncated(HalfNormal(1), lower=-2)", "real", 0, inf),
    ("Truncated(Normal(0, 1), lower=0.25, upper=0.75)", "real", 0.25, 0.75),
    ("Mixture(w, Normal(m, 1))", "real", -inf, inf),
    ("Bernoulli(0.5)", "bool", 0, 1),
    ("Binomial(4, 0.5)", "int", 0, 4),
    ("BetaBinomial(3, 1, 1)", "int", 0, 3),
    ("Poisson(3)", "int", 0, inf),
    ("NegBinomial(3, 1)", "int", 0, inf),
    ("Geometric(0.5)", "int", 0, inf),
    ("DiscreteUniform(1, 4)", "int", 1, 4),
    ("DiscreteUniform(-1, 1)", "int", -1, 1),
    ("Truncated(Poisson(2), lower=2)", "int", 2, inf),
    ("ZeroInflated(0.5, Poisson(2))", "int", 0, inf),
]


@pytest.mark.parametrize("model", SUPPORTS, ids=lambda row: row[0])
def test_a_guide_fits_where_its_values_are_values_of_the_model(model: tuple[str, str, float, float]) -> None:
    family, kind, low, high = model
    text = (
        "const LOW = 0.5\naxis k = 2\ndata { y: real }\nmodel {\n w[k] = uniform(k)\n m[k] = [0, 1]\n"
        f" z ~ {family}\n y ~ Normal(z + sum(m * w), 1)\n}}\n"
    )
    for other, own, least, greatest in SUPPORTS:
        inside = low <= least and greatest <= high
        wanted = ["E504"] if own != kind else [] if inside else ["E503"]
        found = [d.code for d in check(parse(f"{text}guide {{ z ~ {other} }}\n")).errors]
        assert found == wanted, other
