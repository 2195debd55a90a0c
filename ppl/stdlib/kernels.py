"""What the texts of the tables call as `k`, and `KERNELS`: array functions with a gradient written by hand.

`forward(*arrays)` gives the result and what the gradient needs; `backward(saved, g)` gives one gradient for each
argument, in its own shape. Batch dimensions lead and broadcast; event dimensions are last.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ppl.stdlib import chains, levels, linear, matrices, matrix_draws, quantiles, vectors
from ppl.stdlib.angles import von_mises_cdf, von_mises_cdf_dk, von_mises_quantile
from ppl.stdlib.draws import (
    draw_beta,
    draw_dirichlet,
    draw_gamma,
    draw_level,
    draw_level_logits,
    draw_multinomial,
    draw_mvnormal,
    whole,
)
from ppl.stdlib.flows import STEPS, start_of, weights_of
from ppl.stdlib.linear import cholesky_or_nan
from ppl.stdlib.matrices import corr_cholesky_inverse, covariance_inverse
from ppl.stdlib.matrix_draws import (
    draw_inv_wishart,
    draw_lkj_cholesky,
    draw_mvnormal_precision,
    draw_mvstudent,
    draw_wishart,
)
from ppl.stdlib.ode import pull_back, solve
from ppl.stdlib.quantiles import (
    beta_binomial_quantile,
    beta_quantile,
    beta_upper,
    binomial_quantile,
    binomial_upper,
    cauchy_quantile,
    gamma_quantile,
    gamma_upper,
    geometric_quantile,
    geometric_upper,
    half_cauchy_quantile,
    laplace_log_quantile,
    laplace_quantile,
    log_gamma_quantile,
    log_gamma_slope,
    log_gamma_upper,
    negbinomial_quantile,
    negbinomial_upper,
    poisson_quantile,
    poisson_upper,
    student_quantile,
)
from ppl.stdlib.special import (
    betainc_da,
    betainc_db,
    between,
    gammainc_da,
    log1mexp,
    log_gammainc,
    log_gammainc_da,
    log_gammaincc,
    log_gammaincc_da,
    log_i0,
    log_if,
    log_sigmoid,
    logsubexp,
    ratio0,
    sigmoid,
    softplus,
    stdtr_da,
)
from ppl.stdlib.vectors import (
    Segments,
    add_segments,
    logsumexp,
    ordered_inverse,
    reverse_cumsum,
    segment_sum,
    segments,
    simplex_inverse,
)

__all__ = [
    "KERNELS",
    "Kernel",
    "Segments",
    "add_segments",
    "beta_binomial_quantile",
    "beta_quantile",
    "beta_upper",
    "betainc_da",
    "betainc_db",
    "between",
    "binomial_quantile",
    "binomial_upper",
    "cauchy_quantile",
    "cholesky_or_nan",
    "corr_cholesky_inverse",
    "covariance_inverse",
    "draw_beta",
    "draw_dirichlet",
    "draw_gamma",
    "draw_inv_wishart",
    "draw_level",
    "draw_level_logits",
    "draw_lkj_cholesky",
    "draw_multinomial",
    "draw_mvnormal",
    "draw_mvnormal_precision",
    "draw_mvstudent",
    "draw_wishart",
    "gamma_quantile",
    "gamma_upper",
    "gammainc_da",
    "geometric_quantile",
    "geometric_upper",
    "half_cauchy_quantile",
    "laplace_log_quantile",
    "laplace_quantile",
    "log1mexp",
    "log_gamma_quantile",
    "log_gamma_slope",
    "log_gamma_upper",
    "log_gammainc",
    "log_gammainc_da",
    "log_gammaincc",
    "log_gammaincc_da",
    "log_i0",
    "log_if",
    "log_sigmoid",
    "logsubexp",
    "logsumexp",
    "negbinomial_quantile",
    "negbinomial_upper",
    "ordered_inverse",
    "poisson_quantile",
    "poisson_upper",
    "pull_back",
    "ratio0",
    "reverse_cumsum",
    "segment_sum",
    "segments",
    "sigmoid",
    "simplex_inverse",
    "softplus",
    "solve",
    "start_of",
    "stdtr_da",
    "student_quantile",
    "von_mises_cdf",
    "von_mises_cdf_dk",
    "von_mises_quantile",
    "weights_of",
    "whole",
]


@dataclass(frozen=True, slots=True)
class Kernel:
    """An array function and its gradient."""

    name: str
    forward: Callable[..., tuple[Any, tuple[Any, ...]]]
    backward: Callable[[tuple[Any, ...], Any], tuple[Any, ...]]


_ROWS = (
    Kernel("mvnormal_chol", linear.mvnormal_chol_forward, linear.mvnormal_chol_backward),
    Kernel("mvnormal_cov", linear.mvnormal_cov_forward, linear.mvnormal_cov_backward),
    Kernel("cholesky", linear.cholesky_forward, linear.cholesky_backward),
    Kernel("tri_solve", linear.tri_solve_forward, linear.tri_solve_backward),
    Kernel("logsumexp", vectors.logsumexp_forward, vectors.logsumexp_backward),
    Kernel("likeliest", levels.likeliest_forward, levels.likeliest_backward),
    Kernel("cumsum", vectors.cumsum_forward, vectors.cumsum_backward),
    Kernel("ordered", vectors.ordered_forward, vectors.ordered_backward),
    Kernel("ordered_logdet", vectors.ordered_logdet_forward, vectors.ordered_logdet_backward),
    Kernel("simplex", vectors.simplex_forward, vectors.simplex_backward),
    Kernel("log_simplex", vectors.log_simplex_forward, vectors.log_simplex_backward),
    Kernel("simplex_logdet", vectors.simplex_logdet_forward, vectors.simplex_logdet_backward),
    Kernel("sorted", vectors.sorted_forward, vectors.sorted_backward),
    Kernel("multinomial_quantile", quantiles.multinomial_forward, quantiles.multinomial_backward),
)

# Sums over the paths of chains whose states have m parts: `chain` with a pair potential at every position, `chain_same`
# with one for all.
PARTS = (1, 2, 3)
_CHAINS = tuple(
    row
    for m in PARTS
    for row in (
        Kernel(f"chain{m}", partial(chains.chain_forward, parts=m), chains.chain_backward),
        Kernel(f"chain_same{m}", partial(chains.chain_same_forward, parts=m), chains.chain_same_backward),
    )
)

# Maps of a guide's draws; their settings follow the arrays.
_FLOWS = tuple(Kernel(step.name, step.forward, step.backward) for step in STEPS.values())

_MATRICES = (
    Kernel("corr_cholesky", matrices.corr_cholesky_forward, matrices.corr_cholesky_backward),
    Kernel("corr_cholesky_logdet", matrices.corr_cholesky_logdet_forward, matrices.corr_cholesky_logdet_backward),
    Kernel("covariance", matrices.covariance_forward, matrices.covariance_backward),
    Kernel("covariance_logdet", matrices.covariance_logdet_forward, matrices.covariance_logdet_backward),
    Kernel("lkj_cholesky", matrices.lkj_cholesky_forward, matrices.lkj_cholesky_backward),
    Kernel("wishart", matrices.wishart_forward, matrices.wishart_backward),
    Kernel("inv_wishart", matrices.inv_wishart_forward, matrices.inv_wishart_backward),
    Kernel("mvnormal_precision", matrices.mvnormal_precision_forward, matrices.mvnormal_precision_backward),
    Kernel("mvstudent", matrices.mvstudent_forward, matrices.mvstudent_backward),
    Kernel("logdet", matrices.log_det_forward, matrices.log_det_backward),
    Kernel("det", matrices.det_forward, matrices.det_backward),
    Kernel("solve", matrices.solve_forward, matrices.solve_backward),
    Kernel("inverse", matrices.inverse_forward, matrices.inverse_backward),
    Kernel("lkj_from_uniforms", matrix_draws.lkj_from_uniforms_forward, matrix_draws.lkj_from_uniforms_backward),
    Kernel("bartlett", matrix_draws.bartlett_forward, matrix_draws.bartlett_backward),
)

KERNELS: dict[str, Kernel] = {row.name: row for row in (*_ROWS, *_CHAINS, *_MATRICES, *_FLOWS)}
