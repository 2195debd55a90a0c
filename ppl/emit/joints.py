"""Joint draws of a guide: the coordinates of several unknowns side by side, mapped by flows, and cut apart again."""

from math import log

from ppl.check.core import Dist, Expr, Joint, Step
from ppl.emit.assembly import noise_of
from ppl.emit.draws import pathwise
from ppl.emit.ends import drawn_log_density
from ppl.emit.goal import JointAxes, Objective
from ppl.emit.learned import learned, place_of
from ppl.emit.sites import standard_cost
from ppl.emit.unknowns import raw_axes, transform
from ppl.emit.val import KernelCall, Val
from ppl.graph.graph import Node
from ppl.rewrite.listing import guide_name
from ppl.rewrite.supports import domain
from ppl.stdlib.families import FAMILIES

# Log standard deviations start here, as those of the automatic guide do.
LOG_SD = -1.0
# Coordinates up to which a flow from a fixed base ends with a learned triangular matrix.
MIXED = 64
FAMILY = {row.key: row for row in FAMILIES.values()}
STANDARD = Dist("Normal", (Expr("lit", (), (0.0,)), Expr("lit", (), (1.0,))))


def label_of(joint: Joint) -> str:
    """What the axes and parameters of a joint draw are called: its members, or `f.weights` for all those of a net."""
    nets = {name.partition(".")[0] for name in joint.names}
    whole = len(joint.names) > 1 and len(nets) == 1
    return f"{nets.pop()}.weights" if whole else "+".join(joint.names)


# ---- points ------------------------------------------------------------------------------------------------------


def is_point(name: str, o: Objective) -> bool:
    """Whether the guide puts all mass of this unknown in one place."""
    return name in o.joints and o.joints[name].family == "delta"


def point(node: Node, o: Objective) -> Val:
    """The place of a point mass, on the unknown's own support: its entropy is left out, and so is the volume that its
    coordinates would have."""
    value = o.joints[node.name].value
    if value is not None:
        return o.a.s.expr(value)
    assert node.dist is not None
    place = domain(node.dist)
    axes = raw_axes(node.axes, place, o.a)
    raw = learned(o, f"{node.name}.loc", axes, start=place_of(o, node.name), of=node.name)
    return transform(place, raw, o.a)[0]


# ---- draws -------------------------------------------------------------------------------------------------------


def coordinates_of(name: str, o: Objective) -> Val:
    """The coordinates of one of the unknowns of a joint draw, which is made when the first of them is read."""
    if name not in o.pieces:
        o.pieces |= _pieces(o.joints[name], o)
    return o.pieces[name]


def _pieces(joint: Joint, o: Objective) -> dict[str, Val]:
    members = tuple(_member_axes(name, o) for name in joint.names)
    axes = _axes(joint, members, o)
    plates = tuple(a for a in members[0] if a != axes.axis) if joint.along else ()
    raw = _drawn(joint, axes, plates, o)
    if joint.along:
        return {joint.names[0]: raw}
    return {
        name: o.b.node("cut", (raw,), (axes.axis, members[:i], own), own)
        for i, (name, own) in enumerate(zip(joint.names, members, strict=True))
    }


def _member_axes(name: str, o: Objective) -> tuple[str, ...]:
    node: Node = o.graph.nodes[name]["node"]
    assert node.dist is not None
    return raw_axes(node.axes, domain(node.dist), o.a)


def _axes(joint: Joint, members: tuple[tuple[str, ...], ...], o: Objective) -> JointAxes:
    label = label_of(joint)
    steps = steps_of(joint)
    axis = next(a for a in members[0] if a.rstrip("~") == joint.along) if joint.along else f"{label}:"
    extra = int(dict(joint.settings).get(FAMILY[joint.family].extra, 0)) if joint.family in FAMILY else 0
    noise = f"{label}:noise" if extra else axis
    weights = tuple(
        (f"{label}.{step.name}{i or ''}:", step.name, tuple(int(x) for x in step.settings))
        for i, step in enumerate(steps)
    )
    found = JointAxes(axis, () if joint.along else members, noise, extra, f"{label}:+", weights)
    for new in (axis, noise, found.out, *(name for name, _, _ in weights)):
        if new not in o.b.rank:
            o.b.rank[new] = len(o.b.rank)
    o.joined.append(found)
    return found


def steps_of(joint: Joint) -> tuple[Step, ...]:
    """The maps that the draws of a joint go through; a flow from a fixed base ends with a triangular one, so that it
    can be all that a full-rank normal can."""
    if joint.family in FAMILY:
        row = FAMILY[joint.family]
        extra = (dict(joint.settings)[row.extra],) if row.extra else (0.0,)
        return tuple(Step(name, extra) for name in row.steps)
    if joint.family == "mode":
        return ()
    return (*joint.steps, Step("mix", (MIXED,))) if _is_fixed(joint) else joint.steps


def _is_fixed(joint: Joint) -> bool:
    """Whether nothing of the base is learned or given by data."""
    return joint.base is None or all(a is None or a.op == "lit" for a in joint.base.args)


def _drawn(joint: Joint, axes: JointAxes, plates: tuple[str, ...], o: Objective) -> Val:
    """The coordinates, along `axes.axis` (for a `mode`, one place, as learned); what their log density costs is noted:
    that of the base, and l of each map (`ppl.stdlib.flows`)."""
    b, base, term = o.b, joint.base or STANDARD, guide_name(label_of(joint))
    if joint.family == "mode":
        start = _start(joint, axes, o)
        return learned(o, f"{label_of(joint)}.loc", (axes.axis,), start=start, of=joint.names[0])
    own = b.sorted((*plates, axes.noise))
    noise = noise_of(o.a, label_of(joint), base, own)
    x, _ = pathwise(o.a.s, base, noise, own)
    cost = standard_cost(o, base, noise) or b.neg(drawn_log_density(o.a.s, base, x))
    o.guide_costs.append((term, cost, own))
    before = axes.noise
    for axis, name, settings in axes.weights:
        start = b.node("start_of", (), (name, settings, axes.axis), (axis,))
        weights = learned(o, axis.removesuffix(":"), (axis,), start=start, of=joint.names[0])
        call = KernelCall(name, ((before,), (axis,)), (axes.out,), settings)
        y = b.node("kernel", (x, weights), (call,), (*plates, axes.out))
        x = b.node("cut", (y,), (axes.out, (), (axes.axis,)), (*plates, axes.axis))
        log_det = b.node("cut", (y,), (axes.out, ((axes.axis,),), ()), plates)
        o.guide_costs.append((term, log_det, plates))
        before = axes.axis
    return _placed(joint, axes, x, (*plates, axes.axis), term, o) if _is_fixed(joint) else x


def _start(joint: Joint, axes: JointAxes, o: Objective) -> Val | None:
    """Where the members start, side by side; None where nothing is said of it."""
    starts = [place_of(o, name) for name in joint.names]
    if joint.along:
        return starts[0]
    return o.b.total(
        o.b.node("uncut", (v,), (axes.axis, axes.members[:i], own), (axes.axis,))
        for i, (v, own) in enumerate(zip(starts, axes.members, strict=True))
        if v is not None
    )


def _placed(joint: Joint, axes: JointAxes, x: Val, own: tuple[str, ...], term: str, o: Objective) -> Val:
    """Draws moved and scaled, each coordinate by numbers of its own."""
    b, label = o.b, label_of(joint)
    start = b.lit(log(dict(joint.settings)["init_sd"]) if "init_sd" in dict(joint.settings) else LOG_SD)
    loc = learned(o, f"{label}.loc", own, start=_start(joint, axes, o), of=joint.names[0])
    log_sd = learned(o, f"{label}.log_sd", own, start=start, of=joint.names[0])
    o.guide_costs.append((term, log_sd, b.sorted(own)))
    return b.add(loc, b.mul(b.apply("exp", log_sd), x))
