"""The order of summation: networks of any shape in one plate, its cost known before anything runs, tables that are too
large refused."""

from itertools import product

import numpy as np
import pytest
from enumerate_joint import enumerate_joint, points, program_of
from scipy.stats import norm

from ppl.check.check import check
from ppl.graph.graph import lower
from ppl.rewrite.eliminate import Elimination, eliminations
from ppl.rewrite.order import cells, schedule
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse

NODES = 12
Y = np.array([0.4, -1.1])
NOTHING = np.zeros((1, 0)), np.zeros(0)


def random_dag(seed: int) -> tuple[str, list[tuple[tuple[int, ...], np.ndarray]], np.ndarray]:
    """A random network of twelve bools in one plate, each with up to two parents: its text, the parents of each with
    its chances of being true, and the weights with which the data read them."""
    rng = np.random.default_rng(seed)
    lines, tables = [], []
    for i in range(NODES):
        parents = tuple(sorted(rng.choice(i, min(i, int(rng.integers(0, 3))), replace=False).tolist()))
        p = np.round(rng.uniform(0, 1, (2,) * len(parents)), 3)
        p = np.where(rng.random(p.shape) < 0.15, 0.0, p)
        text = str(float(p)) if not parents else f"(if z{parents[-1]} then @1 else @0)"
        if len(parents) == 1:
            text = text.replace("@1", str(p[1])).replace("@0", str(p[0]))
        for k in (0, 1) if len(parents) == 2 else ():
            text = text.replace(f"@{k}", f"(if z{parents[0]} then {p[1, k]} else {p[0, k]})")
        lines.append(f"  z{i}[row] ~ Bernoulli({text})")
        tables.append((parents, p))
    weights = np.where(rng.random(NODES) < 0.4, np.round(rng.normal(size=NODES), 2), 0.0)
    mean = " + ".join(f"{w} * z{i}" for i, w in enumerate(weights) if w) or "0"
    text = "data {\n  y: real\n}\nmodel {\n" + "\n".join(lines) + f"\n  y ~ Normal({mean}, 1)\n}}\n"
    return text, tables, weights


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_in_one_plate(seed: int) -> None:
    text, tables, weights = random_dag(seed)
    program = program_of(text, {"y": Y})
    z = np.array(list(product((0, 1), repeat=NODES)))
    logs = np.zeros(len(z))
    with np.errstate(divide="ignore"):
        for i, (parents, p) in enumerate(tables):
            chance = p[tuple(z[:, j] for j in parents)]
            logs += np.log(np.where(z[:, i], chance, 1 - chance))
    rows = logs + norm.logpdf(Y[:, None], z @ weights, 1)
    top = rows.max(-1, keepdims=True)
    totals = np.log(np.exp(rows - top).sum(-1)) + top[:, 0]
    assert program.value(*NOTHING)[0] == pytest.approx(totals.sum(), rel=1e-11)
    shares = np.exp(rows - totals[:, None])
    found = program.marginals(*NOTHING)
    for i in range(NODES):
        np.testing.assert_allclose(found[f"z{i}"][0][:, 1], shares @ z[:, i], rtol=1e-9, atol=1e-12)


def test_two_plates_inside_each_other() -> None:
    """What is outside a plate multiplies over it, what is inside is summed within."""
    x = np.array([[0.3, -0.2], [1.4, 0.6]])
    text = (
        'data {\n  y[visit]: real from "y*"\n}\nmodel {\n  a ~ Normal(0, 1)\n  s ~ Bernoulli(0.4)\n'
        "  g[row] ~ Bernoulli(if s then 0.8 else 0.3)\n"
        "  for v in visit {\n    c[row, v] ~ Bernoulli(if g then 0.9 else if s then 0.5 else 0.1)\n  }\n"
        "  y ~ Normal(a * c + g - s, 0.8)\n}\n"
    )
    program = program_of(text, {"y1": x[:, 0], "y2": x[:, 1]})

    def truth(z: np.ndarray, p: np.ndarray | float) -> float:
        return float(np.sum(np.log(np.where(z, p, 1 - np.asarray(p)))))

    def log_joint(z: np.ndarray, a: float) -> float:
        s, g, c = z[0], z[1:3], z[3:].reshape(2, 2)
        inner = np.where(g[:, None], 0.9, 0.5 if s else 0.1) + 0 * c
        density = norm.logpdf(x, a * c + g[:, None] - s, 0.8).sum()
        return float(norm.logpdf(a) + truth(s, 0.4) + truth(g, 0.8 if s else 0.3) + truth(c, inner) + density)

    u, w = points(program)
    for i, a in enumerate(program.constrained(u, w)["a"]):
        total, shares = enumerate_joint([(0, 1)] * 7, lambda z, a=float(a): log_joint(z, a))
        assert program.value(u, w)[i] == pytest.approx(total, rel=1e-11)
        found = program.marginals(u, w)
        flat = [found[n][i].reshape(-1, 2) for n in ("s", "g", "c")]
        np.testing.assert_allclose(np.concatenate(flat), np.array(shares), rtol=1e-9)


def steps(text: str) -> list[int]:
    """The cells of the tables of a model, in order."""
    core = check(parse(text, "<model>")).core
    assert core is not None
    found = [e for e in eliminations(lower(core)).values() if isinstance(e, Elimination)]
    done, stuck = schedule(found)
    assert not stuck
    return [cells(step, {e.name: e.levels or 10 for e in found}) for step in done]


def network(lines: list[str]) -> str:
    return "data {\n  y: real\n}\nmodel {\n" + "\n".join(lines) + "\n  y ~ Normal(z0, 1)\n}\n"


def test_a_tree_takes_tables_of_two_unknowns() -> None:
    """Forty bools: whatever the order of the file, no table joins more than an unknown and its parent."""
    rng = np.random.default_rng(1)
    lines = ["  z0[row] ~ Bernoulli(0.5)"]
    for i in range(1, 40):
        lines.append(f"  z{i}[row] ~ Bernoulli(if z{int(rng.integers(i))} then 0.8 else 0.3)")
    found = steps(network(lines))
    assert len(found) == 40
    assert max(found) == 4


def test_a_ring_takes_tables_of_three() -> None:
    lines = ["  z0[row] ~ Bernoulli(0.5)"]
    lines += [f"  z{i}[row] ~ Bernoulli(if z{i - 1} then 0.8 else 0.3)" for i in range(1, 12)]
    assert max(steps(network([*lines, "  factor 0.3 * z0 * z11"]))) == 8


def test_a_density_that_joins_too_many_is_refused_before_it_runs() -> None:
    lines = [f"  z{i}[row] ~ Bernoulli(0.5)" for i in range(26)]
    every = " * ".join(f"(1 + z{i})" for i in range(26))
    with pytest.raises(ModelError) as caught:
        program_of(network([*lines, f"  factor 0.001 * {every}"]), {"y": [0.0]})
    assert [d.code for d in caught.value.diagnostics] == ["E531"]


def test_a_chain_of_too_many_states_is_refused_before_it_runs() -> None:
    text = (
        "axis state = 200\ndata {\n  y: real\n}\nmodel {\n  move[state, state] ~ Normal(0, 1)\n  for t in row {\n"
        "    z[t] ~ if t == 1 then Categorical(uniform(state)) else Categorical(logits=move[z[t - 1]])\n  }\n"
        "  level[state] ~ Normal(0, 1)\n  y ~ Normal(level[z], 1)\n}\n"
    )
    with pytest.raises(ModelError) as caught:
        program_of(text, {"y": np.zeros(600)})
    assert [d.code for d in caught.value.diagnostics] == ["E531"]
