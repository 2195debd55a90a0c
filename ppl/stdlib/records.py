"""The record types of the tables. Formulas are text in one small language, read once by the emitter.

A formula is a Python expression over named values: the operators `+ - * / **`, comparisons, `-x`, numbers, and calls of
rows of `PRIMITIVES`. Vector distributions have four calls more: `esum(v)` (sum over the event axis), `elen(v)` (its
length), `elogsumexp(v)` (log of the sum of exponentials over it) and `pick(v, x)` (the entry of `v` at the 0-based
level `x` along the event axis of `v`). A vector argument that lacks the event axis stands for its copies along it.
Because they are text, the checker can read the tables without importing numpy, the emitter writes them into
straight-line code, differentiates them by the rules in `PRIMITIVES`, and shares what they share.
"""

from dataclasses import dataclass

CONST, SMOOTH, KINK, JUMP, DISCRETE = "const", "smooth", "kink", "jump", "discrete"


@dataclass(frozen=True, slots=True)
class Primitive:
    """An elementwise function. `code` is numpy text with holes `{0}`, `{1}`; `np`, `sp` (scipy.special) and `k`
    (`ppl.stdlib.kernels`) are in scope. `vjps[i]` is a formula over `a`, `b`, `c` (the arguments), `y` (the result) and
    `g` (the adjoint), or None where there is no gradient. `levels[i]` is how rough the result is in argument i.
    `domain[i]` names what argument i must satisfy for that level to hold: a key of `CONSTRAINTS`, "" for nothing.
    `result` is "real", "int", "bool", or "same" (the join of the arguments)."""

    name: str
    code: str
    vjps: tuple[str | None, ...]
    levels: tuple[str, ...]
    domain: tuple[str, ...] = ()
    result: str = "real"

    @property
    def arity(self) -> int:
        return len(self.vjps)


@dataclass(frozen=True, slots=True)
class Support:
    """Where values live. `kind`: real, lower, upper, interval (ends in `low`, `high`, formulas over the parameters),
    integer (a range, `high` empty when unbounded), bool, level, simplex, ordered, vector, corr_cholesky, covariance,
    counts (a vector of them). `closed`: the finite ends of a range of reals belong to it."""

    kind: str
    low: str = ""
    high: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """`domain` is a key of `CONSTRAINTS`; `level` is how rough the log density is in this parameter; `rank` is 0 for a
    number, 1 for a vector over the event axis, 2 for a matrix on it twice."""

    name: str
    domain: str = "real"
    level: str = SMOOTH
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Form:
    """Another way to write the arguments, chosen by the keyword names: either formulas for the canonical parameters
    (`to`), or another row of the table (`row`), its parameters then named in `to` all the same."""

    names: tuple[str, ...]
    to: tuple[tuple[str, str], ...]
    row: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One family. `kind` is what its values are: real, int, bool or level; `event` 0 (number), 1 (vector), 2 (matrix).
    `let` are shared sub-formulas, in order; `logpdf`, `logcdf`, `logsf` and `cdf` are formulas over `x` and the
    parameters; they hold for `x` in the support as far as its ends are constants. `kernel` names a row of `KERNELS`
    over `x` and the parameters instead. `draw` and `quantile` are numpy text over `rng`, `size` (the shape of the
    result, event axes last), `u`, the parameters (arrays, event axes last), `np`, `sp`, `k`; `upper` is the inverse of
    the survival function, like `quantile`; `far` are the two of them over `l`, the logarithm of the probability, where
    that reaches further. `level` is how rough the density is in the value. `loc_scale` names the
    parameters for which x = loc + scale * standard. `path` is a formula over the parameters and `q`, a draw at the
    parameter values `standard`, that makes it one at all values. `mean` and `variance` are formulas ("" where they do
    not exist in closed form)."""

    name: str
    params: tuple[Parameter, ...]
    support: Support
    kind: str = "real"
    event: int = 0
    level: str = SMOOTH
    let: tuple[tuple[str, str], ...] = ()
    logpdf: str = ""
    kernel: str = ""
    logcdf: str = ""
    logsf: str = ""
    cdf: str = ""
    quantile: str = ""
    upper: str = ""
    far: tuple[str, str] = ("", "")
    draw: str = ""
    mean: str = ""
    variance: str = ""
    forms: tuple[Form, ...] = ()
    defaults: tuple[tuple[str, float], ...] = ()
    loc_scale: tuple[str, str] | None = None
    standard: tuple[tuple[str, float], ...] = ()
    path: str = ""
    internal: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Constraint:
    """A set that values may be required to lie in. `low`, `high` and openness for intervals of numbers."""

    name: str
    low: float = float("-inf")
    high: float = float("inf")
    low_open: bool = True
    high_open: bool = True
    words: str = ""


@dataclass(frozen=True, slots=True)
class Bijection:
    """From the whole real line (or space) onto a support. `forward`, `logdet` and `inverse` are formulas over `u` (or
    `x`) and `low`, `high`; vector ones name a kernel K instead: rows K and `K_logdet` of `KERNELS`, and the function
    `K_inverse`. `shrinks` is by how much the unconstrained vector is shorter; `triangle` says of a matrix of which one
    its unconstrained vector has the entries: `strict` (below the diagonal) or `full`."""

    support: str
    forward: str = ""
    logdet: str = ""
    inverse: str = ""
    kernel: str = ""
    shrinks: int = 0
    triangle: str = ""
