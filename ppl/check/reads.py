"""What statements of core are computed from: their expressions, the parts of these, and the names that they read."""

from collections.abc import Iterator

from ppl.check.core import Derived, Dist, Expr, FactorTerm, Joint, Site, Statement


def parts(e: Expr) -> Iterator[Expr]:
    """An expression and everything in it, the whole first."""
    yield e
    for a in e.args:
        yield from parts(a)


def dist_expressions(dist: Dist) -> Iterator[Expr]:
    """The arguments of a distribution and of those inside it."""
    yield from (a for a in dist.args if a is not None)
    for inner in dist.inner:
        yield from dist_expressions(inner)


def statement_expressions(statement: Statement) -> Iterator[Expr]:
    """The expressions that stand in a statement."""
    match statement:
        case Site(dist=dist, value=value):
            yield from dist_expressions(dist)
            if value is not None:
                yield value
        case Derived(value=value) | FactorTerm(value=value):
            yield value


def joint_expressions(joint: Joint) -> Iterator[Expr]:
    """What a joint draw of a guide is computed from, beside its own parameters."""
    if joint.base is not None:
        yield from dist_expressions(joint.base)
    if joint.value is not None:
        yield joint.value


def names_in(e: Expr) -> set[str]:
    """The names that an expression reads."""
    own = {str(e.attrs[0])} if e.op == "ref" else set()
    return own.union(*(names_in(a) for a in e.args)) if e.args else own


def names_in_dist(dist: Dist) -> set[str]:
    return set().union(*map(names_in, dist_expressions(dist)))


def reads(statement: Statement) -> set[str]:
    """The names that a statement reads."""
    return set().union(*map(names_in, statement_expressions(statement)))


def joint_reads(joint: Joint) -> set[str]:
    """The names that a joint draw reads."""
    return set().union(*map(names_in, joint_expressions(joint)))
