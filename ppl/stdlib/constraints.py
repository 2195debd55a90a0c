"""The sets that values may be required to lie in. `words` finish the sentence "it must be ..."."""

from ppl.stdlib.records import Constraint

_ROWS = (
    Constraint("", words="a real number"),
    Constraint("real", words="a real number"),
    Constraint("positive", low=0.0, words="positive"),
    Constraint("negative", high=0.0, words="negative"),
    Constraint("nonnegative", low=0.0, low_open=False, words="zero or more"),
    Constraint("nonzero", words="different from zero"),
    Constraint("above_minus_one", low=-1.0, words="above -1"),
    Constraint("unit", low=0.0, high=1.0, low_open=False, high_open=False, words="between 0 and 1"),
    Constraint("unit_open", low=0.0, high=1.0, words="strictly between 0 and 1"),
    Constraint("correlation", low=-1.0, high=1.0, words="strictly between -1 and 1"),
    Constraint("bool", low=0.0, high=1.0, low_open=False, high_open=False, words="true or false"),
    Constraint("integer", words="a whole number"),
    Constraint("count", low=0.0, low_open=False, words="a whole number, zero or more"),
    Constraint("positive_int", low=1.0, low_open=False, words="a whole number, one or more"),
    Constraint("simplex", low=0.0, high=1.0, low_open=False, high_open=False, words="proportions that sum to one"),
    Constraint("ordered", words="in increasing order"),
    Constraint("vector", words="a vector of real numbers"),
    Constraint("matrix", words="a matrix of real numbers"),
    Constraint("cholesky", words="a lower triangular matrix with a positive diagonal"),
    Constraint("positive_definite", words="a symmetric positive definite matrix"),
)

CONSTRAINTS: dict[str, Constraint] = {row.name: row for row in _ROWS}
