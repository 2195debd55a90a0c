"""Whether a fit may look at a few rows at a time, and which densities then count for more.

A minibatch is the same program on fewer positions of some axes: each density along them is multiplied by how many times
the batch goes into the whole, so that its expectation over batches is the sum over all data (Hoffman, Blei, Wang &
Paisley, JMLR 14, 2013). That holds where no density reads other positions of these axes than its own, but for what data
alone say of all of them (`mean(age)`), which is computed once and stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import networkx as nx

from ppl.check.core import Core, Derived, Expr, FactorTerm, Guide, Site, Statement
from ppl.check.reads import dist_expressions, joint_expressions, names_in, statement_expressions
from ppl.graph.graph import core_of, node_list
from ppl.graph.whole import REDUCING, data_names
from ppl.rewrite.eliminate import eliminations
from ppl.rewrite.order import Elimination
from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.source.span import NOWHERE, Span

# What reads other positions of an axis than its own.
MIXING = REDUCING | frozenset(("lag", "cumsum", "softmax", "rename", "cholesky", "inverse", "diag"))
LOOKING_UP = frozenset(("take", "takepos"))
# The name by which expressions read how many times a batch goes into the whole.
SCALE = "batch scale"
# What stands in words for a position of the statement at hand.
SOME = "each position"
# What couples positions, in words, and where it stands.
Coupling = tuple[str, Span]


@dataclass(frozen=True, slots=True)
class Batching:
    """How a fit goes by minibatches: `lead` is the axis whose positions are sampled, `axes` are all axes of which a
    batch has a part; `stored` are expressions of data over all positions; `objective` and `factors` are the
    expectation and the factor statements with their sums over rows scaled."""

    lead: str
    axes: tuple[str, ...]
    stored: tuple[Expr, ...] = ()
    objective: Expr | None = None
    factors: Mapping[str, Expr] = field(default_factory=dict)

    def scales(self, axes: tuple[str, ...]) -> bool:
        """Whether a density over these axes counts for more than itself."""
        return bool(set(axes) & set(self.axes))


def batching(graph: nx.DiGraph, guide: Guide | None, by: str = "") -> Batching:
    """The minibatches of rows, or of whole groups `by` a factor. Raises ModelError (E520) at every place that couples
    positions, E521 where there is no such factor or there are no rows."""
    core = core_of(graph)
    lead = by or core.data.row
    _verify_axis(core, lead, by)
    look = _Look(frozenset(_parts(core, lead)), lead, data_names(core))
    coupled = list(_coupled(graph, guide, look))
    if coupled:
        raise ModelError([_complaint(found, graph, guide, by) for found in dict.fromkeys(coupled)])
    factors = {n.name: _scaled(n.of.value, look) for n in node_list(graph) if isinstance(n.of, FactorTerm)}
    value = None if core.objective is None else _scaled(core.objective.value, look)
    every = (*_expressions(graph, guide), *factors.values(), *((value,) if value is not None else ()))
    stored = dict.fromkeys(e for x in every for e in _stored(x, look))
    blanks = (f"{c.name}.missing" for c in core.data.columns if c.imputed and set(c.axes) & look.axes)
    axes = (*(a.name for a in core.axes if a.name in look.axes), *blanks)
    return Batching(lead, axes, tuple(stored), value, factors)


@dataclass(frozen=True, slots=True)
class _Look:
    """What an expression is looked at with: the axes of which a batch has a part, the one that is sampled, the names
    that are data."""

    axes: frozenset[str]
    lead: str
    known: frozenset[str]

    def is_part(self, axis: object) -> bool:
        return str(axis).rstrip("'") in self.axes

    def is_data(self, e: Expr) -> bool:
        return names_in(e) <= self.known

    def is_storable(self, e: Expr) -> bool:
        """Whether the value of an expression for all of the data can take its place."""
        return self.is_data(e) and e.op not in ("ref", "level")


def _verify_axis(core: Core, lead: str, by: str) -> None:
    rows = {a.name for a in core.axes if a.kind == "row"}
    factors = [a.name for a in core.axes if a.kind == "levels" and any(c.name == a.column for c in core.data.columns)]
    if by and by not in factors:
        raise ModelError([complain("E521", None, name=by, factors=", ".join(factors) or "none")])
    if (not by and lead not in rows) or not core.data.columns:
        raise ModelError([complain("E521.rows", None)])


def _parts(core: Core, lead: str) -> Iterator[str]:
    """The axes of which a batch has a part: the one that is sampled, the rows of its positions, and the levels of
    factors that lie within it (`school per pupil`)."""
    yield lead
    if lead != core.data.row:
        yield core.data.row
        columns = {c.name: c.axes for c in core.data.columns if c.kind in ("factor", "ordinal")}
        yield from (c for c in columns if c != lead and columns.get(lead) == (c,))


# ---- what couples positions --------------------------------------------------------------------------------------


def _statements(graph: nx.DiGraph, guide: Guide | None) -> Iterator[Statement]:
    """The statements of the model as planned, and those of the guide."""
    for node in node_list(graph):
        if isinstance(node.of, (Site, Derived, FactorTerm)):
            yield node.of
    yield from guide.statements if guide is not None else ()


def _expressions(graph: nx.DiGraph, guide: Guide | None) -> Iterator[Expr]:
    core = core_of(graph)
    params = (*core.params, *(guide.params if guide is not None else ()))
    yield from (p.init for p in params if p.init is not None)
    for statement in _statements(graph, guide):
        yield from statement_expressions(statement)
    for joint in guide.joints if guide is not None else ():
        yield from joint_expressions(joint)
    if core.objective is not None:
        yield core.objective.value


def _coupled(graph: nx.DiGraph, guide: Guide | None, look: _Look) -> Iterator[Coupling]:
    """Each place that couples positions."""
    core = core_of(graph)
    found = False
    for statement in _statements(graph, guide):
        for why, span in _statement(statement, look):
            found = True
            yield why.replace(SOME, f"`{statement.name}[{look.lead}]`"), span
    for joint in guide.joints if guide is not None else ():
        axes = {a for name in joint.names for a in graph.nodes[name]["node"].axes}
        if any(map(look.is_part, axes)) and (not joint.along or look.is_part(joint.along)):
            yield f"the guide draws `{'`, `'.join(joint.names)}` together, for all positions", joint.span
    if core.objective is not None:
        yield from _expectation(core.objective.value, look)
    for name, way in eliminations(graph).items():
        if isinstance(way, Elimination) and _estimator(graph, name) == "exact" and not found:
            yield from _eliminated(graph, way, look)


def _estimator(graph: nx.DiGraph, name: str) -> str:
    plan = graph.nodes[name]["node"].plan
    return "exact" if plan is None else str(plan.estimator)


def _statement(statement: Statement, look: _Look) -> Iterator[Coupling]:
    match statement:
        case FactorTerm(value=value):
            yield from _expectation(value, look)
        case Derived(name=name, along=along, value=value) if look.is_part(along) and not look.is_data(value):
            yield f"`{name}` is computed from its earlier positions", statement.name_span
        case Derived(value=value):
            yield from _reads(value, look)
        case Site(name=name, dist=dist, value=value):
            if any(look.is_part(a) for a in dist.event):
                yield f"`{name}` is one draw for all positions of `{look.lead}`", dist.span
            for e in (*dist_expressions(dist), *((value,) if value is not None else ())):
                yield from _reads(e, look)


def _reads(e: Expr, look: _Look) -> Iterator[Coupling]:
    """The places where an expression reads other positions than its own."""
    if _mixes(e, look):
        if not look.is_storable(e):
            yield _why(e), e.span
        return
    for a in _beside_own(e, look):
        yield from _reads(a, look)


def _beside_own(e: Expr, look: _Look) -> tuple[Expr, ...]:
    """The arguments of an expression, without the group that a position itself belongs to."""
    return e.args[:1] if e.op in LOOKING_UP and _is_own(e, look) else e.args


def _mixes(e: Expr, look: _Look) -> bool:
    """Whether the operation itself reads other positions of an axis of which a batch has a part."""
    match e.op:
        case "take" | "takepos":
            return look.is_part(e.attrs[0]) and not _is_own(e, look)
        case "ref":
            # the codes of a factor whose levels are sampled count the levels of the batch
            return str(e.attrs[0]) in look.axes
        case "level":
            return look.is_part(e.attrs[0])
    return e.op in MIXING and any(look.is_part(a) for a in e.attrs if isinstance(a, str))


def _is_own(e: Expr, look: _Look) -> bool:
    """Whether a look-up reads the group that a position itself belongs to."""
    index = e.args[1]
    return look.is_part(e.attrs[0]) and index.op == "ref" and str(index.attrs[0]) == str(e.attrs[0])


def _why(e: Expr) -> str:
    names = sorted(names_in(e)) or ["it"]
    read = "`" + "`, `".join(names[:3]) + "`"
    match e.op:
        case "lag":
            return f"{SOME} depends on `{names[0]}[{e.attrs[0]} - {e.attrs[1]}]`"
        case "take" | "takepos" | "fix":
            return f"{read} is read at a position of its own choice"
        case "level" | "ref":
            return "a group is told from others by its name"
        case "rename":
            return f"{read} is read at all positions, pair by pair"
    return f"`{e.op}` takes {read} at all positions together"


def _eliminated(graph: nx.DiGraph, found: Elimination, look: _Look) -> Iterator[Coupling]:
    """An unknown that is summed out must lie within a batch, with all densities that read it; or outside, with none."""
    node = graph.nodes[found.name]["node"]
    readers = [graph.nodes[term]["node"] for term, _ in found.accesses]
    if look.is_part(found.along):
        yield f"`{found.name}` is a chain along `{found.along}`", node.span
    elif not any(map(look.is_part, found.axes)) and any(look.is_part(a) for r in readers for a in r.axes):
        yield f"`{found.name}` is summed out over all the rows that read it", node.span


def _complaint(coupling: Coupling, graph: nx.DiGraph, guide: Guide | None, by: str) -> Diagnostic:
    """E520, naming a factor by which whole groups could be sampled, if there is one."""
    why, span = coupling
    others = (c.name for c in core_of(graph).data.columns if c.kind in ("factor", "ordinal") and c.name != by)
    more = next((name for name in others if _works(graph, guide, name)), "")
    hint = f"drop --batch; or sample whole groups: `--batch-by {more}`" if more else "drop --batch"
    what = f"groups of `{by}`" if by else "rows"
    return complain("E520", None if span == NOWHERE else span, what=what, why=why, hint=hint)


def _works(graph: nx.DiGraph, guide: Guide | None, by: str) -> bool:
    core = core_of(graph)
    look = _Look(frozenset(_parts(core, by)), by, data_names(core))
    return next(_coupled(graph, guide, look), None) is None


# ---- sums over rows that an expectation may have -------------------------------------------------------------------


def _expectation(e: Expr, look: _Look) -> Iterator[Coupling]:
    """What is expected, or added to the log density, may have sums and means over rows where they stand in a sum: a
    part of the data estimates them without bias there, and nowhere else."""
    inside = _summands(e, look)
    if _is_sum(e, look):
        yield from _reads(e.args[0], look)
    elif not inside:
        yield from _reads(e, look)
    for i, a in enumerate(e.args if inside else ()):
        yield from _expectation(a, look) if i in inside else _reads(a, look)


def _is_sum(e: Expr, look: _Look) -> bool:
    return e.op in ("sum", "mean") and look.is_part(e.attrs[0]) and not look.is_data(e)


def _summands(e: Expr, look: _Look) -> tuple[int, ...]:
    """The arguments in which an operation is linear, as far as they have sums over rows."""
    match e.op:
        case "add" | "sub":
            return 0, 1
        case "neg":
            return (0,)
        case "mul" | "div":
            return tuple(i for i in ((0, 1) if e.op == "mul" else (0,)) if _is_scaled(e, i, look))
    return ()


def _is_scaled(e: Expr, i: int, look: _Look) -> bool:
    """Whether an argument of a product has sums over rows and the other one is the same for all batches."""
    other = e.args[1 - i]
    return _has_sum(e.args[i], look) and not _has_sum(other, look) and not any(map(look.is_part, other.axes))


def _has_sum(e: Expr, look: _Look) -> bool:
    return _is_sum(e, look) or any(_has_sum(a, look) for a in e.args)


def _scaled(e: Expr, look: _Look) -> Expr:
    """The expression whose value in a batch has the value over all data as its expectation."""
    if _is_sum(e, look):
        total = Expr("sum", e.args, e.attrs, e.axes, "real", e.span)
        scaled = Expr("mul", (total, Expr("ref", (), (SCALE,))), (), e.axes, "real", e.span)
        length = Expr("size", (), e.attrs, (), "int", e.span)
        return scaled if e.op == "sum" else Expr("div", (scaled, length), (), e.axes, "real", e.span)
    inside = _summands(e, look)
    return replace(e, args=tuple(_scaled(a, look) if i in inside else a for i, a in enumerate(e.args)))


# ---- what is stored ----------------------------------------------------------------------------------------------


def _stored(e: Expr, look: _Look) -> Iterator[Expr]:
    """The outermost operations of data alone that read other positions: `mean(age)`, `y[t - 1]` of a column."""
    if _mixes(e, look):
        if look.is_storable(e):
            yield e
        else:
            yield from (x for a in e.args for x in _stored(a, look))
        return
    for a in _beside_own(e, look):
        yield from _stored(a, look)
