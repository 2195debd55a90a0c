"""What may have been meant: by alias, by case, by distance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.source.suggest import allowed, did_you_mean, distance

FUNCTIONS = (
    "Normal",
    "HalfNormal",
    "LogNormal",
    "Gamma",
    "Beta",
    "sin",
    "sum",
    "exp",
    "sigmoid",
    "mean",
    "Categorical",
)
ALIASES = {"normal": "Normal", "dnorm": "Normal", "gaussian": "Normal", "inv_logit": "sigmoid", "float": "real"}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Gaussian", "Normal"), ("dnorm", "Normal"), ("inv_logit", "sigmoid"),
        ("half_normal", "HalfNormal"), ("categorical", "Categorical"), ("SUM", "sum"),
        ("Norml", "Normal"), ("Nromal", "Normal"), ("Categorcal", "Categorical"), ("maen", "mean"),
        ("Gausian", None), ("xyz", None), ("x", None), ("si", None), ("float", None), ("", None),
    ],
)  # fmt: skip
def test_cases(word, meant):
    assert did_you_mean(word, FUNCTIONS, ALIASES) == meant


def test_the_order_of_the_three():
    assert did_you_mean("men", ["man", "MEN"], {}) == "MEN"
    assert did_you_mean("men", ["man", "MEN", "them"], {"men": "them"}) == "them"
    assert did_you_mean("abcd", ["abce", "abcf"], {}) == "abce"
    assert did_you_mean("abcd", ["abcd"], {}) is None


def test_distance():
    assert [distance(a, b) for a, b in (("", "abc"), ("abc", "abc"), ("abc", "acb"), ("kitten", "sitting"))] == [
        3,
        0,
        1,
        3,
    ]


short = st.text("abc", max_size=6)


@given(short, short)
def test_distance_is_symmetric_and_bounded(a, b):
    assert distance(a, b) == distance(b, a)
    assert abs(len(a) - len(b)) <= distance(a, b) <= max(len(a), len(b))


@given(short, st.lists(short, max_size=5))
def test_a_guess_is_near(word, names):
    guess = did_you_mean(word, names)
    assert guess is None or distance(guess, word) <= allowed(len(word))
