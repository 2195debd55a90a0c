"""Distributions of one positive number."""

from ppl.stdlib.distributions_real import DF, SCALE, SD, SHAPE
from ppl.stdlib.records import JUMP, Distribution, Form, Parameter, Support

POSITIVE = Support("lower", "0")
FROM_ZERO = Support("lower", "0", closed=True)
RATE = Parameter("rate", "positive")

HALVES = (
    Distribution(
        "HalfNormal",
        (SD,),
        FROM_ZERO,
        let=(("z", "x / sd"),),
        logpdf="-0.5 * square(z) - log(sd) - 0.22579135264472744",
        logcdf="log_p(erf(0.7071067811865476 * z))",
        logsf="log_ndtr(-z) + 0.6931471805599453",
        cdf="erf(0.7071067811865476 * z)",
        quantile="sd * 1.4142135623730951 * sp.erfinv(u)",
        draw="np.abs(rng.normal(0.0, sd, size))",
        mean="0.7978845608028654 * sd",
        variance="0.3633802276324187 * square(sd)",
        about="the size of a Normal(0, sd): a scale that is probably below 2 sd",
    ),
    Distribution(
        "HalfCauchy",
        (SCALE,),
        FROM_ZERO,
        let=(("z", "x / scale"),),
        logpdf="-log1p(square(z)) - log(scale) - 0.45158270528945486",
        logcdf="log_p(atan(z)) - 0.45158270528945486",
        logsf="log_p(acot(z)) - 0.45158270528945486",
        cdf="0.6366197723675814 * atan(z)",
        quantile="scale * np.tan(0.5 * np.pi * u)",
        draw="scale * np.abs(rng.standard_cauchy(size))",
        about="the size of a Cauchy(0, scale): a scale whose median is `scale`, with a very long tail",
    ),
    Distribution(
        "HalfStudentT",
        (DF, SCALE),
        FROM_ZERO,
        let=(("z", "x / scale"),),
        logpdf=(
            "0.6931471805599453 - 0.5 * (df + 1) * log1p(square(z) / df)"
            " - log(scale) - 0.5 * log(df) - lbeta(0.5 * df, 0.5)"
        ),
        logcdf="log(max2(1 - 2 * stdtr(df, -z), 1e-300))",
        logsf="log(max2(2 * stdtr(df, -z), 1e-300))",
        cdf="1 - 2 * stdtr(df, -z)",
        quantile="scale * sp.stdtrit(df, 0.5 + 0.5 * u)",
        draw="scale * np.abs(rng.standard_t(df, size))",
        about="the size of a StudentT(df, 0, scale)",
    ),
)

POSITIVES = (
    Distribution(
        "LogNormal",
        (Parameter("mean_log"), Parameter("sd_log", "positive")),
        POSITIVE,
        let=(("l", "log(x)"), ("z", "(l - mean_log) / sd_log")),
        logpdf="-0.5 * square(z) - l - log(sd_log) - 0.9189385332046727",
        logcdf="log_ndtr(z)",
        logsf="log_ndtr(-z)",
        cdf="ndtr(z)",
        quantile="np.exp(mean_log + sd_log * sp.ndtri(u))",
        draw="rng.lognormal(mean_log, sd_log, size)",
        mean="exp(mean_log + 0.5 * square(sd_log))",
        variance="expm1(square(sd_log)) * exp(2 * mean_log + square(sd_log))",
        about="its logarithm is Normal(mean_log, sd_log)",
    ),
    Distribution(
        "Exponential",
        (RATE,),
        FROM_ZERO,
        let=(("h", "rate * x"),),
        logpdf="log(rate) - h",
        logcdf="log1mexp(-h)",
        logsf="-h",
        cdf="-expm1(-h)",
        quantile="-np.log1p(-u) / rate",
        draw="rng.exponential(1.0 / rate, size)",
        mean="1 / rate",
        variance="1 / square(rate)",
        forms=(Form(("mean",), (("rate", "1 / mean"),)),),
        about="waiting time of an event that comes `rate` times per unit; its mean is 1 / rate",
    ),
    Distribution(
        "Gamma",
        (SHAPE, RATE),
        POSITIVE,
        logpdf="(shape - 1) * log(x) + shape * log(rate) - rate * x - lgamma(shape)",
        logcdf="log_gammainc(shape, rate * x)",
        logsf="log_gammaincc(shape, rate * x)",
        cdf="gammainc(shape, rate * x)",
        quantile="sp.gammaincinv(shape, u) / rate",
        draw="k.draw_gamma(rng, shape, size) / rate",
        mean="shape / rate",
        variance="shape / square(rate)",
        forms=(
            Form(("mean", "sd"), (("shape", "square(mean / sd)"), ("rate", "mean / square(sd)"))),
            Form(("shape", "scale"), (("shape", "shape"), ("rate", "1 / scale"))),
            Form(("shape", "mean"), (("shape", "shape"), ("rate", "shape / mean"))),
        ),
        about="waiting time of `shape` events; its mean is shape / rate",
    ),
    Distribution(
        "InvGamma",
        (SHAPE, SCALE),
        POSITIVE,
        let=(("h", "scale / x"),),
        logpdf="shape * log(scale) - lgamma(shape) - (shape + 1) * log(x) - h",
        logcdf="log_gammaincc(shape, h)",
        logsf="log_gammainc(shape, h)",
        cdf="gammaincc(shape, h)",
        quantile="scale / sp.gammainccinv(shape, u)",
        draw="scale / k.draw_gamma(rng, shape, size)",
        mean="where(shape > 1, scale / where(shape > 1, shape - 1, 1), -log_if(shape > 1))",
        variance=(
            "where(shape > 2, square(scale) / where(shape > 2, square(shape - 1) * (shape - 2), 1), -log_if(shape > 2))"
        ),
        about="one over a Gamma(shape, rate = scale): the conjugate prior of a variance",
    ),
    Distribution(
        "Weibull",
        (SHAPE, SCALE),
        POSITIVE,
        let=(("l", "log(x)"), ("s", "shape * (l - log(scale))"), ("h", "exp(s)")),
        logpdf="log(shape) - l + s - h",
        logcdf="log1mexp(-exp(min2(s, 700)))",
        logsf="-h",
        cdf="-expm1(-h)",
        quantile="scale * (-np.log1p(-u)) ** (1.0 / shape)",
        draw="scale * rng.weibull(shape, size)",
        mean="scale * exp(lgamma(1 + 1 / shape))",
        variance="square(scale) * (exp(lgamma(1 + 2 / shape)) - exp(2 * lgamma(1 + 1 / shape)))",
        about="lifetime whose hazard rises (shape > 1) or falls (shape < 1) with age",
    ),
    Distribution(
        "Pareto",
        (Parameter("scale", "positive", level=JUMP), SHAPE),
        Support("lower", "scale", closed=True),
        let=(("h", "shape * max2(log(x) - log(scale), 0)"),),
        logpdf="log_if(x >= scale) + log(shape) - log(x) - h",
        logcdf="log1mexp(-h)",
        logsf="-h",
        cdf="-expm1(-h)",
        quantile="scale * np.exp(-np.log1p(-u) / shape)",
        draw="scale * np.exp(rng.standard_exponential(size) / shape)",
        mean="where(shape > 1, scale * shape / where(shape > 1, shape - 1, 1), -log_if(shape > 1))",
        variance=(
            "where(shape > 2, square(scale) * shape / where(shape > 2, square(shape - 1) * (shape - 2), 1),"
            " -log_if(shape > 2))"
        ),
        about="sizes above `scale` whose survival falls as a power: the tail weight is 1 / shape",
    ),
)
