"""Mutated model files: each is a result or located complaints, never another exception, and never slow."""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ppl.api import estimators_of
from ppl.check.check import check
from ppl.emit.objective_program import emit_objective
from ppl.emit.program import emit
from ppl.graph.graph import lower
from ppl.rewrite.plan import is_objective, plan
from ppl.rewrite.suspect import may_be_refused
from ppl.source.diagnostic import ModelError
from ppl.source.render import render
from ppl.syntax.parse import parse

ROOT = Path(__file__).parents[2]
TEXTS = [
    p.read_text(encoding="utf-8") for p in sorted([*ROOT.glob("models/*.ppl"), *ROOT.glob("tests/programs/*.ppl")])
]
TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\"[^\"\n]*\"|[<>=!]=|\|>|\.\.|[^\w\s]|\n|[ \t]+")
WORDS = (
    "Normal Poisson Categorical Dirichlet Bernoulli Binomial Mixture Truncated Censored Ordered ZeroInflated "
    "HalfNormal "
    "Uniform MvNormal OrderedLogistic Multinomial Flat Beta StudentT sum mean exp log sqrt abs floor min max dot diag "
    "cholesky argmax softmax uniform size row t if then else and or not true false for in model data axis const fun "
    'observe factor @reparam @enumerate .. [ ] ( ) { } , ~ = == < > + - * / ^ @ % : ? 0 1 -1 2 3 0.5 1e6 "a" \n'
).split(" ")
SLOWEST = 5.0  # seconds for one file
MUTANTS = 2_000


def deleted(tokens: list[str], rng: random.Random) -> None:
    del tokens[rng.randrange(len(tokens))]


def doubled(tokens: list[str], rng: random.Random) -> None:
    at = rng.randrange(len(tokens))
    tokens.insert(at, tokens[at])


def swapped(tokens: list[str], rng: random.Random) -> None:
    a, b = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    tokens[a], tokens[b] = tokens[b], tokens[a]


def inserted(tokens: list[str], rng: random.Random) -> None:
    tokens.insert(rng.randrange(len(tokens)), f" {rng.choice(WORDS)} ")


def replaced(tokens: list[str], rng: random.Random) -> None:
    tokens[rng.randrange(len(tokens))] = rng.choice(WORDS)


def renamed(tokens: list[str], rng: random.Random) -> None:
    """One name becomes another name of the file: the mutation that stays closest to a model."""
    places = [i for i, token in enumerate(tokens) if re.match(r"[A-Za-z_]", token)]
    tokens[rng.choice(places)] = tokens[rng.choice(places)]


def renumbered(tokens: list[str], rng: random.Random) -> None:
    places = [i for i, token in enumerate(tokens) if token[:1].isdigit()]
    if places:
        tokens[rng.choice(places)] = rng.choice(["0", "1", "2", "7", "1e9", "-1", "0.5", "1e-300", "1e300", "99999999"])


def moved(tokens: list[str], rng: random.Random) -> None:
    lines = "".join(tokens).split("\n")
    lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
    tokens[:] = TOKEN.findall("\n".join(lines))


MUTATIONS: tuple[Callable[[list[str], random.Random], None], ...] = (
    deleted, doubled, swapped, inserted, replaced, renamed, renamed, renamed, renumbered, moved, moved,
)  # fmt: skip


def mutant(seed: int) -> str:
    """The mutated model with this number."""
    rng = random.Random(seed)
    tokens = TOKEN.findall(rng.choice(TEXTS))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        if tokens:
            rng.choice(MUTATIONS)(tokens, rng)
    return "".join(tokens)


def compiled(text: str) -> str:
    """`emitted`, or the complaints as text: an exception other than `ModelError` gets through."""
    try:
        checked = check(parse(text, "model.ppl"))
        if checked.core is None:
            return render(checked.diagnostics, {"model.ppl": text})
        try:
            planned = plan(lower(checked.core))
        except ModelError:
            assert may_be_refused(checked.core), "the light check would have passed it"
            raise
        if is_objective(planned):
            emit_objective(planned, None, estimators_of(planned))
        else:
            emit(planned)
    except ModelError as error:
        return render(error.diagnostics, {"model.ppl": text})
    return "emitted"


def verdicts(seeds: range) -> dict[str, int]:
    """How many mutants compile and how many are refused; fails with the text of a mutant that crashes or is slow."""
    counts = {"emitted": 0, "refused": 0}
    for seed in seeds:
        text, began = mutant(seed), time.perf_counter()
        try:
            said = compiled(text)
        except Exception as error:
            pytest.fail(f"mutant {seed}: {type(error).__name__}: {error}\n{text}")
        assert time.perf_counter() - began < SLOWEST, f"mutant {seed} is slow\n{text}"
        assert said == "emitted" or re.match(r"(error|warning)\[[EW]\d+\]: ", said), f"mutant {seed}: {said}"
        counts["emitted" if said == "emitted" else "refused"] += 1
    return counts


def test_mutated_models_compile_or_are_refused() -> None:
    counts = verdicts(range(MUTANTS))
    assert counts["emitted"] > 100 and counts["refused"] > 1000  # both sides of the compiler are reached
