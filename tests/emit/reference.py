"""The emitted log density under autograd: a second opinion on every emitted gradient.

The text of a program is run with other namespaces: `np` is autograd's, look-ups are plain indexing, kernels are
textbook code, and special functions are differentiated by finite differences. Nothing here knows the rules of
`PRIMITIVES`, the transposes of `Gather`, or the hand-written gradients of `KERNELS`.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import autograd.numpy as anp
import numpy as np
import scipy.special as sp
from autograd import grad
from autograd.extend import defvjp, primitive
from autograd.tracer import getval

from ppl.data.bound import Bound
from ppl.emit.bind import Program
from ppl.emit.inputs import Inputs
from ppl.stdlib import kernels
from ppl.stdlib.ode import NODES, STAGES

SPECIAL_STEP = 1e-3


def by_differences(f: Callable[..., Any]) -> Callable[..., Any]:
    """An elementwise function whose slopes autograd takes by fourth-order central differences."""
    wrapped = primitive(lambda *args: f(*(np.asarray(a, float) for a in args)))

    def vjp_of(i: int) -> Callable[..., Any]:
        def vjp(y: Any, *args: Any) -> Callable[[Any], Any]:
            x = np.asarray(args[i], float)
            h = SPECIAL_STEP * np.maximum(np.abs(x), 1e-2)

            def moved(k: float) -> Any:
                return f(*(np.asarray(a, float) if j != i else x + k * h for j, a in enumerate(args)))

            slope = (moved(-2) - 8 * moved(-1) + 8 * moved(1) - moved(2)) / (12 * h)
            return lambda g: unbroadcast(g * slope, np.shape(x))

        return vjp

    defvjp(wrapped, *(vjp_of(i) for i in range(3)))
    return wrapped  # type: ignore[no-any-return]


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    g = anp.sum(g, axis=tuple(range(anp.ndim(g) - len(shape))))
    for i, n in enumerate(shape):
        if n == 1:
            g = anp.sum(g, axis=i, keepdims=True)
    return g


# ---- namespaces --------------------------------------------------------------------------------------------------


class Numpy:
    """`autograd.numpy`, and what it lacks."""

    add = SimpleNamespace(reduce=lambda v, axis: anp.sum(v, axis=axis))

    def __getattr__(self, name: str) -> Any:
        return getattr(anp, name)

    def broadcast_to(self, v: Any, shape: tuple[int, ...]) -> Any:
        return v + np.zeros(shape)

    def asarray(self, v: Any, dtype: Any = None) -> Any:
        return np.asarray(v, dtype) if isinstance(v, (np.ndarray, int, float, np.generic)) else v

    def full(self, n: int, v: Any, dtype: Any = float) -> Any:
        return v + np.zeros(n, dtype)

    def log(self, v: Any) -> Any:
        """What is exactly zero stays impossible nearby: a structural zero has no slope."""
        zero = np.asarray(getattr(v, "_value", v)) == 0.0
        return anp.log(anp.where(zero, 1.0, v)) + np.where(zero, -np.inf, 0.0)

    def square(self, v: Any) -> Any:
        return v * v

    def where(self, test: Any, a: Any, b: Any) -> Any:
        """Its sides are made as large as the result first: autograd's own rule does not undo broadcasting."""
        zeros = np.zeros(np.broadcast_shapes(np.shape(test), anp.shape(a), anp.shape(b)))
        return anp.where(test, a + zeros, b + zeros)


class Special:
    """scipy.special by finite differences; products with logarithms by autograd."""

    def __init__(self) -> None:
        self.known = {"xlogy": _xlogy, "xlog1py": lambda x, y: _xlogy(x, 1.0 + y)}

    def __getattr__(self, name: str) -> Any:
        if name not in self.known:
            self.known[name] = by_differences(getattr(sp, name))
        return self.known[name]


def _xlogy(x: Any, y: Any) -> Any:
    zero = np.asarray(getattr(x, "_value", x)) == 0.0
    return anp.where(zero, 0.0, x * anp.log(anp.where(zero, 1.0, y)))


class Kernels:
    """Kernels by textbook formulas; functions of one number by autograd or differences."""

    def __init__(self) -> None:
        self.KERNELS = {name: SimpleNamespace(forward=lambda *a, f=f: (f(*a), None)) for name, f in TEXTBOOK.items()}
        self.known: dict[str, Any] = {
            "sigmoid": lambda x: 0.5 * (1.0 + anp.tanh(0.5 * x)),
            "softplus": lambda x: anp.logaddexp(0.0, x),
            "log_sigmoid": lambda x: -anp.logaddexp(0.0, -x),
            "between": lambda low, high, t: low + (high - low) * t,
            "log1mexp": lambda x: anp.log(-anp.expm1(x)),
            "logsubexp": lambda a, b: a + anp.log(-anp.expm1(b - a)),
            "log_if": lambda c: np.where(c, 0.0, -np.inf),
            "ratio0": lambda a, b: a / b,
            "solve": solve,
        }

    def __getattr__(self, name: str) -> Any:
        if name not in self.known:
            self.known[name] = by_differences(getattr(kernels, name))
        return self.known[name]


def _rows(lower: Any) -> list[list[Any]]:
    n = lower.shape[-1]
    return [[lower[..., i, j] for j in range(n)] for i in range(n)]


def cholesky(a: Any) -> Any:
    """Row by row (Cholesky and Banachiewicz)."""
    n = a.shape[-1]
    zero = 0.0 * a[..., 0, 0]
    rows: list[list[Any]] = []
    for i in range(n):
        row: list[Any] = []
        for j in range(i + 1):
            inner = sum((x * y for x, y in zip(row, rows[j] if j < i else row)), zero)
            entry = a[..., i, j] - inner
            row.append(anp.sqrt(entry) if i == j else entry / rows[j][j])
        rows.append(row + [zero] * (n - len(row)))
    return anp.stack([anp.stack(row, axis=-1) for row in rows], axis=-2)


def mvnormal_chol(x: Any, mean: Any, lower: Any) -> Any:
    """Forward substitution, one coordinate at a time."""
    entries = _rows(lower)
    z: list[Any] = []
    residual = x - mean
    for i, row in enumerate(entries):
        z.append((residual[..., i] - sum((row[j] * z[j] for j in range(i)), 0.0)) / row[i])
    squares = sum(v * v for v in z)
    log_det = sum(anp.log(entries[i][i]) for i in range(len(z)))
    return -0.5 * squares - log_det - 0.5 * len(z) * np.log(2 * np.pi)


def ordered(u: Any) -> Any:
    steps = anp.concatenate([u[..., :1], anp.exp(u[..., 1:])], axis=-1)
    return anp.stack([anp.sum(steps[..., : i + 1], axis=-1) for i in range(steps.shape[-1])], axis=-1)


def _breaks(u: Any) -> tuple[list[Any], list[Any]]:
    """The pieces of the unit stick and the slope of each break."""
    n = u.shape[-1]
    left: Any = 1.0
    pieces, slopes = [], []
    for i in range(n):
        share = 1.0 / (1.0 + anp.exp(-(u[..., i] - np.log(n - i))))
        slopes.append(left * share * (1.0 - share))
        pieces.append(left * share)
        left = left * (1.0 - share)
    return [*pieces, left], slopes


def chain(unary: Any, pair: Any) -> Any:
    """The sum over paths by the forward recursion, one position at a time."""
    paths, last = unary[..., 0, :], pair.shape[-3] - 1
    for t in range(1, unary.shape[-2]):
        paths = _logsumexp(paths[..., :, None] + pair[..., min(t, last), :, :], -2) + unary[..., t, :]
    return _logsumexp(paths, -1)


def corr_cholesky(u: Any) -> tuple[Any, Any]:
    """Row by row (Stan reference manual, "Cholesky factors of correlation matrices"): the factor, and the log of the
    Jacobian determinant."""
    size = int((1 + np.sqrt(1 + 8 * u.shape[-1])) / 2)
    zero, entries = 0.0 * anp.sum(u, axis=-1), iter(range(u.shape[-1]))
    rows, log_det = [], zero
    for i in range(size):
        row, left = [], zero + 1.0
        for _ in range(i):
            z = anp.tanh(u[..., next(entries)])
            log_det = log_det + anp.log(1.0 - z * z) + 0.5 * anp.log(left)
            row.append(z * anp.sqrt(left))
            left = left - row[-1] ** 2
        rows.append(anp.stack([*row, anp.sqrt(left), *([zero] * (size - i - 1))], axis=-1))
    return anp.stack(rows, axis=-2), log_det


def lkj_cholesky(x: Any, eta: Any) -> Any:
    """Lewandowski, Kurowicka & Joe (2009) through the onion: a Beta density for the squared length of every row."""
    k = x.shape[-1]
    out = 0.0
    for i in range(2, k + 1):
        a = np.asarray(eta) + 0.5 * (k - i)
        area = sp.gammaln(0.5 * (i - 1)) - 0.5 * (i - 1) * np.log(np.pi)
        constant = area - sp.betaln(0.5 * (i - 1), a)
        out = out + 2.0 * (a - 1.0) * anp.log(x[..., i - 1, i - 1]) + constant
    return out


def solve(rate: Any, plan: Any, y0: Any, params: Any, *settings: Any) -> tuple[Any, None]:
    """The steps that the solver takes, taken again with autograd watching."""
    start, given = np.asarray(getval(y0)), tuple(np.asarray(getval(p)) for p in params)
    _, tape = kernels.solve(rate, plan, start, given, *settings)
    shape, y = start.shape[:-1], y0
    found = [y0] + [y0] * (plan.grid.shape[-1] - 1)
    for step in tape.steps:
        t, h = np.zeros(shape), np.zeros(shape)
        t[step.who], h[step.who] = step.t, step.h
        rates: list[Any] = []
        z = y
        for node, weights in zip(NODES, STAGES):
            z = y + sum((h[..., None] * w * r for w, r in zip(weights, rates)), 0.0 * y)
            rates.append(rate(t + node * h, z, params))
        y = z
        for slot in set(step.slots):
            hit = np.zeros(shape, bool)
            here = tuple(i[step.slots == slot] for i in step.hits)
            hit[(step.who[here[0]], *here[1:])] = True
            found[slot] = anp.where(hit[..., None], y, found[slot])
    out = anp.stack(found, axis=-2)
    lead = len(shape) - (1 if plan.grouped else 0)
    return anp.reshape(out, (*shape[:lead], -1, start.shape[-1]))[..., plan.flat, :], None


TEXTBOOK: dict[str, Callable[..., Any]] = {
    "chain1": chain,
    "chain_same1": lambda unary, pair: chain(unary, pair[..., None, :, :]),
    "cholesky": cholesky,
    "mvnormal_chol": mvnormal_chol,
    "mvnormal_cov": lambda x, mean, cov: mvnormal_chol(x, mean, cholesky(cov)),
    "inverse": anp.linalg.inv,
    "ordered": ordered,
    "ordered_logdet": lambda u: anp.sum(u[..., 1:], axis=-1),
    "simplex": lambda u: anp.stack(_breaks(u)[0], axis=-1),
    "log_simplex": lambda u: anp.log(anp.stack(_breaks(u)[0], axis=-1)),
    "corr_cholesky": lambda u: corr_cholesky(u)[0],
    "corr_cholesky_logdet": lambda u: corr_cholesky(u)[1],
    "lkj_cholesky": lkj_cholesky,
    "simplex_logdet": lambda u: sum(anp.log(s) for s in _breaks(u)[1]),
}


class Gather:
    """Look-ups by plain indexing."""

    def __init__(self, flat: Any, source: tuple[int, ...]) -> None:
        self.flat, self.source = np.asarray(flat).astype(int), source

    def take(self, v: Any) -> Any:
        return v.reshape((v.shape[0], -1))[:, self.flat]

    def pick(self, v: Any) -> Any:
        return v.reshape((-1,))[self.flat]

    def add(self, g: Any) -> Any:
        """By a table of zeros and ones."""
        table = (self.flat.reshape(-1, 1) == np.arange(int(np.prod(self.source)))).astype(float)
        return (g.reshape((g.shape[0], -1)) @ table).reshape((g.shape[0], *self.source))

    def add_fixed(self, g: Any) -> Any:
        return self.add(g[None])[0]


def _logsumexp(v: Any, axis: int) -> Any:
    top = np.max(np.asarray(getattr(v, "_value", v)), axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return anp.log(anp.sum(anp.exp(v - top), axis=axis)) + np.squeeze(top, axis)


def _cumsum(v: Any, axis: int, backwards: bool) -> Any:
    if not backwards:
        return anp.cumsum(v, axis=axis)
    return anp.flip(anp.cumsum(anp.flip(v, axis), axis=axis), axis)


def _steps(v: Any, axis: int) -> Any:
    return anp.moveaxis(v, axis, 0)


def _stacked(items: list[Any], axis: int) -> Any:
    return anp.stack(items, axis)


def _affine(c: Any, b: Any, axis: int, backwards: bool) -> Any:
    """Position by position, as it is defined."""
    assert not backwards
    c, b = (anp.moveaxis(x + np.zeros(np.broadcast_shapes(c.shape, b.shape)), axis, 0) for x in (c, b))
    found = [b[0]]
    for t in range(1, len(b)):
        found.append(c[t] * found[-1] + b[t])
    return anp.moveaxis(anp.stack(found), 0, axis)


RUNTIME = SimpleNamespace(
    Gather=Gather, logsumexp=_logsumexp, cumsum=_cumsum, steps=_steps, stacked=_stacked, affine=_affine
)


# ---- programs ----------------------------------------------------------------------------------------------------


def reference(program: Program, bound: Bound) -> Callable[[np.ndarray, np.ndarray], Any]:
    """The log density of a program as a function that autograd differentiates."""
    lines = [x for x in program.emitted.text.splitlines() if not x.startswith("import ")]
    assert sum(x.startswith("import ") for x in program.emitted.text.splitlines()) == 4
    scope: dict[str, Any] = {"np": Numpy(), "sp": Special(), "k": Kernels(), "rt": RUNTIME}
    exec(compile("\n".join(lines), "<reference>", "exec"), scope)
    sizes = {name: size for name, size in program.sizes.items() if not name.endswith("?")}
    with np.errstate(all="ignore"):
        return scope["program"](Inputs(bound, program.slots), sizes)[0]  # type: ignore[no-any-return]


def reference_gradients(
    program: Program, bound: Bound, u: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (S,), gradients (S, D) and gradients in the weights (S, W) by autograd; draws do not interact, so one
    sweep of their sum gives all gradients, and one draw at a time those in the weights."""
    f = reference(program, bound)
    with np.errstate(all="ignore"):
        value = np.asarray(f(u, w), float)
        g = grad(lambda x: anp.sum(f(x, w)))(u) if u.size else np.zeros_like(u)
        gw = [grad(lambda x, i=i: anp.sum(f(u[i : i + 1], x)))(w) if w.size else np.zeros(0) for i in range(len(u))]
    return value, g, np.array(gw)


def difference_gradients(program: Program, u: np.ndarray, w: np.ndarray, h: float = 1e-3) -> np.ndarray:
    """Fourth-order central differences of the log density itself."""
    out = np.empty(u.shape)
    for j in range(u.shape[1]):
        step = np.zeros(u.shape[1])
        step[j] = h
        a, b, c, d = (program.value(u + k * step, w) for k in (-2, -1, 1, 2))
        out[:, j] = (a - 8 * b + 8 * c - d) / (12 * h)
    return out


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference relative to the size of the gradient of its draw."""
    if found.size == 0:
        return 0.0
    scale = 1.0 + np.abs(wanted).max(axis=1, keepdims=True)
    return float(np.max(np.abs(found - wanted) / scale))
