"""What `ppl explain CODE` says of the codes about matrices and differential equations."""

from ppl.source.page import Page


def decay(statements: str) -> str:
    """A model with an equation."""
    return f"fun decay(t, z, rate) = -rate * z\nmodel {{\n  rate ~ HalfNormal(1)\n{statements}  y ~ Normal(z, 1)\n}}"


SOLVED = decay("  z = ode(decay, 1, x, rate)\n")

STARTS = (
    Page(
        "E377",
        "The solver takes explicit steps: where a rate is a thousand times faster than what is observed, it needs"
        " thousands of them. A solution may also leave the numbers: dy/dt = y^2 does so at a finite time.",
        "rate ~ LogNormal(12, 1)      # a day, and the data are from weeks",
        SOLVED,
    ),
    Page(
        "E376",
        "An equation is solved forwards. Without `t0=`, it starts at the earliest time of the data.",
        "z = ode(decay, 1, time, k, t0=1)      # a row has time = 0.5",
        SOLVED,
    ),
    Page(
        "E378",
        "Between n levels lie n - 1 cut points. With more or fewer the chances of the levels would not sum to one.",
        "axis cut = 3                      # rating has the levels bad, fair, good",
        "axis cut = 2",
    ),
)

MATRICES = (
    Page(
        "E370",
        "A matrix has its axis twice: rows and columns are the same levels.",
        "R[k] ~ LKJCholesky(2)\ny ~ Normal(0, 1)",
        "R[k, k] ~ LKJCholesky(2)\nb[county, k] ~ MvNormal(0, chol=R)\ny ~ Normal(b[county, 1], 1)",
    ),
    Page(
        "E371",
        "A covariance, a scale or a Cholesky factor has an entry for every pair of levels.",
        "b[k] ~ MvNormal(0, cov=2)\ny ~ Normal(b[1], 1)",
        "b[k] ~ MvNormal(0, cov=2 * eye(k))\ny ~ Normal(b[1], 1)",
    ),
    Page(
        "E372",
        "The values of a Gaussian process at the rows are a normal vector; its covariance is a kernel of two rows, and"
        " two loops over the same axis write it down. Any function of two rows can stand there.",
        "f[row] ~ GP(x, 1)\ny ~ Normal(f, 1)",
        "for i in row {\n  for j in row {\n"
        "    K[i, j] = exp(-(x[i] - x[j])^2 / 2) + (if i == j then 1e-6 else 0)\n  }\n}\n"
        "f[row] ~ MvNormal(0, cov=K)\ny ~ Normal(f, 1)",
    ),
    Page(
        "E373",
        "`ode` takes the rate, the state at the start, the times, and then what the rate takes beside the time and the"
        " state, by position or by name. For a single time, `t0=` says when it starts.",
        decay("  z = ode(decay, 1, x)\n"),
        SOLVED,
    ),
    Page(
        "E374",
        "The right side of the equation is a function of the file, of the time, the state and what else it needs.",
        decay("  z = ode(-rate, 1, x)\n"),
        SOLVED,
    ),
    Page(
        "E375",
        "When the solution is wanted is decided before the fit; only the rate and the start may depend on unknowns. To"
        " move the start, let the rate be zero before it: `if t < lag then 0 else …`.",
        decay("  z = ode(decay, 1, x - rate, rate)\n"),
        SOLVED,
    ),
)
