"""Fits that take more than one program: guides with Laplace draws, and bounds of several draws."""

from collections.abc import Callable
from dataclasses import replace

import networkx as nx
import numpy as np

from ppl.check.core import Guide, Joint
from ppl.data.bound import Bound
from ppl.emit.batch import BatchedObjective, bind_batched
from ppl.emit.bind_objective import ObjectiveProgram, bind_objective
from ppl.emit.joints import label_of
from ppl.emit.objective_program import emit_objective
from ppl.graph.graph import estimators_of, guide_of
from ppl.guide.aims import Aim
from ppl.infer.approximation import Approximation, Options, Progress
from ppl.infer.groups import GroupedParts, Groups
from ppl.infer.held import curvature, fit_held, scale_of
from ppl.infer.optimise import fit_objective
from ppl.infer.parts import Parted, Unparted
from ppl.rewrite.aims import refused_aim


def laplace_joints(graph: nx.DiGraph) -> tuple[Joint, ...]:
    """The Laplace draws of the guide of a planned graph."""
    chosen = guide_of(graph)
    return tuple(j for j in (chosen.joints if chosen is not None else ()) if j.family == "laplace")


def around_modes(
    graph: nx.DiGraph,
    program: ObjectiveProgram,
    bound: Bound,
    options: Options,
    report: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> Approximation:
    """A guide with Laplace draws: their mode with the rest of the guide, then the rest with normals there, whose
    covariance is the inverse of the curvature."""
    modes = _program(graph, bound, _at_modes(graph))
    found = fit_objective(modes, options, report, stop)
    theta, free = program.start.copy(), np.ones(program.dim, dtype=bool)
    for name, block in modes.slots.items():
        theta[program.slots[name]] = found.loc[block]
    for label in map(label_of, laplace_joints(graph)):
        scale = scale_of(curvature(modes, found.loc, modes.slots[f"{label}.loc"], options.seed))
        sd, below = np.diag(scale), np.tril_indices(len(scale), -1)
        theta[program.slots[f"{label}.log_sd"]] = np.log(sd)
        theta[program.slots[f"{label}.mix"]] = (scale / sd[:, None])[below]
        for part in ("loc", "log_sd", "mix"):
            free[program.slots[f"{label}.{part}"]] = False
    return fit_held(program, theta, free, options, report, stop)


def weighed(
    graph: nx.DiGraph,
    program: ObjectiveProgram,
    bound: Bound,
    options: Options,
    report: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> Approximation:
    """A bound of several draws: by fixed draws; where more of them than it may take would be needed, on from there by
    steps whose gradients are doubly reparameterised."""
    aim = program.emitted.aim
    assert aim is not None
    found = fit_objective(program, options, report, stop, Groups(program, aim.count, exact=True))
    if found.evidence.settled or program.emitted.joined or stop() or found.optimum is None:
        return found
    doubly = _program(graph, bound, guide_of(graph), replace(aim, doubly=True))
    again = replace(options, init=found.optimum.theta)
    other = fit_objective(doubly, again, report, stop, Groups(doubly, aim.count, exact=False))
    better = other.optimum is not None and other.optimum.value > found.optimum.value
    return other if better else found


def grouped(program: BatchedObjective) -> Parted:
    """Minibatches as they are fitted: in groups of draws where the bound weighs several."""
    aim = program.emitted.aim
    return program if aim is None else GroupedParts(program, aim.count)


def landing(graph: nx.DiGraph, program: BatchedObjective | ObjectiveProgram, bound: Bound) -> Parted | None:
    """The same objective with gradients in which the density of the guide at its own draws has no part; None where not
    all of them have one. Such gradients have no variance where the guide is the posterior (Roeder, Wu & Duvenaud,
    NeurIPS 2017), and may have more than others far from it."""
    if not program.posterior or program.score_nodes or program.emitted.aim is not None or refused_aim(graph):
        return None
    guide, how, batching = guide_of(graph), estimators_of(graph), program.emitted.batching
    emitted = emit_objective(graph, guide, how, batching=batching, aim=Aim(doubly=True))
    if not emitted.doubly:
        return None
    if isinstance(program, BatchedObjective):
        return bind_batched(graph, emitted, bound, program.size)
    return Unparted(bind_objective(emitted, bound))


def _at_modes(graph: nx.DiGraph) -> Guide:
    """The guide with one place for each Laplace draw."""
    chosen = guide_of(graph)
    assert chosen is not None
    joints = (replace(j, family="mode") if j.family == "laplace" else j for j in chosen.joints)
    return replace(chosen, joints=tuple(joints))


def _program(graph: nx.DiGraph, bound: Bound, guide: Guide | None, aim: Aim | None = None) -> ObjectiveProgram:
    return bind_objective(emit_objective(graph, guide, estimators_of(graph), aim=aim), bound)
