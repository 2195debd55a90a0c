"""The elementwise functions: numpy text, gradients, roughness. See `ppl.stdlib.records` for the language of formulas.

Gradients are written in terms of the result `y` where that is cheaper or keeps digits; none of them is NaN where the
function itself is finite.
"""

from ppl.stdlib.records import JUMP, KINK, SMOOTH, Primitive

ROOT_2_PI = "2.5066282746310002"
RSQRT_2_PI = "0.3989422804014327"


def _row(
    name: str, code: str, *vjps: str | None, level: str = SMOOTH, domain: str = "", result: str = "real"
) -> Primitive:
    """A row with the same roughness in every argument; `domain` lists one word per argument, `-` for none."""
    words = tuple("" if word == "-" else word for word in domain.split())
    return Primitive(name, code, vjps, (level,) * len(vjps), words, result)


ARITHMETIC = (
    _row("add", "{0} + {1}", "g", "g", result="same"),
    _row("sub", "{0} - {1}", "g", "-g", result="same"),
    _row("mul", "{0} * {1}", "g * b", "g * a", result="same"),
    _row("div", "{0} / {1}", "g / b", "-g * y / b", domain="- nonzero"),
    _row("neg", "-{0}", "-g", result="same"),
    _row("pow", "{0} ** {1}", "g * b * a ** (b - 1)", "g * y * log(where(a > 0, a, 1))", domain="positive -"),
    _row("square", "np.square({0})", "2 * (g * a)", result="same"),
    _row("sqrt", "np.sqrt({0})", "0.5 * g / y", domain="positive"),
    # a / b with 0 / 0 = 0: the slope of x log p at x = 0, p = 0
    _row("ratio0", "k.ratio0({0}, {1})", "ratio0(g, b)", "-ratio0(g * y, b)", domain="- nonzero"),
    # a + (b - a) c for 0 <= c <= 1, never at an end by rounding
    _row("between", "k.between({0}, {1}, {2})", "g - g * c", "g * c", "g * (b - a)"),
)

EXPONENTIAL = (
    _row("exp", "np.exp({0})", "g * y"),
    _row("expm1", "np.expm1({0})", "g * (y + 1)"),
    _row("log", "np.log({0})", "g / a", domain="positive"),
    # the log of a probability: one of zero has no slope where the adjoint is zero, rather than a slope of 0 / 0
    _row("log_p", "np.log({0})", "ratio0(g, a)", domain="positive"),
    _row("log1p", "np.log1p({0})", "g / (1 + a)", domain="above_minus_one"),
    _row("xlogy", "sp.xlogy({0}, {1})", "g * log(b)", "ratio0(g * a, b)", domain="- positive"),
    _row("xlog1py", "sp.xlog1py({0}, {1})", "g * log1p(b)", "ratio0(g * a, 1 + b)", domain="- above_minus_one"),
    _row("sigmoid", "k.sigmoid({0})", "g * y * (1 - y)"),
    # the slope of softplus is sigmoid(a) = exp(a - y): one cheap exponential
    _row("softplus", "k.softplus({0})", "g * exp(a - y)"),
    _row("log_sigmoid", "k.log_sigmoid({0})", "-g * expm1(y)"),
    _row("logit", "sp.logit({0})", "g / (a * (1 - a))", domain="unit"),
    _row("tanh", "np.tanh({0})", "g * (1 - y * y)"),
    # the floor under y makes the weights of log(0 + 0) zero instead of NaN
    _row("logaddexp", "np.logaddexp({0}, {1})", "g * exp(a - max2(y, -1e300))", "g * exp(b - max2(y, -1e300))"),
    _row("logsubexp", "k.logsubexp({0}, {1})", "-ratio0(g, expm1(b - a))", "ratio0(g * exp(b - a), expm1(b - a))"),
    _row("log1mexp", "k.log1mexp({0})", "ratio0(g * exp(a), expm1(a))", domain="negative"),
)

TRIGONOMETRIC = (
    _row("sin", "np.sin({0})", "g * cos(a)"),
    _row("cos", "np.cos({0})", "-g * sin(a)"),
    _row("tan", "np.tan({0})", "g * (1 + y * y)", level=JUMP),
    _row("atan", "np.arctan({0})", "g / (1 + a * a)"),
    # the angle of the point (a, 1), in (0, pi): arctan(1 / a) without its jump, with all digits as a grows
    _row("acot", "np.arctan2(1.0, {0})", "-g / (1 + a * a)"),
)

NORMAL_INTEGRALS = (
    _row("erf", "sp.erf({0})", "g * (1.1283791670955126 * exp(-a * a))"),
    _row("erfc", "sp.erfc({0})", "-g * (1.1283791670955126 * exp(-a * a))"),
    _row("erfcx", "sp.erfcx({0})", "g * (2 * a * y - 1.1283791670955126)"),
    _row("ndtr", "sp.ndtr({0})", f"g * ({RSQRT_2_PI} * exp(-0.5 * square(a)))"),
    # the inverse Mills ratio through the scaled complement: right from -1e150 to 1e150
    _row("log_ndtr", "sp.log_ndtr({0})", "g * (0.7978845608028654 / erfcx(-0.7071067811865476 * a))"),
    _row("ndtri", "sp.ndtri({0})", f"g * ({ROOT_2_PI} * exp(0.5 * square(y)))", domain="unit"),
)

GAMMA_FAMILY = (
    _row("lgamma", "sp.gammaln({0})", "g * digamma(a)", domain="positive"),
    _row("digamma", "sp.psi({0})", "g * trigamma(a)", domain="positive"),
    _row("trigamma", "sp.zeta(2.0, {0})", "g * tetragamma(a)", domain="positive"),
    _row("tetragamma", "-2.0 * sp.zeta(3.0, {0})", None, domain="positive"),
    _row(
        "lbeta",
        "sp.betaln({0}, {1})",
        "g * (digamma(a) - digamma(a + b))",
        "g * (digamma(b) - digamma(a + b))",
        domain="positive positive",
    ),
    _row(
        "gammainc",
        "sp.gammainc({0}, {1})",
        "g * gammainc_da(a, b)",
        "g * exp(xlogy(a - 1, b) - b - lgamma(a))",
        domain="positive positive",
    ),
    _row(
        "gammaincc",
        "sp.gammaincc({0}, {1})",
        "-g * gammainc_da(a, b)",
        "-g * exp(xlogy(a - 1, b) - b - lgamma(a))",
        domain="positive positive",
    ),
    _row("gammainc_da", "k.gammainc_da({0}, {1})", None, None, domain="positive positive"),
    _row(
        "log_gammainc",
        "k.log_gammainc({0}, {1})",
        "g * log_gammainc_da(a, b)",
        "g * exp(xlogy(a - 1, b) - b - lgamma(a) - y)",
        domain="positive positive",
    ),
    _row(
        "log_gammaincc",
        "k.log_gammaincc({0}, {1})",
        "g * log_gammaincc_da(a, b)",
        "-g * exp(xlogy(a - 1, b) - b - lgamma(a) - y)",
        domain="positive positive",
    ),
    _row("log_gammainc_da", "k.log_gammainc_da({0}, {1})", None, None, domain="positive positive"),
    _row("log_gammaincc_da", "k.log_gammaincc_da({0}, {1})", None, None, domain="positive positive"),
    _row(
        "betainc",
        "sp.betainc({0}, {1}, {2})",
        "g * betainc_da(a, b, c)",
        "g * betainc_db(a, b, c)",
        "g * exp(xlogy(a - 1, c) + xlog1py(b - 1, -c) - lbeta(a, b))",
        domain="positive positive unit",
    ),
    _row(
        "betaincc",
        "sp.betaincc({0}, {1}, {2})",
        "-g * betainc_da(a, b, c)",
        "-g * betainc_db(a, b, c)",
        "-g * exp(xlogy(a - 1, c) + xlog1py(b - 1, -c) - lbeta(a, b))",
        domain="positive positive unit",
    ),
    _row("betainc_da", "k.betainc_da({0}, {1}, {2})", None, None, None, domain="positive positive unit"),
    _row("betainc_db", "k.betainc_db({0}, {1}, {2})", None, None, None, domain="positive positive unit"),
    # the cdf of Student's t: a degrees of freedom, at b
    _row(
        "stdtr",
        "sp.stdtr({0}, {1})",
        "g * stdtr_da(a, b)",
        "g * exp(-lbeta(0.5 * a, 0.5) - 0.5 * log(a) - 0.5 * (a + 1) * log1p(square(b) / a))",
        domain="positive -",
    ),
    _row("stdtr_da", "k.stdtr_da({0}, {1})", None, None, domain="positive -"),
    # the slope in the shape a of the logarithm b of a quantile of Gamma(a, 1)
    _row("log_gamma_slope", "k.log_gamma_slope({0}, {1})", None, None, domain="positive -"),
)

BESSEL = (
    _row("i0e", "sp.i0e({0})", "g * (i1e(a) - sign(a) * y)"),
    _row(
        "i1e", "sp.i1e({0})", "g * where(abs(a) > 1e-8, i0e(a) - y * (sign(a) + 1 / where(abs(a) > 1e-8, a, 1)), 0.5)"
    ),
    _row("log_i0", "k.log_i0({0})", "g * (i1e(a) / i0e(a))"),
    # P(-pi <= X <= a) of an angle with mean direction b and concentration c
    _row(
        "von_mises_cdf",
        "k.von_mises_cdf({0}, {1}, {2})",
        "g * exp(-2 * c * square(sin(0.5 * (a - b)))) / (6.283185307179586 * i0e(c))",
        "g * (exp(-2 * c * square(cos(0.5 * b))) - exp(-2 * c * square(sin(0.5 * (a - b)))))"
        " / (6.283185307179586 * i0e(c))",
        "g * von_mises_cdf_dk(a, b, c)",
        domain="- - positive",
    ),
    _row("von_mises_cdf_dk", "k.von_mises_cdf_dk({0}, {1}, {2})", None, None, None, domain="- - positive"),
)

KINKED = (
    _row("abs", "np.abs({0})", "g * sign(a)", level=KINK, result="same"),
    _row("max2", "np.maximum({0}, {1})", "where(a >= b, g, 0)", "where(a >= b, 0, g)", level=KINK, result="same"),
    _row("min2", "np.minimum({0}, {1})", "where(a <= b, g, 0)", "where(a <= b, 0, g)", level=KINK, result="same"),
    _row("relu", "np.maximum({0}, 0.0)", "where(a > 0, g, 0)", level=KINK),
)

JUMPING = (
    _row("lt", "{0} < {1}", None, None, level=JUMP, result="bool"),
    _row("le", "{0} <= {1}", None, None, level=JUMP, result="bool"),
    _row("gt", "{0} > {1}", None, None, level=JUMP, result="bool"),
    _row("ge", "{0} >= {1}", None, None, level=JUMP, result="bool"),
    _row("eq", "{0} == {1}", None, None, level=JUMP, result="bool"),
    _row("ne", "{0} != {1}", None, None, level=JUMP, result="bool"),
    _row("and", "np.logical_and({0}, {1})", None, None, level=JUMP, result="bool"),
    _row("or", "np.logical_or({0}, {1})", None, None, level=JUMP, result="bool"),
    _row("not", "np.logical_not({0})", None, level=JUMP, result="bool"),
    _row("is_int", "{0} == np.floor({0})", None, level=JUMP, result="bool"),
    _row("floor", "np.floor({0})", None, level=JUMP, result="int"),
    _row("ceil", "np.ceil({0})", None, level=JUMP, result="int"),
    _row("round", "np.rint({0})", None, level=JUMP, result="int"),
    _row("sign", "np.sign({0})", None, level=JUMP, result="int"),
    _row("mod", "np.mod({0}, {1})", "g", "-g * floor(a / b)", level=JUMP, domain="- nonzero", result="same"),
    # 0 where the condition holds, minus infinity elsewhere: what a density says outside its support
    _row("log_if", "k.log_if({0})", None, level=JUMP),
    Primitive(
        "where",
        "np.where({0}, {1}, {2})",
        (None, "where(a, g, 0)", "where(a, 0, g)"),
        (JUMP, SMOOTH, SMOOTH),
        (),
        "same",
    ),
)

TABLES = (ARITHMETIC, EXPONENTIAL, TRIGONOMETRIC, NORMAL_INTEGRALS, GAMMA_FAMILY, BESSEL, KINKED, JUMPING)

PRIMITIVES: dict[str, Primitive] = {row.name: row for table in TABLES for row in table}
