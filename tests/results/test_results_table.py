"""Numbers, tables and verdicts as people read them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.results.numbers import aligned, counted, joined, probability, row_text, seconds_text
from ppl.results.quantity import Probabilities, Quantity
from ppl.results.table import Summary, statistics
from ppl.source.render import display_width

WEIGHTS = np.full(1000, 1e-3)


def quantity(name: str, *shape: int, role: str = "unknown", scale: float = 1.0, label: str = "p") -> Quantity:
    rng = np.random.default_rng(7)
    axes = tuple(f"axis{i}" for i in range(len(shape)))
    labels = tuple(tuple(f"{label}{j + 1}" for j in range(n)) for n in shape)
    return Quantity(name, axes, labels, scale * rng.normal(size=(1000, *shape)), WEIGHTS, role, "reparam")


def table(*quantities: Quantity | Probabilities, **options: object) -> Summary:
    return Summary({q.name: q for q in quantities}, {}, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "sd", "text"),
    [
        ([4.4123, 3.2718], 3.2718, ["4.41", "3.27"]),
        ([-0.931234, 0.0123], 0.0123, ["-0.9312", "0.0123"]),
        ([1234.5, 321.0], 321.0, ["1234", "321"]),
        ([-0.0001, 1.0], 1.0, ["0.00", "1.00"]),
        ([3.0, 0.0], 0.0, ["3.000", "0.000"]),
        ([0.0, 0.0], 0.0, ["0", "0"]),
        ([1.5e-9, 1e-10], 1e-10, ["1.50e-09", "1.00e-10"]),
        ([2.5e9, 1e8], 1e8, ["2.50e+09", "1.00e+08"]),
        ([float("nan"), 1.0], 1.0, ["nan", "1.00"]),
        ([float("inf"), float("nan")], float("nan"), ["inf", "nan"]),
    ],
)
def test_digits_follow_the_standard_deviation(values: list[float], sd: float, text: list[str]) -> None:
    assert row_text(values, sd) == text


@given(st.floats(-1e12, 1e12), st.floats(1e-12, 1e12))
def test_numbers_are_short_and_right(mean: float, sd: float) -> None:
    shown = row_text([mean, sd], sd)
    assert all(len(text) <= 16 for text in shown)
    assert abs(float(shown[0]) - mean) <= 0.06 * sd + 1e-8 * abs(mean) or sd < 1e-11 * abs(mean)


def test_decimal_points_stand_below_one_another() -> None:
    assert aligned(["1.5", "-10.25", "3", "1e-05"]) == ["  1.5 ", "-10.25", "  3   ", " 1e-05"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.00"), (1.0, "1.00"), (0.001, "<.01"), (0.999, ">.99"), (0.5, "0.50")]
)
def test_probabilities_are_never_rounded_to_certainty(value: float, text: str) -> None:
    assert probability(value) == text


def test_counts_and_seconds() -> None:
    assert [counted(1, "row"), counted(12345, "row")] == ["1 row", "12 345 rows"]
    assert [seconds_text(s) for s in (0.061, 4.12, 200.0)] == ["0.06 s", "4.1 s", "3 min 20 s"]


@given(st.lists(st.text("abc ", min_size=1, max_size=12), min_size=1, max_size=8))
def test_parts_are_kept_and_lines_are_short(parts: list[str]) -> None:
    lines = joined(parts, 20, "> ", "  ")
    assert " · ".join(line[2:] for line in lines) == " · ".join(parts)
    assert all(len(line) <= 20 for line in lines)


def test_up_to_twelve_positions_then_how_many_more() -> None:
    text = table(quantity("a", 12), quantity("b", 13), more="ppl summary f").text()
    assert text.count("\n    p12 ") == 2 and "p13" not in text
    assert text.endswith("    … 1 more: ppl summary f")


def test_matrices_are_labelled_by_pairs() -> None:
    lines = table(quantity("m", 2, 3)).text().splitlines()
    assert lines[1].strip() == "m[axis0, axis1]"
    assert [" ".join(line.split()[:2]) for line in lines[2:]] == [f"p{i}, p{j}" for i in (1, 2) for j in (1, 2, 3)]


def test_units_and_derived_heading() -> None:
    found = {"age": quantity("age", 2), "d": quantity("d", role="derived")}
    lines = Summary(found, {"age": "years"}).text().splitlines()
    assert lines[1] == "  age[axis0] (years)"
    assert lines[4].startswith("  derived ──") and lines[5].startswith("  d ")


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "label", ["p", "a label that goes on for longer than anybody would like it to ", "日本語の長いラベル"]
)
def test_tables_fit_the_terminal(columns: int, label: str) -> None:
    text = table(quantity("theta", 5, label=label), quantity("small", scale=1e-4)).text(columns)
    assert max(map(display_width, text.splitlines())) <= columns


def test_statistics_are_weighted() -> None:
    draws = np.array([0.0, 1.0, 2.0])
    q = Quantity("x", (), (), draws, np.array([0.5, 0.5, 0.0]))
    mean, sd, low, median, high = statistics(q, 0.5)
    assert (mean, sd, median) == (0.5, 0.5, 0.5)
    assert low <= median <= high


def test_quantiles_of_many_levels_are_those_of_each() -> None:
    q = quantity("m", 2, 3)
    levels = (0.05, 0.5, 0.95)
    assert np.array_equal(q.quantiles(levels), np.stack([q.quantile(p) for p in levels]))
    assert q.quantiles(levels).shape == (3, 2, 3)
    exact = np.quantile(q.draws, 0.5, axis=0, method="hazen")
    assert np.allclose(q.quantile(0.5), exact)


# ---- discrete unknowns ---------------------------------------------------------------------------------------------


def chances(name: str, prob: np.ndarray, levels: tuple[str, ...]) -> Probabilities:
    axes = tuple(f"axis{i}" for i in range(prob.ndim - 1))
    labels = tuple(tuple(f"p{j + 1}" for j in range(n)) for n in prob.shape[:-1])
    return Probabilities(name, axes, labels, levels, prob)


def test_few_positions_show_the_levels() -> None:
    text = table(chances("z", np.array([[0.2, 0.8], [0.999, 0.001]]), ("short", "long"))).text()
    lines = text.splitlines()
    assert lines[1].split() == ["z[axis0]", "P(short)", "P(long)"]
    assert [line.split() for line in lines[2:]] == [["p1", "0.20", "0.80"], ["p2", ">.99", "<.01"]]


def test_of_true_and_false_one_is_enough() -> None:
    text = table(chances("z", np.array([0.25, 0.75]), ("false", "true"))).text()
    assert text.splitlines()[1] == "  z  P(true) 0.75"


def test_many_positions_are_counted() -> None:
    prob = np.repeat([[0.01, 0.99], [0.6, 0.4]], [30, 10], axis=0)
    text = table(chances("z", prob, ("a", "b"))).text()
    assert "most probable  b: 30 · a: 10" in text and "30 of 40 with probability 0.95 or more" in text


def test_many_levels_are_listed_by_probability() -> None:
    prob = np.full(101, 0.1 / 100)
    prob[40] = 0.9
    text = table(chances("switch", prob, tuple(map(str, range(101))))).text()
    assert text.splitlines()[1].startswith("  switch  40: 0.90 · ") and "93 other levels" in text


# ---- for programs ----------------------------------------------------------------------------------------------------


def test_csv_has_every_number() -> None:
    rows = table(quantity("m", 2, 10), chances("z", np.array([0.5, 0.5]), ("a", "b"))).csv().splitlines()
    assert rows[0] == "name,position,mean,sd,5%,50%,95%,level,probability"
    assert len(rows) == 1 + 20 + 2 and rows[-1] == "z,,,,,,,b,0.5"
    assert rows[1].startswith('m,"p1, p1",')


def test_latex_escapes_names() -> None:
    assert "sd\\_a & $" in table(quantity("sd_a")).latex()
