"""What `ppl explain CODE` says of the codes about matrices and differential equations."""

from ppl.source.page import Page

DECAY = "fun decay(t, z, k) = -k * z\n"

MATRICES = (
    Page(
        "E370",
        "A matrix has its axis twice: rows and columns are the same levels.",
        "R[coef] ~ LKJCholesky(2)",
        "R[coef, coef] ~ LKJCholesky(2)\nb[group, coef] ~ MvNormal(0, chol=diag(s) @ R)",
    ),
    Page(
        "E371",
        "A covariance, a scale or a Cholesky factor has an entry for every pair of levels.",
        "x[k] ~ MvNormal(0, cov=2)",
        "x[k] ~ MvNormal(0, cov=2 * eye(k))",
    ),
    Page(
        "E372",
        "The values of a Gaussian process at the rows are a normal vector; its covariance is a kernel of two rows, and"
        " two loops over the same axis write it down. Any function of two rows can stand there.",
        "f[row] ~ GP(x, kernel=squared_exponential)",
        "for i in row { for j in row {\n"
        "  K[i, j] = a^2 * exp(-(x[i] - x[j])^2 / (2 * r^2)) + (if i == j then 1e-6 else 0)\n} }\n"
        "f[row] ~ MvNormal(0, cov=K)",
    ),
    Page(
        "E373",
        "`ode` takes the rate, the state at the start, the times, and then what the rate takes beside the time and the"
        " state, by position or by name.",
        DECAY + "z = ode(decay, 1, time)",
        DECAY + "z = ode(decay, 1, time, k)",
    ),
    Page(
        "E374",
        "The right side of the equation is a function of the file, of the time, the state and what else it needs.",
        "z = ode(-k * z, 1, time)",
        DECAY + "z = ode(decay, 1, time, k)",
    ),
    Page(
        "E375",
        "When the solution is wanted is decided before the fit; only the rate and the start may depend on unknowns. To"
        " move the start, let the rate be zero before it: `if t < lag then 0 else …`.",
        DECAY + "lag ~ HalfNormal(1)\nz = ode(decay, 1, time - lag, k)",
        DECAY + "z = ode(decay, 1, time, k)",
    ),
)
