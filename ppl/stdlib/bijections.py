"""From unconstrained numbers onto supports (Stan reference manual, "Constraint transforms")."""

from ppl.stdlib.records import Bijection

# log of the slope of the sigmoid, without ever forming 1 - sigmoid
_LOG_SLOPE = "log_sigmoid(u) + log_sigmoid(-u)"

_ROWS = (
    Bijection("real", "u", "0", "x"),
    Bijection("lower", "low + exp(u)", "u", "log(x - low)"),
    Bijection("upper", "high - exp(u)", "u", "log(high - x)"),
    Bijection(
        "interval",
        "between(low, high, sigmoid(u))",
        f"log(high - low) + {_LOG_SLOPE}",
        "log(x - low) - log(high - x)",
    ),
    Bijection("vector", "u", "0", "x"),
    Bijection("ordered", kernel="ordered"),
    Bijection("simplex", kernel="simplex", shrinks=1),
    Bijection("corr_cholesky", kernel="corr_cholesky", triangle="strict"),
    Bijection("covariance", kernel="covariance", triangle="full"),
)

BIJECTIONS: dict[str, Bijection] = {row.support: row for row in _ROWS}
