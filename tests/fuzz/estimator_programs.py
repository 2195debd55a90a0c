"""Random small programs whose draws need every kind of gradient estimator: branches, kinks, look-ups, counts, plates,
sums that couple positions, lags, guides that condition on earlier draws, objectives of their own."""

from dataclasses import dataclass, field

import numpy as np

ROWS = 4
DATA = {"y": [0.4, -0.9, 1.3, 0.2], "w": [0.7, -0.4, 0.1, 1.2], "on": [True, False, True, False], "g": list("abba")}
HEADER = 'axis t = 3\naxis k = ["p", "q", "r"]\ndata {\n  y: real\n  w: real\n  on: bool\n  g: factor\n}\n'
PLATES: tuple[tuple[str, ...], ...] = ((), (), ("row",), ("g",), ("t",), ("g", "t"))
KINDS = ("real", "real", "real", "positive", "unit", "bool", "level", "count")
# Model families by kind, with a hole for a location that is a number of moderate size.
PRIORS = {
    "real": ("Normal({0}, 1)", "Normal({0}, 1.5)", "StudentT(5, {0}, 1)", "Laplace({0}, 1)", "Logistic({0}, 0.7)"),
    "positive": ("Gamma(2, exp(0.3 * ({0})))", "LogNormal({0}, 0.7)", "Exponential(1.2)", "HalfNormal(1)"),
    "unit": ("Beta(1.5, 2)", "Uniform(0, 1)", "Beta(2, 1 + sigmoid({0}))"),
    "bool": ("Bernoulli(0.4)", "Bernoulli(logit={0})"),
    "level": ("Categorical(uniform(k))", "Categorical(wk)"),
    "count": ("Poisson(1.5)", "Poisson(log=0.4 * tanh({0}))", "Geometric(0.5)"),
}
# Guide families: {0} a location, {1} a positive number, each with parameters of its own.
GUIDES = {
    "real": ("Normal({0}, {1})", "Normal({0}, {1})", "StudentT(6, {0}, {1})", "Logistic({0}, {1})"),
    "positive": ("LogNormal({0}, {1})", "Gamma(1.5 + {1}, 2 * exp({0}))", "Weibull(1 + {1}, exp({0}))"),
    "unit": ("Beta(1 + {1}, 1.5 + {1} * exp(0.5 * ({0})))",),
    "bool": ("Bernoulli(logit={0})", "Bernoulli(sigmoid({0}))"),
    "level": ("Categorical(logits={0})",),
    "count": ("Poisson(exp(0.5 * ({0})))", "Poisson(0.5 + {1})", "Poisson(log=0.3 * ({0}))"),
}
TESTS = (
    "{0} > 0.2", "{0} > w", "{0} < {1}", "{0} >= 0.3 * w", "2 * {0} - 0.5 > {1}", "abs({0}) < 0.8", "{0} > 0 and on",
    "{0} > 0 or {1} > 0.4", "not {0} < -0.3", "exp({0}) > 1.5", "({0})^2 < 1 + w^2", "{0} > 0.1 and {0} < 0.9",
)  # fmt: skip
SMOOTH = ("tanh({0})", "0.5 * ({0})", "({0}) + 0.4 * ({1})", "sigmoid({0}) - 0.5", "0.6 * ({0}) - 0.2 * ({1})")
KINKS = (
    "abs({0})", "max({0}, {1})", "min({0}, 0.4)", "clamp({0}, -0.7, 0.9)", "max({0}, 0)",
    "(if {0} > 0.2 then {0} - 0.2 else 0)", "(if {0} > {1} then {0} else 2 * {0} - {1})",
    "(if {0} < 0 then tanh({0}) else {0})",
)  # fmt: skip
JUMPS = (
    "(if {2} then {0} else {1})", "(if {2} then 0.8 else -0.3)", "(if {2} then {0} else 0.5)",
    "(if {2} then (if {3} then 1 else {0}) else -0.4)", "(if {2} then (if {3} then 0.2 else 0.9) else {1})",
)  # fmt: skip


@dataclass
class Program:
    """A program under construction. `unknowns` are names with kind and axes; `derived` the same, of derived values."""

    rng: np.random.Generator
    names: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    model: list[str] = field(default_factory=list)
    guide: list[str] = field(default_factory=list)
    params: list[str] = field(default_factory=list)

    def one(self, options: tuple[str, ...]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)


def random_program(seed: int) -> str:
    """The text of the program with this number."""
    p = Program(np.random.default_rng(seed), model=["  wk[k] = [0.2, 0.5, 0.3]"])
    for i in range(int(p.rng.integers(1, 5))):
        add_unknown(p, f"x{i}")
        if p.chance(0.35):
            add_derived(p, f"d{i}")
    if p.chance(0.15):
        return objective_program(p)
    ending(p)
    head = [] if not p.chance(0.2) else ["param c = 0.3"]
    tail = [] if not p.chance(0.85) else guide_lines(p)
    if head:
        p.model.append(f"  observe 0.7 ~ Normal(c + 0.3 * {expression(p, (), 1)}, 1.5)")
    return HEADER + "\n".join([*head, "model {", *p.model, "}", *tail]) + "\n"


def ending(p: Program) -> None:
    """What is observed."""
    if p.chance(0.8):
        mean = expression(p, ("row",), 2)
        p.model.append(f"  y ~ Normal({mean}, {p.one(('1', '1.5', '2'))})")
    if p.chance(0.4) or not any(line.startswith("  y") for line in p.model):
        p.model.append(f"  observe 0.3 ~ Normal({expression(p, (), 2)}, 1.2)")
    if p.chance(0.15):
        p.model.append(f"  factor 0.4 * tanh({expression(p, (), 2)})")
    if p.chance(0.15):
        p.model.append(f"  observe true ~ Bernoulli(logit={expression(p, (), 1)})")


def objective_program(p: Program) -> str:
    """The same draws with an expectation of the author's; the parameters are in the model."""
    value, verb = expression(p, (), 2), p.one(("minimize", "maximize"))
    shift = [line.replace("Normal(", "Normal(c + ", 1).replace("logit=", "logit=c + ", 1) for line in p.model]
    cost = p.one(("({0} - 0.5)^2", "{0}", "tanh({0})")).format(value)
    return HEADER + "\n".join(["param c = 0.3", "model {", *shift, "}", f"{verb} {cost}"]) + "\n"


# ---- statements ----------------------------------------------------------------------------------------------------


def add_unknown(p: Program, name: str) -> None:
    kind = p.one(KINDS)
    axes = PLATES[int(p.rng.integers(len(PLATES)))]
    prior = p.one(PRIORS[kind])
    if axes == ("t",) and kind in ("real", "bool") and p.chance(0.6):
        later = {"real": f"Normal({through_lag(p, name)}, 1)", "bool": f"Bernoulli(logit={through_lag(p, name)})"}[kind]
        p.model.append(f"  for i in t {{\n    {name}[i] ~ if i == 1 then {prior.format('0.2')} else {later}\n  }}")
    else:
        where = expression(p, axes, 1) if p.names and p.chance(0.6) else "0.2"
        p.model.append(f"  {name}{bracketed(axes)} ~ {prior.format(where)}")
    p.names[name] = (kind, axes)


def through_lag(p: Program, name: str) -> str:
    return p.one(("0.6 * {0}", "(if {0} > 0.3 then 0.7 else -0.4)", "max({0}, 0)", "0.5 * {0} - 0.2")).format(
        f"{name}[i - 1]"
    )


def add_derived(p: Program, name: str) -> None:
    axes = PLATES[int(p.rng.integers(len(PLATES)))]
    p.model.append(f"  {name}{bracketed(axes)} = {expression(p, axes, 2)}")
    p.names[name] = ("real", axes)


def guide_lines(p: Program) -> list[str]:
    """A guide with parameters for most of the unknowns, in order; some condition on those before."""
    lines, params, earlier = [], [], Program(p.rng)
    for name, (kind, axes) in p.names.items():
        if name.startswith("d") or p.chance(0.15):
            continue
        over = (*axes, "k") if kind == "level" else axes
        params.append(f"  param m{name}{bracketed(over)} = {p.one(('0.1', '0.3', '-0.2'))}")
        params.append(f"  param s{name}{bracketed(axes)}: real > 0 = {p.one(('0.6', '0.9'))}")
        where = f"m{name}"
        if earlier.names and p.chance(0.4) and kind != "level":
            where += " + " + given(earlier, axes)
        lines.append(f"  {name}{bracketed(axes)} ~ {p.one(GUIDES[kind]).format(where, f's{name}')}")
        earlier.names[name] = (kind, axes)
    return ["guide {", *params, *lines, "}"] if lines else []


def given(p: Program, axes: tuple[str, ...]) -> str:
    read = reading(p, axes)
    return p.one(("0.4 * {0}", "0.5 * tanh({0})", "(if {0} > 0.3 then 0.5 else 0)", "0.3 * max({0}, 0.2)")).format(read)


# ---- expressions ---------------------------------------------------------------------------------------------------


def bracketed(axes: tuple[str, ...]) -> str:
    return f"[{', '.join(axes)}]" if axes else ""


def expression(p: Program, axes: tuple[str, ...], depth: int) -> str:
    """A number over `axes` at most, of moderate size."""
    if depth == 0 or p.chance(0.15):
        return reading(p, axes)
    form = p.one(SMOOTH if p.chance(0.4) else KINKS if p.chance(0.45) else JUMPS)
    parts = [expression(p, axes, depth - 1) for _ in range(2)]
    return form.format(*parts, test(p, axes), test(p, axes))


def test(p: Program, axes: tuple[str, ...]) -> str:
    form = p.one(TESTS)
    if axes != ("row",):
        form = form.replace("w", "0.6").replace("on", "true")
    return form.format(reading(p, axes), reading(p, axes))


def reading(p: Program, axes: tuple[str, ...]) -> str:
    """One look at a name from a plate."""
    if not p.names or p.chance(0.06):
        return "w" if axes == ("row",) else "0.4"
    names = list(p.names)
    name = names[int(p.rng.integers(len(names)))]
    kind, own = p.names[name]
    read = located(p, name, own, axes, kind)
    if kind == "level":
        return read
    return {"bool": f"(0.8 * {read})", "count": f"(0.4 * {read})"}.get(kind, read)


def located(p: Program, name: str, own: tuple[str, ...], axes: tuple[str, ...], kind: str) -> str:
    """A name brought to a plate: as it stands, looked up by data, or summed over what the plate lacks."""
    read, have = name, set(own)
    if "g" in have and "row" in axes:
        read, have = f"{name}[g]", have - {"g"} | {"row"}
    if kind == "level":
        read = f'(if {read} == "{p.one(("p", "q", "r"))}" then 0.7 else -0.2)'
    for extra in sorted(have - set(axes)):
        read = (
            f"{p.one(('sum', 'sum', 'mean'))}({read}, over={extra})"
            if extra != "row" or have != {"row"}
            else (f"(0.4 * sum({read}, over=row))")
        )
    return read
