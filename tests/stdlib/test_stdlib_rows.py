"""What every row of the tables must have."""

import ast
import subprocess
import sys

import pytest
from evaluate import SCOPE, VECTOR_CALLS

from ppl.rewrite.conjugate import CONJUGATES
from ppl.stdlib.bijections import BIJECTIONS
from ppl.stdlib.constraints import CONSTRAINTS
from ppl.stdlib.distributions import ALIASES, DISTRIBUTIONS, PARAMETER_ALIASES
from ppl.stdlib.formulas import OPERATORS, parsed
from ppl.stdlib.intervals import RULES
from ppl.stdlib.kernels import KERNELS
from ppl.stdlib.primitives import PRIMITIVES
from ppl.stdlib.records import CONST, DISCRETE, JUMP, KINK, SMOOTH, Distribution

LEVELS = {CONST, SMOOTH, KINK, JUMP, DISCRETE}
FORMULAS = ("logpdf", "logcdf", "logsf", "cdf", "mean", "variance")
MODIFIERS = {"Truncated", "Censored", "Mixture", "Ordered", "ZeroInflated"}


def names_and_calls(text: str) -> tuple[set[str], set[str]]:
    """The values and the functions that a formula uses; fails on anything that is not a formula."""
    names: set[str] = set()
    calls: set[str] = set()

    def visit(node: ast.expr) -> None:
        match node:
            case ast.Constant(value):
                assert isinstance(value, int | float) and not isinstance(value, bool)
            case ast.Name(id):
                names.add(id)
            case ast.UnaryOp(ast.USub(), operand):
                visit(operand)
            case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]):
                assert type(op) in OPERATORS
                visit(left)
                visit(right)
            case ast.Call(ast.Name(id), args, []):
                calls.add(id)
                for a in args:
                    visit(a)
                assert id in VECTOR_CALLS or len(args) == PRIMITIVES[id].arity, (id, text)
            case _:
                raise AssertionError(f"not a formula: {ast.unparse(node)}")

    visit(parsed(text))
    return names, calls


@pytest.mark.parametrize("row", PRIMITIVES.values(), ids=PRIMITIVES)
def test_primitive_rows(row):
    assert PRIMITIVES[row.name] is row
    assert len(row.levels) == row.arity and set(row.levels) <= LEVELS
    assert len(row.domain) in (0, row.arity) and set(row.domain) <= set(CONSTRAINTS)
    assert row.result in ("real", "int", "bool", "same")
    compile(row.code.format(*"abc"), row.name, "eval")
    allowed = {"g", "y", *"abc"[: row.arity]}
    for vjp in filter(None, row.vjps):
        names, calls = names_and_calls(vjp)
        assert names <= allowed and not calls & set(VECTOR_CALLS)


@pytest.mark.parametrize("row", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_distribution_rows(row: Distribution):
    assert DISTRIBUTIONS[row.name] is row
    assert row.about and not row.about.endswith(".")
    assert {p.domain for p in row.params} <= set(CONSTRAINTS)
    assert {row.level, *(p.level for p in row.params)} <= LEVELS
    assert bool(row.logpdf) != bool(row.kernel)
    assert not row.kernel or row.kernel in KERNELS
    known = {"x", *(p.name for p in row.params)}
    for name, text in row.let:
        assert names_and_calls(text)[0] <= known
        known.add(name)
    for field in FORMULAS:
        if getattr(row, field):
            names, _ = names_and_calls(getattr(row, field))
            assert names <= known, field
            assert field not in ("mean", "variance") or names <= {p.name for p in row.params}
    assert row.loc_scale is None or set(row.loc_scale) <= known
    assert bool(row.logcdf) == bool(row.logsf) == bool(row.cdf)


@pytest.mark.parametrize("row", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_texts_use_known_names(row: Distribution):
    params = {p.name for p in row.params}
    for text, extra in ((row.draw, {"rng", "size"}), (row.quantile, {"u"})):
        if text:
            used = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
            assert used <= params | extra | set(SCOPE)


@pytest.mark.parametrize("row", DISTRIBUTIONS.values(), ids=DISTRIBUTIONS)
def test_forms_give_every_parameter(row: Distribution):
    for form in row.forms:
        target = DISTRIBUTIONS[form.row] if form.row else row
        assert [name for name, _ in form.to] == [p.name for p in target.params]
        for _, text in form.to:
            assert names_and_calls(text)[0] <= set(form.names)


def test_internal_rows_are_reached_by_a_form_or_a_rewrite():
    reached = {form.row for row in DISTRIBUTIONS.values() for form in row.forms}
    written = {name for rule in CONJUGATES for name in (rule.marginal[0], rule.posterior[0])}
    rewritten = {name for name in written if DISTRIBUTIONS[name].internal}
    assert {name for name, row in DISTRIBUTIONS.items() if row.internal} == (reached - {""}) | rewritten


def test_aliases_name_what_exists():
    assert set(ALIASES.values()) <= set(DISTRIBUTIONS) | MODIFIERS
    assert not set(ALIASES) & set(DISTRIBUTIONS)
    written = {n for row in DISTRIBUTIONS.values() for form in row.forms for n in form.names}
    public = {p.name for row in DISTRIBUTIONS.values() if not row.internal for p in row.params}
    assert set(PARAMETER_ALIASES.values()) <= written | public


def test_bijections_name_kernels():
    for row in BIJECTIONS.values():
        if row.kernel:
            assert {row.kernel, f"{row.kernel}_logdet"} <= set(KERNELS)
        for text in filter(None, (row.forward, row.logdet, row.inverse)):
            names_and_calls(text)


def test_interval_rules_belong_to_primitives():
    assert set(RULES) <= set(PRIMITIVES)


def test_constraints_have_words():
    assert all(row.words for row in CONSTRAINTS.values())


def test_the_checker_reads_the_tables_without_numpy():
    code = (
        "import sys, ppl.stdlib.primitives, ppl.stdlib.distributions, ppl.stdlib.constraints, "
        "ppl.stdlib.bijections, ppl.stdlib.intervals; sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
