"""Writes the data of `dmm.ppl`: `python models/simulate_dmm.py > models/dmm.json`.

24 tunes of 8 steps, every third of 5, in which four notes sound or not: two hidden numbers go around in a circle of
about nine steps, with noise of 0.3, and each note is on with log odds linear in them."""

import json
import sys

import numpy as np

TUNES, STEPS, NOTES, SEED = 24, 8, 4, 13


def tunes() -> dict[str, list[object]]:
    rng = np.random.default_rng(SEED)
    loadings = rng.normal(0, 2, (2, NOTES))
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    lengths, notes = [], np.zeros((TUNES, STEPS, NOTES), dtype=int)
    for tune in range(TUNES):
        lengths.append(STEPS if tune % 3 else 5)
        z = rng.normal(0, 1, 2)
        for t in range(lengths[-1]):
            z = turn @ z + rng.normal(0, 0.3, 2)
            notes[tune, t] = rng.random(NOTES) < 1 / (1 + np.exp(-z @ loadings))
    return {"length": lengths, "x": notes.tolist()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(tunes()) + "\n")
