"""Values of an elementwise expression at random settings of its cells."""

from collections.abc import Callable, Mapping
from functools import cache, reduce
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.special as sp

from ppl.check.core import Expr
from ppl.rewrite.through import is_elementwise
from ppl.stdlib import kernels
from ppl.stdlib.intervals import Interval
from ppl.stdlib.primitives import PRIMITIVES

Array = npt.NDArray[np.float64]


@cache
def _function(op: str) -> Callable[..., Any]:
    """The numpy function of a row of `PRIMITIVES`."""
    row = PRIMITIVES[op]
    holes = [f"a{i}" for i in range(row.arity)]
    text = f"lambda {', '.join(holes)}: {row.code.format(*holes)}"
    return eval(text, {"np": np, "sp": sp, "k": kernels})  # type: ignore[no-any-return]  # the texts are our own


def cells(e: Expr) -> dict[Expr, None]:
    """The cells of an expression, in order."""
    if e.op == "lit":
        return {}
    if not is_elementwise(e):
        return {e: None}
    found: dict[Expr, None] = {}
    for a in e.args:
        found |= cells(a)
    return found


def evaluate(e: Expr, at: Mapping[Expr, Any]) -> tuple[Any, Any]:
    """The value of an elementwise expression, NaN or infinite where it is not defined, and the largest size of a number
    on the way to it, which bounds its rounding."""
    if e.op == "lit":
        value = float(e.attrs[0])  # type: ignore[arg-type]
        return value, abs(value)
    if e in at:
        return at[e], np.abs(at[e])
    parts = [evaluate(a, at) for a in e.args]
    with np.errstate(all="ignore"):
        result = _function(e.op)(*(np.asarray(value, float) for value, _ in parts)) * 1.0
        return result, reduce(np.fmax, (size for _, size in parts), np.abs(result))


def settings(
    wanted: Mapping[Expr, None], bounds: Callable[[Expr], Interval], samples: int, rng: np.random.Generator
) -> dict[Expr, Array]:
    """Random values of cells within their bounds: every pattern of the truth values, `samples` rows for each."""
    truths = [c for c in wanted if c.type == "bool"]
    patterns = np.array(list(product((0.0, 1.0), repeat=len(truths)))).reshape(2 ** len(truths), len(truths))
    shape = (len(patterns), samples)
    at = {c: _within(bounds(c), rng.standard_normal(shape), rng.random(shape)) for c in wanted if c.type != "bool"}
    return at | {c: np.repeat(patterns[:, i : i + 1], samples, axis=1) for i, c in enumerate(truths)}


def _within(here: Interval, z: Array, u: Array) -> Array:
    """Values inside an interval, of different sizes."""
    if np.isfinite(here.low) and np.isfinite(here.high):
        return np.asarray(here.low + (here.high - here.low) * (0.02 + 0.96 * u))
    size = np.exp(np.linspace(-1.5, 1.5, z.shape[1]))
    if np.isfinite(here.low):
        return np.asarray(here.low + size * np.exp(0.5 * z))
    if np.isfinite(here.high):
        return np.asarray(here.high - size * np.exp(0.5 * z))
    return np.asarray(size * z)
