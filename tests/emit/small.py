"""A program of one or two values, built by hand and evaluated with numpy."""

from collections.abc import Iterable, Mapping

import numpy as np
import scipy.special as sp

from ppl.check.core import Dist, Expr
from ppl.emit import runtime
from ppl.emit.code import Writer
from ppl.emit.draws import Noise
from ppl.emit.lower import Lowering
from ppl.emit.reverse import adjoints
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.stdlib import kernels
from ppl.stdlib.distributions import DISTRIBUTIONS

AXES = ("c", "c'", "k", "g", "g'")
SIZES = {"c": 3, "k": 3, "g": 4}


class Program:
    """Parameters and uniforms are arrays with the draws first."""

    def __init__(self, params: Mapping[str, tuple[tuple[str, ...], np.ndarray]] | None = None) -> None:
        self.b = Builder({a: i for i, a in enumerate(AXES)})
        self.s = Lowering(self.b)
        self.given: dict[Val, np.ndarray] = {}
        for name, (axes, value) in (params or {}).items():
            leaf = self.b.node("u", (), (name,), axes, batch=True, stage=1)
            self.s.names[name], self.given[leaf] = leaf, np.asarray(value, float)

    def leaf(self, name: str) -> Val:
        return self.s.names[name]

    def noise(self, site: str, axes: tuple[str, ...], *uniforms: np.ndarray) -> Noise:
        def one(k: int) -> Val:
            v = self.b.node("noise", (), (f"{site}.{k}",), axes, batch=True, stage=1)
            self.given[v] = uniforms[k]
            return v

        return one

    def run(self, *roots: Val) -> list[np.ndarray]:
        names = {v: f"given{i}" for i, v in enumerate(self.given)}
        w = Writer(text=dict(names))
        w.write(roots, 0)
        w.write(roots, 1)
        draws = max((len(a) for a in self.given.values()), default=1)
        scope = {"np": np, "sp": sp, "k": kernels, "rt": runtime, "n": SIZES, "S": draws}
        scope |= {names[v]: a for v, a in self.given.items()}
        with np.errstate(all="ignore"):
            exec("\n".join(line.strip() for line in w.lines), scope)
            return [np.asarray(eval(w.of(v), scope), float) for v in roots]

    def slopes(self, root: Val, wrt: Iterable[str]) -> list[np.ndarray]:
        """The gradient of the sum of a value over its axes, for each draw."""
        leaves = [self.leaf(n) for n in wrt]
        found = adjoints(self.b, self.b.sum(root, root.axes), leaves)
        values = [found.get(v, self.b.lit(0.0)) for v in leaves]
        shapes = [self.given[v].shape for v in leaves]
        spread = [self.b.tap(v, leaf.axes, "all") for v, leaf in zip(values, leaves, strict=True)]
        out = self.run(*spread)
        return [np.broadcast_to(o, shape) for o, shape in zip(out, shapes, strict=True)]


def number(value: float) -> Expr:
    return Expr("lit", (), (float(value),))


def ref(name: str, axes: tuple[str, ...] = (), type: str = "real") -> Expr:
    return Expr("ref", (), (name,), axes, type)


def family(name: str, *args: Expr | float | None, over: str = "", event: tuple[str, ...] = ()) -> Dist:
    exprs = tuple(number(a) if isinstance(a, int | float) else a for a in args)
    return Dist(name, exprs, (), (over,) if over else (), (), event, DISTRIBUTIONS[name].kind)


def modified(name: str, *args: Expr | float | None, inner: tuple[Dist, ...], over: str = "") -> Dist:
    exprs = tuple(number(a) if isinstance(a, int | float) else a for a in args)
    event = ("g",) if name == "Ordered" else ()
    return Dist(name, exprs, inner, (over,) if over else (), (), event, inner[-1].kind)
