"""Distributions of vectors: the last axis of what they give is the event."""

from ppl.stdlib.records import DISCRETE, JUMP, Distribution, Form, Parameter, Support

VECTORS = (
    Distribution(
        "Dirichlet",
        (Parameter("a", "positive", rank=1),),
        Support("simplex"),
        event=1,
        logpdf="esum((a - 1) * log(x)) + lgamma(esum(a)) - esum(lgamma(a))",
        draw="k.draw_dirichlet(rng, a, size)",
        mean="a / esum(a)",
        variance="a * (esum(a) - a) / (square(esum(a)) * (esum(a) + 1))",
        about="proportions that sum to one; a = 1 is uniform, a below 1 is sparse",
    ),
    Distribution(
        "MvNormal",
        (Parameter("mean", rank=1), Parameter("cov", "positive_definite", rank=2)),
        Support("vector"),
        event=1,
        kernel="mvnormal_cov",
        draw="k.draw_mvnormal(rng, mean, k.cholesky_or_nan(cov), size)",
        mean="mean",
        forms=(Form(("mean", "chol"), (("mean", "mean"), ("chol", "chol")), row="MvNormalChol"),),
        about="correlated Normals, by their covariance matrix or its lower Cholesky factor (`chol`)",
    ),
    Distribution(
        "MvNormalChol",
        (Parameter("mean", rank=1), Parameter("chol", "cholesky", rank=2)),
        Support("vector"),
        event=1,
        kernel="mvnormal_chol",
        draw="k.draw_mvnormal(rng, mean, chol, size)",
        mean="mean",
        internal=True,
        about="correlated Normals, by the lower Cholesky factor of their covariance",
    ),
    Distribution(
        "Multinomial",
        (Parameter("n", "count", level=JUMP), Parameter("p", "simplex", rank=1)),
        Support("counts"),
        kind="int",
        event=1,
        level=DISCRETE,
        logpdf="esum(xlogy(x, p)) + lgamma(n + 1) - esum(lgamma(x + 1)) + log_if(esum(x) == n)",
        draw="k.draw_multinomial(rng, n, p, size)",
        mean="n * p",
        variance="n * p * (1 - p)",
        about="how n things fall into the levels of an axis",
    ),
)
