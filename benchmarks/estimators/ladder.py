"""The ladder of variances: 20 true/false sites, 4 evaluations an estimate, mean variance of a coordinate.

    python benchmarks/estimators/ladder.py [REPEATS]

The figures that it is held against (`KNOWN`) were measured once for E[sum of f_i(b_i)], with and without a coupling of
all sites; of the objective only these figures are known. The four of score functions determine f_i = LEVEL + STEP b_i
with logits evenly spaced about SHIFT, from -WIDTH to WIDTH (they are matched to all digits); DisARM's two are then
predictions. The coupling is not identified: the square of the number of true sites less ten, here, agrees with the
figures of naive scores, leave-one-out, DisARM and local expectations, not with those of Rao-Blackwell costs."""

import sys
from collections.abc import Mapping

import numpy as np

from ppl.api import compile

SITES, EVALUATIONS = 20, 4
WIDTH, SHIFT, STEP, LEVEL = 0.97889782, -0.04035865, 1.62059494, 0.03861526
COUPLING, CENTRE = 0.145, 10
Array = np.ndarray

# The parts of a sum are found even where it is one expression; a maximum, though it never takes its other side, has
# none to leave out.
WHOLE, PARTS = "max(sum(LEVEL + STEP * bCOUPLED), -1000)", "LEVEL + STEP * bCOUPLED"
RUNGS: Mapping[str, tuple[str, str]] = {
    "naive": (WHOLE, '@score(baseline="none") '),
    "leave-one-out": (WHOLE, "@score "),
    "DisARM": (WHOLE, "@disarm "),
    "Rao-Blackwell": (PARTS, '@score(baseline="none") '),
    "Rao-Blackwell, leave-one-out": (PARTS, "@score "),
    "Rao-Blackwell, DisARM": (PARTS, "@disarm "),
    "local": (PARTS, "@local "),
}
KNOWN = {
    "naive": (16.71, 18.61), "leave-one-out": (0.914, 0.933), "DisARM": (1.384, 1.397),
    "Rao-Blackwell": (0.0455, 0.250), "Rao-Blackwell, leave-one-out": (0.0346, 0.154),
    "Rao-Blackwell, DisARM": (0.0209, 0.140), "local": (0.0, 0.0047),
}  # fmt: skip


def text(rung: str, coupled: bool) -> str:
    """The objective as a model: each site is drawn with a logit of its own."""
    cost, how = RUNGS[rung]
    cost = cost.replace("LEVEL", str(LEVEL)).replace("STEP", str(STEP))
    # each site bears an equal part of what couples them
    cost = cost.replace("COUPLED", f" + {COUPLING} * (sum(b) - {CENTRE})^2 / {SITES}" if coupled else "")
    lines = [f"axis site = {SITES}", "model {", "  param l[site] = 0", f"  {how}b[site] ~ Bernoulli(logit=l)", "}"]
    return "\n".join([*lines, f"maximize {cost}", ""])


def logits() -> Array:
    return SHIFT + WIDTH * np.linspace(-1, 1, SITES)


def variance(rung: str, coupled: bool, repeats: int, seed: int = 0) -> float:
    """The mean variance of a coordinate of ppl's estimate from four evaluations; two mirrored pairs for DisARM."""
    p = compile(text(rung, coupled)).objective()
    rows = EVALUATIONS // 2 if "DisARM" in rung else EVALUATIONS
    theta, rng = np.repeat(logits()[None], rows, axis=0), np.random.default_rng(seed)
    every = np.array([p.estimate(theta, rng.random((rows, p.noise)))[1].mean(axis=0) for _ in range(repeats)])
    return float(every.var(axis=0).mean())


def by_hand(rung: str, coupled: bool, repeats: int, seed: int = 1) -> float:
    """The same by the formulas of the papers, written out in numpy."""
    rng, p = np.random.default_rng(seed), 1 / (1 + np.exp(-logits()))
    shape = (repeats, EVALUATIONS // 2 if "DisARM" in rung else EVALUATIONS, SITES)
    u = rng.random(shape)
    parted = rung.startswith("Rao")

    def cost(b: Array) -> Array:
        own = LEVEL + STEP * b
        both = COUPLING * (b.sum(axis=-1, keepdims=True) - CENTRE) ** 2 if coupled else 0.0
        return (own if parted else own.sum(axis=-1, keepdims=True)) + both

    first, second = (u > 1 - p).astype(float), (u < p).astype(float)
    if rung == "local":
        others = first.sum(axis=-1, keepdims=True) - first
        jump = COUPLING * ((others + 1 - CENTRE) ** 2 - (others - CENTRE) ** 2) if coupled else 0.0
        rows = p * (1 - p) * (STEP + jump) * np.ones(shape)
    elif "DisARM" in rung:
        side = (first != second) * (1 - 2 * second) * np.maximum(p, 1 - p) / 2
        rows = (cost(first) - cost(second)) * side
    else:
        f = cost(first)
        if rung.endswith("leave-one-out"):
            f = (f - f.mean(axis=1, keepdims=True)) * EVALUATIONS / (EVALUATIONS - 1)
        rows = (first - p) * f
    return float(rows.mean(axis=1).var(axis=0).mean())


def main(repeats: int) -> None:
    print("| estimator | ppl, apart | by hand | known | ppl, coupled | by hand | known |")
    print("|---|---|---|---|---|---|---|")
    for rung, known in KNOWN.items():
        cells = []
        for coupled in (False, True):
            found = variance(rung, coupled, repeats), by_hand(rung, coupled, repeats), known[coupled]
            cells += [f"{v:.3g}" if v > 1e-12 else "0" for v in found]
        print(f"| {rung} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
