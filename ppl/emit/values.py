"""The values of a program: one immutable node type with named axes, and the builder that keeps equal nodes one node.

A value is a number for every position of its `axes` (kept in canonical order) and, where `batch` holds, for every draw.
Stage 0 depends on data alone and is computed once, when data are bound; stage 1 is computed in every call. The builder
simplifies as it builds, so what a distribution's formula leaves undone (a sum of squares, a factor that can leave a
sum, a division by data) is done here once for all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from ppl.emit.simplify import SIMPLER, fold
from ppl.emit.val import Val
from ppl.stdlib.primitives import PRIMITIVES

Key = tuple[object, ...]
# A cost that pulls nothing may be summed inside; a draw that pulls nothing may not, for what depends on it is asked.
COST = ("cost",)


@dataclass(slots=True)
class Builder:
    """Makes values. `rank` is the canonical order of axes; `inputs` are the axes of the named inputs."""

    rank: dict[str, int]
    made: dict[Key, Val] = field(default_factory=dict)

    # -- nodes --

    def node(
        self,
        op: str,
        args: tuple[Val, ...] = (),
        attrs: tuple[object, ...] = (),
        axes: Iterable[str] = (),
        batch: bool | None = None,
        stage: int | None = None,
        hint: str = "",
    ) -> Val:
        """The one node with this operation and these arguments."""
        is_batch = any(a.batch for a in args) if batch is None else batch
        own = self.sorted(axes)
        key: Key = (op, tuple(a.order for a in args), attrs, own, is_batch)
        found = self.made.get(key)
        if found is None:
            at = max((a.stage for a in args), default=0) if stage is None else stage
            at = max(at, int(is_batch))
            found = Val(op, args, attrs, own, is_batch, at, len(self.made), hint)
            self.made[key] = found
        return found

    def sorted(self, axes: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(set(axes), key=lambda a: self.rank[a]))

    def lit(self, value: float) -> Val:
        return self.node("lit", (), (float(value),))

    def size(self, axis: str) -> Val:
        return self.node("size", (), (axis,))

    def arange(self, axis: str, first: int = 0) -> Val:
        return self.node("arange", (), (axis, first), (axis,))

    # -- elementwise --

    def apply(self, op: str, *args: Val) -> Val:
        """A row of `PRIMITIVES`, simplified."""
        rule = SIMPLER.get(op)
        simpler = rule(self, *args) if rule is not None else None
        if simpler is not None:
            return simpler
        folded = fold(op, args)
        if folded is not None:
            return self.lit(folded)
        split = self._pushed(op, args)
        if split is not None:
            return split
        return self.node(op, args, (), (a for x in args for a in x.axes))

    def _pushed(self, op: str, args: tuple[Val, ...]) -> Val | None:
        """f(where(c, x, y)) = where(c, f(x), f(y)): worth it where the test, known with the data, is what makes the
        array large (a change point, a table of levels), and f then runs on its small sides."""
        at = [i for i, a in enumerate(args) if a.op == "where" and a.stage > 0 and a.args[0].stage == 0]
        if op == "where" or len(at) != 1:
            return None
        test, then, other = args[at[0]].args
        rest = {x for i, a in enumerate(args) if i != at[0] for x in a.axes}
        if set(test.axes) <= {*then.axes, *other.axes, *rest}:
            return None
        sides = ((*args[: at[0]], side, *args[at[0] + 1 :]) for side in (then, other))
        return self.apply("where", test, *(self.apply(op, *side) for side in sides))

    def add(self, a: Val, b: Val) -> Val:
        return self.apply("add", a, b)

    def sub(self, a: Val, b: Val) -> Val:
        return self.apply("sub", a, b)

    def mul(self, a: Val, b: Val) -> Val:
        return self.apply("mul", a, b)

    def neg(self, a: Val) -> Val:
        return self.apply("neg", a)

    def total(self, parts: Iterable[Val]) -> Val:
        return reduce(self.add, parts, self.lit(0.0))

    # -- reductions --

    def sum(self, v: Val, axes: Iterable[str]) -> Val:
        """The sum over `axes`; an axis that the value lacks counts its length."""
        over = self.sorted(axes)
        for axis in over:
            if axis not in v.axes:
                v = self.mul(v, self.size(axis))
        over = tuple(a for a in over if a in v.axes)
        return self._sum(v, over) if over else v

    def sum_to(self, v: Val, axes: tuple[str, ...]) -> Val:
        return self.sum(v, (a for a in v.axes if a not in axes))

    def _sum(self, v: Val, over: tuple[str, ...]) -> Val:
        match v.op:
            case "neg":
                return self.neg(self._sum(v.args[0], over))
            case "stop" if v.attrs == COST:
                inside = self._sum(v.args[0], over)
                return self.node("stop", (inside,), COST, inside.axes)
            case "add" | "sub" if _worth_splitting(v, over):
                left, right = (self.sum(a, over) for a in v.args)
                return self.apply(v.op, left, right)
            case "mul" | "square":
                return self._product_sum(_factors(self, v, over), over)
            case "div" if not set(v.args[1].axes) & set(over):
                return self.apply("div", self.sum(v.args[0], over), v.args[1])
            case "where" if (put := _put_at(v.args[0], over)) is not None:
                return self._put_sum(v, put, over)
            case "where" if self._is_selection(v):
                return self._selected_sum(v, over)
            case _:
                return self._plain_sum(v, over)

    def _is_selection(self, v: Val) -> bool:
        """Whether a test on data chooses between two smaller values that both depend on the unknowns. Values along the
        levels of a summed-out unknown (`z?`) may be -inf, which a product with zero would turn into NaN."""
        test, then, other = v.args
        sides = {*then.axes, *other.axes}
        finite = then.batch and other.batch and not any("?" in a for a in sides)
        return test.stage == 0 and finite and not set(test.axes) <= sides

    def _selected_sum(self, v: Val, over: tuple[str, ...]) -> Val:
        """sum of where(c, x, y) = c . x + (1 - c) . y: a product with a table of data."""
        test, then, other = v.args
        share = self.node("real", (test,), (), test.axes)
        rest = self.sub(self.lit(1.0), share)
        return self.add(self.sum(self.mul(share, then), over), self.sum(self.mul(rest, other), over))

    def _put_sum(self, v: Val, put: Mapping[str, str], over: tuple[str, ...]) -> Val:
        """sum of where(i == j, x, y) over i: that of y, with x in place of y at i = j alone. What is tried at one
        position after the other costs no more than one position each."""
        _, then, other = v.args
        there = self.sub(self.diagonal(then, put), self.diagonal(other, put))
        rest = tuple(a for a in over if a not in put)
        return self.sum(self.add(self.sum(other, tuple(put)), there), rest)

    def diagonal(self, v: Val, put: Mapping[str, str]) -> Val:
        """The value at those positions along the axes of `put` that equal the position along the axes it gives."""
        if not set(put) & set(v.axes):
            return v
        if v.op in PRIMITIVES:
            return self.apply(v.op, *(self.diagonal(a, put) for a in v.args))
        for axis, copy in put.items():
            v = self.gather(v, axis, self.arange(copy)) if copy in v.axes else self.rename(v, axis, copy)
        return v

    def _product_sum(self, factors: tuple[Val, ...], over: tuple[str, ...]) -> Val:
        """sum of a product: what does not vary leaves, data factors join, the last two meet in one contraction."""
        outside = [f for f in factors if not set(f.axes) & set(over)]
        inside = [f for f in factors if set(f.axes) & set(over)]
        fixed = [f for f in inside if f.stage == 0]
        moving = [f for f in inside if f.stage > 0]
        if fixed:
            moving.append(reduce(self.mul, fixed))
        lone = set(over) - {a for f in moving for a in f.axes}
        for axis in lone:
            outside.append(self.size(axis))
        kept = tuple(a for a in over if a not in lone)
        if len(moving) == 1:
            inner = self._plain_sum(moving[0], kept) if moving[0].op in ("mul", "square") else self.sum(moving[0], kept)
        else:
            left, right = self._joined(moving)
            inner = self.dot(left, right, kept)
        return reduce(self.mul, outside, inner)

    def _joined(self, factors: list[Val]) -> list[Val]:
        """Two factors in place of many: each time those are multiplied that give the fewest axes."""
        while len(factors) > 2:
            pairs = ((i, j) for j in range(len(factors)) for i in range(j))
            i, j = min(pairs, key=lambda p: len({*factors[p[0]].axes, *factors[p[1]].axes}))
            rest = [f for k, f in enumerate(factors) if k not in (i, j)]
            factors = [*rest, self.mul(factors[i], factors[j])]
        return factors

    def _plain_sum(self, v: Val, over: tuple[str, ...]) -> Val:
        return self.node("sum", (v,), over, (a for a in v.axes if a not in over))

    def dot(self, a: Val, b: Val, over: tuple[str, ...]) -> Val:
        """sum over `over` of a * b."""
        if a.order > b.order:
            a, b = b, a
        axes = [x for x in (*a.axes, *b.axes) if x not in over]
        return self.node("dot", (a, b), over, axes)

    def reduce(self, op: str, v: Val, axis: str) -> Val:
        """max, min, prod or logsumexp over one axis."""
        v = self.spread(v, axis)
        return self.node(op, (v,), (axis,), (a for a in v.axes if a != axis))

    def spread(self, v: Val, axis: str) -> Val:
        """The value with an axis, along which it is constant where it lacked it."""
        return v if axis in v.axes else self.tap(v, (axis,), "broadcast")

    def ones(self, axis: str) -> Val:
        return self.node("ones", (), (axis,), (axis,))

    # -- layout --

    def rename(self, v: Val, old: str, new: str) -> Val:
        if old == new or old not in v.axes:
            return v
        if v.op == "arange":
            return self.arange(new, int(str(v.attrs[1])))
        axes = (new if a == old else a for a in v.axes)
        return self.node("rename", (v,), (old, new), axes)

    def tap(self, v: Val, axes: Iterable[str], label: str) -> Val:
        """The value with all of `axes`, at a place whose adjoint will be asked for."""
        every = self.sorted((*v.axes, *axes))
        return self.node("tap", (v,), (label, *every), every)

    def gather(self, v: Val, axis: str, index: Val) -> Val:
        """The entries of `v` at the 0-based positions `index` along `axis`; shared axes are aligned."""
        if axis not in v.axes:
            return v
        if v.op in ("lit",):
            return v
        if index.batch:
            return self.selected(v, axis, index)
        flat = index if v.axes == (axis,) else self._flat(v, axis, index)
        plan = self.node("plan", (flat,), v.axes, flat.axes)
        return self.node("gather", (v, plan), v.axes, flat.axes)

    def selected(self, v: Val, axis: str, index: Val) -> Val:
        """The entries at positions that are drawn: those of all positions, of which one is kept."""
        here = axis
        if axis in index.axes:
            here = axis + "'"
            while here in v.axes or here in index.axes:
                here += "'"
            v = self.rename(v, axis, here)
        kept = self.apply("eq", index, self.arange(here))
        return self.sum(self.apply("where", kept, v, self.lit(0.0)), (here,))

    def _flat(self, v: Val, axis: str, index: Val) -> Val:
        """Positions in the flattened `v` for every position of the result."""
        axes = (*(a for a in v.axes if a != axis), *index.axes)
        return self.node("flat", (index,), (axis, *v.axes), axes)

    def scatter(self, g: Val, plan: Val) -> Val:
        """Adds the entries of `g` up where `plan` took them from: the transpose of gather."""
        axes = tuple(str(a) for a in plan.attrs)
        if set(g.axes) != set(plan.axes) or not g.batch:
            g = self.node("tap", (g,), ("broadcast", *plan.axes), plan.axes)
        return self.node("scatter", (g, plan), (), axes)

    def segment(self, v: Val, index: Mapping[str, Val], kept: tuple[str, ...]) -> Val:
        """The entries of `v`, over the axes of `index` and `kept`, added up by the positions along each axis that
        `index` gives."""
        source = self.sorted((*kept, *index))
        places = tuple(index.values())
        axes = (*kept, *(a for i in places for a in i.axes))
        flat = places[0] if len(source) == 1 else self.node("flat", places, (*index, *source), axes)
        return self.scatter(v, self.node("plan", (flat,), source, axes))


def _put_at(test: Val, over: tuple[str, ...]) -> dict[str, str] | None:
    """Of a test that asks whether positions along axes of `over` equal those along others: which along which."""
    if test.op == "and":
        parts = [_put_at(a, over) for a in test.args]
        return None if None in parts else {axis: copy for part in parts for axis, copy in (part or {}).items()}
    if test.op != "eq" or any(a.op != "arange" or a.attrs[1] != 0 for a in test.args):
        return None
    (left,), (right,) = (a.axes for a in test.args)
    axis, copy = (left, right) if left in over else (right, left)
    return {axis: copy} if axis in over and copy not in over else None


def _worth_splitting(v: Val, over: tuple[str, ...]) -> bool:
    """A sum of a sum is two sums where a part lacks an axis or is a product, which can then shrink."""
    return any(not set(over) <= set(a.axes) or a.op in ("mul", "square", "div", "neg", "add", "sub") for a in v.args)


def _factors(b: Builder, v: Val, over: tuple[str, ...]) -> tuple[Val, ...]:
    """The factors of a product; a division by what does not vary over `over` is one more factor."""
    match v.op:
        case "mul":
            return (*_factors(b, v.args[0], over), *_factors(b, v.args[1], over))
        case "square":
            return (v.args[0], v.args[0])
        case "div" if not set(v.args[1].axes) & set(over):
            return (*_factors(b, v.args[0], over), b.apply("div", b.lit(1.0), v.args[1]))
        case _:
            return (v,)
