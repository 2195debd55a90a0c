"""What the data say of all their positions at once (`mean(age)`), computed once and then looked up."""

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt

from ppl.check.core import Expr
from ppl.data.bound import Bound
from ppl.emit.assemble import new_assembly
from ppl.emit.code import Writer
from ppl.emit.inputs import Inputs

Array = npt.NDArray[np.float64]
HEADER = """\
import numpy as np
import scipy.special as sp

import ppl.emit.runtime as rt
import ppl.stdlib.kernels as k


def program(d, n):
"""


def stored_values(graph: nx.DiGraph, wanted: Sequence[Expr], bound: Bound) -> tuple[Array, ...]:
    """The value of each expression over all the data, its axes in canonical order. They are computed one after the
    other, so that the arrays of one are gone before the next."""
    sizes = {name: np.int64(axis.size) for name, axis in bound.axes.items()}
    inputs = Inputs(bound, {})
    return tuple(_value(graph, e, inputs, sizes) for e in wanted)


def _value(graph: nx.DiGraph, e: Expr, inputs: Inputs, sizes: Mapping[str, np.int64]) -> Array:
    a = new_assembly(graph, {})
    v = a.s.expr(e)
    w = Writer()
    w.write([v], 0)
    w.line(f"return {w.of(v)}")
    scope: dict[str, object] = {}
    exec(HEADER + "\n".join(w.lines) + "\n", scope)
    with np.errstate(all="ignore"):
        return np.array(scope["program"](inputs, sizes), np.float64)  # type: ignore[operator]
