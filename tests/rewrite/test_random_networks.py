"""Random networks of discrete unknowns over nested and crossing plates: summed out exactly, or refused."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from enumerate_joint import enumerate_joint, program_of, refusals
from scipy.stats import norm

ROWS = 4
Y = np.array([0.3, -0.8, 1.4, 0.9])
LEVELS = {"left": np.array([0, 1, 1, 0]), "right": np.array([1, 0, 1, 0])}
PARTNER = np.array([2, 0, 1, 3])
DATA = {
    "y": Y.tolist(),
    "left": ["a", "b", "b", "a"],
    "right": ["d", "c", "d", "c"],
    "partner": (PARTNER + 1).tolist(),
}
SIZES = {"": 1, "left": 2, "right": 2, "row": ROWS}
HEADER = "data {\n  y: real\n  left: factor\n  right: factor\n  partner: int\n}\n\nmodel {\n"


@dataclass(frozen=True)
class Read:
    """One look at an unknown from a plate: its text, and for every position of the plate where it looks."""

    unknown: str
    text: str
    at: np.ndarray


@dataclass
class Network:
    """A model, and its log joint as a list of terms over the positions of unknowns."""

    rng: np.random.Generator
    plates: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    terms: list[tuple[tuple[Read, ...], object]] = field(default_factory=list)

    def read(self, name: str, plate: str) -> Read | None:
        """A way to read an unknown from a plate, or None where there is none."""
        own, n = self.plates[name], SIZES[plate]
        if own == "":
            return Read(name, name, np.zeros(n, int))
        if own == plate:
            if plate == "row" and self.rng.random() < 0.25:
                return Read(name, f"{name}[partner]", PARTNER)
            return Read(name, f"{name}[{plate}]" if plate != "row" else name, np.arange(n))
        if plate == "row" and own in LEVELS:
            return Read(name, f"{name}[{own}]", LEVELS[own])
        return None

    def reads(self, plate: str, chance: float) -> list[Read]:
        chosen = [name for name in self.plates if self.rng.random() < chance]
        return [r for r in (self.read(name, plate) for name in chosen) if r is not None]


def random_network(seed: int) -> Network:
    n = Network(np.random.default_rng(seed))
    plates = [str(n.rng.choice(["", "left", "right", "row"], p=[0.25, 0.3, 0.15, 0.3])) for _ in range(4)]
    while sum(SIZES[p] for p in plates) > 11:
        plates.pop()
    for i, plate in enumerate(plates):
        _unknown(n, f"z{i}", plate)
    for plate in ("row", "row", ""):
        _factor(n, plate)
    _likelihood(n)
    return n


def _unknown(n: Network, name: str, plate: str) -> None:
    parents = n.reads(plate, 0.4)[:1]
    n.plates[name] = plate
    own = Read(name, name, np.arange(SIZES[plate]))
    left = f"{name}[{plate}]" if plate else name
    if not parents:
        n.lines.append(f"  {left} ~ Bernoulli(0.35)")
        n.terms.append(((own,), lambda z: np.log(np.where(z, 0.35, 0.65))))
    else:
        n.lines.append(f"  {left} ~ Bernoulli(if {parents[0].text} then 0.8 else 0.3)")
        n.terms.append(((own, parents[0]), _conditional))


def _conditional(z: np.ndarray, parent: np.ndarray) -> np.ndarray:
    p = np.where(parent, 0.8, 0.3)
    return np.log(np.where(z, p, 1 - p))


def _factor(n: Network, plate: str) -> None:
    if n.rng.random() < 0.6:
        return
    pair = n.reads(plate, 0.5)[:2]
    if len(pair) == 2:
        if all(n.plates[r.unknown] == "" for r in pair):
            pair = [Read(r.unknown, r.text, r.at[:1]) for r in pair]  # no plate in sight: one term, not one per row
        n.lines.append(f"  factor 0.7 * {pair[0].text} * {pair[1].text}")
        n.terms.append((tuple(pair), lambda a, b: 0.7 * a * b))


def _likelihood(n: Network) -> None:
    seen = n.reads("row", 0.6)
    weights = [0.5 + i for i in range(len(seen))]
    mean = " + ".join([f"{w} * {r.text}" for w, r in zip(weights, seen, strict=True)]) or "0"
    n.lines.append(f"  y ~ Normal({mean}, 1)")
    n.terms.append((tuple(seen), lambda *z: norm.logpdf(Y, sum((w * v for w, v in zip(weights, z)), 0.0 * Y))))


def exact(n: Network) -> tuple[float, list[np.ndarray]]:
    starts = dict(zip(n.plates, np.cumsum([0, *(SIZES[p] for p in n.plates.values())]), strict=False))

    def log_joint(z: np.ndarray) -> float:
        total = 0.0
        for reads, f in n.terms:
            total += float(np.sum(f(*(z[starts[r.unknown] + r.at] for r in reads))))  # type: ignore[operator]
        return total

    return enumerate_joint([(0, 1)] * sum(SIZES[p] for p in n.plates.values()), log_joint)


def verify_network(seed: int) -> bool:
    """Whether the network can be summed out; its numbers must then be those of the enumeration."""
    n = random_network(seed)
    text = HEADER + "\n".join(n.lines) + "\n}\n"
    if refusals(text):
        return False
    program = program_of(text, DATA)
    u, w = np.zeros((1, 0)), np.zeros(0)
    total, shares = exact(n)
    assert program.value(u, w)[0] == pytest.approx(total, rel=1e-11, abs=1e-11), text
    marginals = program.marginals(u, w)
    found = np.concatenate([marginals[name][0].reshape(-1, 2) for name in n.plates])
    np.testing.assert_allclose(found, np.array(shares), rtol=1e-9, atol=1e-12, err_msg=text)
    return True


@pytest.mark.parametrize("block", range(10))
def test_random_networks_are_summed_exactly_or_refused(block: int) -> None:
    taken = [verify_network(seed) for seed in range(20 * block, 20 * block + 20)]
    assert sum(taken) >= 4
