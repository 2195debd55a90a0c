"""The functions of the language, by the name that a model uses."""

from dataclasses import dataclass

# How rough the array operations of the core are in their arguments; what stands in neither set is a jump.
SMOOTH_OPS = frozenset(
    (
        "sum mean var prod logsumexp softmax cumsum dot lag rename fix spread diag vector "
        "cholesky det logdet inverse solve"
    ).split()
)
KINK_OPS = frozenset(("max", "min", "sd"))


@dataclass(frozen=True, slots=True)
class Elementwise:
    """Aligned by axis name: `op` is a row of `PRIMITIVES`, `names` are the arguments."""

    op: str
    names: tuple[str, ...] = ("x",)


@dataclass(frozen=True, slots=True)
class Reduction:
    """`f(x, over=axis)`: the axis goes (or, with `keeps`, stays). `type` is the type of the result, "" for the same."""

    op: str
    type: str = ""
    keeps: bool = False


def _elementwise(op: str, *names: str) -> Elementwise:
    return Elementwise(op, names or ("x",))


ELEMENTWISE: dict[str, Elementwise] = {
    **{
        name: _elementwise(name)
        for name in (
            "exp log log1p expm1 sqrt square abs sigmoid softplus log_sigmoid logit tanh sin cos tan atan erf erfc "
            "lgamma digamma floor ceil round sign relu ndtri log_ndtr"
        ).split()
    },
    "Phi": _elementwise("ndtr"),
    "ndtr": _elementwise("ndtr"),
    "logaddexp": _elementwise("logaddexp", "a", "b"),
    "pow": _elementwise("pow", "x", "y"),
    "lbeta": _elementwise("lbeta", "a", "b"),
}

REDUCTIONS: dict[str, Reduction] = {
    "sum": Reduction("sum"),
    "prod": Reduction("prod"),
    "mean": Reduction("mean", "real"),
    "var": Reduction("var", "real"),
    "sd": Reduction("sd", "real"),
    "min": Reduction("min"),
    "max": Reduction("max"),
    "logsumexp": Reduction("logsumexp", "real"),
    "argmax": Reduction("argmax", "level"),
    "cumsum": Reduction("cumsum", "", keeps=True),
    "softmax": Reduction("softmax", "real", keeps=True),
}

MATRICES = ("cholesky", "inverse", "logdet", "det", "transpose", "diagonal", "trace", "solve")
SPECIAL = ("min", "max", "clamp", "dot", "diag", "uniform", "size", "eye", "ode", *MATRICES)

FUNCTION_ALIASES: dict[str, str] = {
    "inv_logit": "sigmoid",
    "expit": "sigmoid",
    "ilogit": "sigmoid",
    "invlogit": "sigmoid",
    "fabs": "abs",
    "ln": "log",
    "gammaln": "lgamma",
    "log_sum_exp": "logsumexp",
    "average": "mean",
    "std": "sd",
    "stdev": "sd",
    "pnorm": "Phi",
    "normal_cdf": "Phi",
    "maximum": "max",
    "minimum": "min",
    "clip": "clamp",
    "ifelse": "if",
    "where": "if",
    "length": "size",
    "len": "size",
    "inprod": "dot",
    "dot_product": "dot",
    "log_det": "logdet",
    "log_determinant": "logdet",
    "determinant": "det",
    "inv": "inverse",
    "t": "transpose",
    "identity": "eye",
    "identity_matrix": "eye",
    "diag_matrix": "diag",
    "mdivide_left": "solve",
    "ode_rk45": "ode",
    "ode_bdf": "ode",
    "odeint": "ode",
    "solve_ivp": "ode",
}

# The layers of nets, and what they are called elsewhere.
LAYERS = ("dense", "mlp", "norm")
LAYER_ALIASES: dict[str, str] = {
    "Dense": "dense", "Linear": "dense", "linear": "dense", "fully_connected": "dense", "MLP": "mlp",
    "LayerNorm": "norm", "layer_norm": "norm", "batch_norm": "norm", "BatchNorm": "norm", "normalize": "norm",
}  # fmt: skip

FUNCTIONS = frozenset((*ELEMENTWISE, *REDUCTIONS, *SPECIAL))
