"""What the peers' scripts share: the problem as JSON, means and variances of gradients, warnings, the answer as JSON.

A script is started as `python PEER.py PROBLEM.json`, in that peer's environment. The problem is what run.py wrote:

    {"name", "latents": [{"name", "kind", "size", "layout", "unit", "jumps"}], "point": [..], "data": {..}, "draws",
    "steps", "rate", "budget"}

and the last line of stdout is {"version", "cells": {VARIANT: cell}}. A cell is {"mean", "se": [P], "variance": mean
over parameters of the variance of a one-draw gradient, "draws", "per": draws behind each gradient, "fit": [means,
sds] per latent, "warnings": [..], "lines": lines a user must add for it, "error"}.
Gradients are of the ELBO (upwards), in the parameters of problems.py.
"""

import json
import logging
import sys
import traceback
import warnings
from contextlib import contextmanager
from time import perf_counter

import numpy as np


def slices(problem):
    """Where each latent's means (or logits) and log sds stand in the vector: {name: (slice, slice or None)}."""
    out, at = {}, 0
    for latent in problem["latents"]:
        n = latent["size"]
        has_sd = latent["kind"] != "bernoulli" and not latent["unit"]
        out[latent["name"]] = (slice(at, at + n), slice(at + n, at + 2 * n) if has_sd else None)
        at += 2 * n if has_sd else n
    return out


def jumpy(problem):
    return [latent["name"] for latent in problem["latents"] if latent["jumps"]]


def fit_of(problem, vector):
    """[means, sds] of each latent at a vector of parameters; a Bernoulli's logits twice."""
    vector = np.asarray(vector, float)
    return {
        name: [vector[mean].tolist(), (np.ones(mean.stop - mean.start) if sd is None else np.exp(vector[sd])).tolist()]
        for name, (mean, sd) in slices(problem).items()
    }


def moments(gradient, draws, per, budget):
    """Mean, standard error and one-draw variance of `gradient(i)` -> (rows, P), each row the mean of `per` draws,
    until there are `draws` of them or `budget` seconds are spent. Gradients of one row each are pooled as well as
    large blocks are."""
    began, count, i = perf_counter(), 0, 0
    total = square = None
    while count * per < draws and (count < 20 or perf_counter() - began < budget):
        rows = np.atleast_2d(np.asarray(gradient(i), float))
        if total is None:
            shift = rows[0].copy()  # sums of squares about a value nearby keep their digits
            total, square = np.zeros(shift.size), np.zeros(shift.size)
        total += (rows - shift).sum(axis=0)
        square += ((rows - shift) ** 2).sum(axis=0)
        count, i = count + len(rows), i + 1
    mean = total / count
    spread = np.maximum(square / count - mean**2, 0) * count / (count - 1)
    return {
        "mean": (shift + mean).tolist(),
        "se": np.sqrt(spread / count).tolist(),
        "variance": float(np.mean(spread) * per),
        "draws": count * per,
        "per": per,
        "seconds": perf_counter() - began,
    }


@contextmanager
def recorded():
    """Everything that is warned or logged meanwhile, each message once."""
    said = {}
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.setdefault(record.getMessage(), None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logging.getLogger().addHandler(handler)
        yield said
        logging.getLogger().removeHandler(handler)
    for one in caught:
        if not issubclass(one.category, (DeprecationWarning, PendingDeprecationWarning, FutureWarning)):
            said.setdefault(str(one.message), None)


def cell(problem, lines, gradient, per, fit):
    """One cell: gradients at the point, then a fit. A refusal is an answer too: its message stands in `error`."""
    out = {"lines": lines}
    with recorded() as said:
        try:
            out |= moments(gradient(), problem["draws"], per, problem["budget"])
        except Exception as error:
            out["error"] = short(error)
        try:
            began = perf_counter()
            out["fit"] = fit() if "error" not in out else None
            out["fit_seconds"] = perf_counter() - began
        except Exception as error:
            out["fit_error"] = short(error)
    return out | {"warnings": [" ".join(text.split()) for text in said]}


def short(error):
    print(traceback.format_exc(), file=sys.stderr)
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def main(version, variants):
    """`variants(problem)` -> {name: a function that makes the cell}."""
    with open(sys.argv[1]) as file:
        problem = json.load(file)
    cells = {name: make() for name, make in variants(problem).items()}
    print(json.dumps({"version": version, "cells": cells}))
