"""Formulas of the tables (see `ppl.stdlib.records`) as core expressions."""

from collections.abc import Mapping

from ppl.check.building import elementwise, literal
from ppl.check.core import Expr
from ppl.source.span import Span
from ppl.stdlib.formulas import evaluate


def formula(text: str, values: Mapping[str, Expr], span: Span) -> Expr:
    """The formula with `values` for its names."""
    return evaluate(
        text,
        values,
        lambda op, args: elementwise(op, args, span),
        lambda number: literal(float(number), span, "int" if isinstance(number, int) else "real"),
    )
