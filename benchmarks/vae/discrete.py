"""A digit model with twenty true/false latents: the variance of the gradient against the plain score function.

    python benchmarks/vae/discrete.py

The reference is REINFORCE with the mean cost of the minibatch as its baseline, written here by hand: every latent of
an image answers for the whole cost of that image. Ours is the estimator that the compiler chooses, and each other one
that it calls sound. The variance is that of one draw's gradient of the encoder's weights, averaged over them, at the
start and after a fit; work-normalised it is multiplied by the seconds of a draw, medians within this run."""

import argparse
import os
from collections.abc import Callable
from time import perf_counter

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one thread for all

import numpy as np
import numpy.typing as npt
from run import HERE, columns, images

import ppl
from ppl.emit.bind_objective import ObjectiveProgram

Array = npt.NDArray[np.float64]
BATCH, DRAWS, ROWS, STEPS = 256, 400, 4, 1500
# Ours may have this part of the variance of plain score.
MOST = 1 / 5
MODEL = """
axis unit = 20

data {
  px[pixel]: bool from "px1".."px64"
}

net decoder(b[unit]) -> logits[pixel] {
  logits = dense(b, pixel)
}

net encoder(px[pixel]) -> logits[unit] {
  logits = dense(px, unit)
}

model {
  b[row, unit] ~ Bernoulli(0.5)
  px ~ Bernoulli(logit=decoder(b))
}

guide {
  b[row, unit] ~ Bernoulli(logit=encoder(px))
}
"""


def plain_score(w: dict[str, Array], x: Array, rng: np.random.Generator) -> Array:
    """One draw's gradient of the encoder's weights by the score function, baseline: the mean cost of the minibatch."""
    logit = x @ w["encoder.logits.W"] + w["encoder.logits.b"]
    chance = 1 / (1 + np.exp(-logit))
    b = (rng.random(logit.shape) < chance) * 1.0
    out = b @ w["decoder.logits.W"] + w["decoder.logits.b"]
    log_p = (x * out - np.logaddexp(0, out)).sum(1) - logit.shape[1] * np.log(2)
    cost = log_p - (b * logit - np.logaddexp(0, logit)).sum(1)
    score = b - chance
    weighted = (cost - (cost.sum() - cost) / (len(cost) - 1))[:, None] * score
    return np.concatenate([(x.T @ weighted).ravel(), weighted.sum(0)])


def by_ours(program: ObjectiveProgram, theta: Array) -> Callable[[np.random.Generator], Array]:
    """A function that gives ROWS draws' mean gradient of the encoder's weights."""
    places = np.concatenate([np.arange(program.dim)[program.slots[f"encoder.logits.{n}"]] for n in ("W", "b")])

    def draw(rng: np.random.Generator) -> Array:
        e = np.maximum(rng.random((ROWS, program.noise)), 2.0**-53)
        return np.asarray(program.estimate(np.repeat(theta[None], ROWS, axis=0), e)[1].mean(axis=0)[places])

    return draw


def measured(draw: Callable[[np.random.Generator], Array], rows: int) -> tuple[float, float]:
    """The variance of one draw, averaged over coordinates, and the seconds of one draw."""
    rng, times, found = np.random.default_rng(0), [], []
    for _ in range(DRAWS // rows):
        began = perf_counter()
        found.append(draw(rng))
        times.append((perf_counter() - began) / rows)
    return float(np.var(found, axis=0, ddof=1).mean() * rows), float(np.median(times))


def table(title: str, theta: Array, programs: dict[str, ObjectiveProgram], chosen: str, x: Array) -> list[str]:
    one = next(iter(programs.values()))
    w = {name: np.asarray(value) for name, value in one.learned(theta).items()}
    plain, seconds = measured(lambda rng: plain_score(w, x, rng), 1)
    lines = [f"| {title}: plain score, batch baseline | {plain:.3g} | 1 | {1e3 * seconds:.2f} | 1 |"]
    for name, program in programs.items():
        variance, cost = measured(by_ours(program, theta), ROWS)
        share, work = variance / plain, variance * cost / (plain * seconds)
        mark = " (chosen)" if name == chosen else ""
        lines.append(f"| {title}: {name}{mark} | {variance:.3g} | {share:.2g} | {1e3 * cost:.2f} | {work:.2g} |")
    return lines


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    every = images()
    data = columns(every[:BATCH])
    model = ppl.compile(MODEL)
    plan = model.graph.nodes["b"]["node"].plan
    tuned, _ = model.tuned(*model.bind(data))
    chosen = tuned.graph.nodes["b"]["node"].plan.estimator
    names = (plan.estimator, *plan.others)
    programs = {name: model.with_guide(None, {"b": name}).objective(data) for name in names}
    start = programs[chosen].start
    fit = model.fit(columns(every[:1500]), batch=BATCH, steps=STEPS, lr=0.01)
    lines = [
        "| estimator | variance | of plain score | ms a draw | variance times time, of plain score |",
        "|---|---|---|---|---|",
        *table("start", start, programs, chosen, every[:BATCH]),
        *table("after a fit", fit.guide.loc, programs, chosen, every[:BATCH]),
    ]
    head = [
        "# True/false latents: variance of gradients",
        "",
        "`python benchmarks/vae/discrete.py` makes this file.",
        "",
    ]
    print("\n".join(lines))
    (HERE / "DISCRETE.md").write_text("\n".join([*head, *lines, ""]))


if __name__ == "__main__":
    main()
