"""Discrete problems with exact references: what the compiler sums out, and what a fit reports. See README.md."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from log_joints import HERE, LogJoint, coal, earthquake, gmm, hmm_drive, hmm_example, survey, table, zip_lamb

from ppl.api import load
from ppl.emit.bind import Program
from ppl.results.fit import Fit
from ppl.results.quantity import Probabilities, Quantity

Array = npt.NDArray[np.float64]
Moments = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class Case:
    """`moments` are means and sds of the continuous unknowns; `probabilities` the chances of the levels of the discrete
    ones, last axis; `joint` is the log density of the continuous unknowns with the discrete ones summed out, per unit
    of all of them but the last entries of `simplexes`."""

    name: str
    log_evidence: float
    moments: dict[str, Moments]
    probabilities: dict[str, Array]
    joint: LogJoint
    simplexes: tuple[str, ...] = ()


def reference(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text())


def moments(record: Any, *names: str) -> dict[str, Moments]:
    return {name: (np.array(record[name]["mean"]), np.array(record[name]["sd"])) for name in names}


def yes(p: npt.ArrayLike) -> Array:
    """The chances of false and true."""
    return np.stack([1 - np.asarray(p, float), np.asarray(p, float)], axis=-1)


def coal_case(name: str, record: Any) -> Case:
    rates = moments(record, "early_rate", "late_rate")
    return Case(name, record["log_evidence"], rates, {"s": np.array(record["s"]["pmf_from_1"])}, coal)


def gmm_case(record: Any) -> Case:
    found = moments(record, "w", "mu0", "mu1", "sigma0", "sigma1")
    return Case("gmm_faithful", record["log_evidence"], found, {"z": yes(record["z_prob_one"])}, gmm)


def zip_case(record: Any) -> Case:
    zero = np.array(table("zip_lamb")["count"]) == "0"
    asleep = yes(zero * record["z_prob_structural_if_count_zero"])
    return Case("zip_lamb", record["log_evidence"], moments(record, "psi", "lam"), {"z": asleep}, zip_lamb)


def survey_case(record: Any) -> Case:
    n = np.concatenate([np.zeros(record["n"]["support_from"] - 1), record["n"]["pmf"]])
    return Case("survey_size", record["log_evidence"], moments(record, "theta"), {"n": n}, survey)


def earthquake_case(record: Any) -> Case:
    rates = {"rate": tuple(np.array([rate[key] for rate in record["rates"]]) for key in ("mean", "sd"))}
    return Case("earthquake_rates", record["log_evidence"], rates, {"z": np.array(record["state_prob"])}, earthquake)


def chain_case(name: str, record: Any, pairs: tuple[str, ...], joint: LogJoint) -> Case:
    """A chain of posteriordb: rows of `move` are called theta1 and theta2; ordered pairs are two unknowns here."""
    each = moments(record, "theta1", "theta2", *pairs)
    rows = tuple(np.stack([each["theta1"][k], each["theta2"][k]]) for k in (0, 1))
    levels = {f"{pair}{k + 1}": tuple(m[k] for m in each[pair]) for pair in pairs for k in (0, 1)}
    return Case(name, record["_meta"]["log_evidence"], {"move": rows, **levels}, {}, joint, ("move",))


COAL = reference("coal_changepoint")
CASES = [
    coal_case("coal_changepoint", COAL),
    coal_case("coal_changepoint_missing", COAL["with_two_missing_years"]),
    gmm_case(reference("gmm_faithful")),
    zip_case(reference("zip_lamb")),
    survey_case(reference("survey_size")),
    chain_case("hmm_example", reference("hmm_example"), ("mu",), hmm_example),
    chain_case("hmm_drive", reference("hmm_drive"), ("phi", "lambda"), hmm_drive),
]
SUMS = [*CASES, earthquake_case(reference("earthquake")["unknown_rates"])]
NETWORKS = {name: rows for name, rows in reference("networks").items() if name in ("asia", "sprinkler")}


def name_of(case: Case) -> str:
    return case.name


@cache
def fitted(name: str) -> Fit:
    return load(HERE / f"{name}.ppl").fit(HERE / f"{name}.csv")


def quantity(fit: Fit, name: str) -> Quantity:
    found = fit[name]
    assert isinstance(found, Quantity)
    return found


def chances(fit: Fit, name: str) -> Probabilities:
    found = fit[name]
    assert isinstance(found, Probabilities)
    return found


# ---- the fits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_means_and_sds_are_those_of_the_posterior(case: Case) -> None:
    fit = fitted(case.name)
    assert fit.trust.verdict == "ok"
    for name, (mean, sd) in case.moments.items():
        found = quantity(fit, name)
        assert found.mean().shape == mean.shape
        assert (np.abs(found.mean() - mean) < 0.1 * sd).all()
        assert found.sd() == pytest.approx(sd, rel=0.1)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_probabilities_are_those_of_the_posterior(case: Case) -> None:
    for name, wanted in case.probabilities.items():
        found = chances(fitted(case.name), name).prob
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() < 0.01


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_log_evidence_is_that_of_the_reference(case: Case) -> None:
    assert fitted(case.name).evidence.log_evidence == pytest.approx(case.log_evidence, abs=0.05)


# ---- the sum, given the continuous unknowns -----------------------------------------------------------------------


def numbers(program: Program, case: Case, u: Array) -> Array:
    """The free entries of the continuous unknowns at coordinates `u` (S, P): shape (S, P), in the order of the case."""
    named = program.constrained(u, np.ones(program.weights))
    free = [named[name][..., :-1] if name in case.simplexes else named[name] for name in case.moments]
    return np.concatenate([each.reshape(len(u), -1) for each in free], axis=1)


def log_volume(program: Program, case: Case, u: Array) -> float:
    """log |det dx/du| at the coordinates `u` (P,): five-point differences, good to about 1e-11."""
    steps = 1e-3 * np.eye(len(u))
    at = [numbers(program, case, u + k * steps) for k in (-2, -1, 1, 2)]
    return float(np.linalg.slogdet((at[0] - 8 * at[1] + 8 * at[2] - at[3]) / 12e-3)[1])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", SUMS, ids=name_of)
def test_sum_over_the_discrete_unknowns_is_exact(case: Case, seed: int) -> None:
    program, _ = load(HERE / f"{case.name}.ppl").bind(HERE / f"{case.name}.csv")
    u = np.random.default_rng(seed).normal(0, 0.5, program.dim)
    x = {name: value[0] for name, value in program.constrained(u[None], np.ones(program.weights)).items()}
    found = float(program.value(u[None], np.ones(program.weights))[0])
    assert found == pytest.approx(case.joint(x, table(case.name)) + log_volume(program, case, u), abs=1e-8, rel=1e-12)


# ---- networks: nothing is left but sums ---------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_log_evidence_of_a_network_is_exact(network: str) -> None:
    wanted = sum(row["log_evidence"] for row in NETWORKS[network])
    assert fitted(network).evidence.log_evidence == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize("network", NETWORKS)
def test_probabilities_of_a_network_are_exact(network: str) -> None:
    """Row by row. A column of the data is reported for the rows where it is blank, other unknowns for all rows."""
    columns, rows = table(network), NETWORKS[network]
    names = {name for row in rows for name in row["prob_true"]}
    assert len(names) >= 4
    for name in names:
        blank = [k for k, row in enumerate(rows) if name not in columns or not columns[name][k]]
        assert all(name in rows[k]["prob_true"] for k in blank)
        found = chances(fitted(network), name).prob
        wanted = [rows[k]["prob_true"][name] for k in blank]
        assert found[:, 1] == pytest.approx(np.array(wanted), abs=1e-8)


# ---- a chain of which everything is known but the states -----------------------------------------------------------


def test_chain_with_known_rates_is_solved_exactly() -> None:
    wanted, fit = reference("earthquake")["all_fixed"], fitted("earthquake_fixed")
    assert fit.evidence.log_evidence == pytest.approx(wanted["log_evidence"], abs=1e-7)
    assert chances(fit, "z").prob == pytest.approx(np.array(wanted["state_prob"]), abs=1e-8)


# ---- jumps: what the best guide of its family reaches -------------------------------------------------------------


def test_branch_on_an_unknown_is_fitted_by_its_best_guide() -> None:
    """A gradient that ignores the jump ends at an ELBO of -10.890."""
    wanted, fit = reference("if_branch"), fitted("if_branch")
    (best,) = wanted["gaussian_guide_optima"]
    assert fit.evidence.elbo == pytest.approx(best["elbo"], abs=0.005)
    assert fit.trust.verdict == "ok"
    z = quantity(fit, "z")
    assert abs(float(z.mean()) - wanted["z"]["mean"]) < 0.1 * wanted["z"]["sd"]
    assert float(z.sd()) == pytest.approx(wanted["z"]["sd"], rel=0.1)
    assert fit.evidence.log_evidence == pytest.approx(wanted["log_evidence"], abs=0.05)


def test_text_messages_are_fitted_by_their_best_factorised_guide() -> None:
    """Others of its local optima lie at -296.74 and below."""
    best = reference("textmsg")["every_second_day_as_in_the_paper"]["factorised_gaussian_optimum"]
    fit = load(HERE / "textmsg_second_days.ppl").fit(HERE / "textmsg_second_days.csv", restarts=1)
    assert fit.evidence.elbo == pytest.approx(best["elbo"], abs=0.01)
