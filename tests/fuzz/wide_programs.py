"""Random programs that combine nets, recursions, families over coordinates, flows and mixtures in guides."""

import numpy as np
from estimator_programs import HEADER, Program, add_derived, add_unknown, bracketed, ending, expression, guide_lines

ACTIVATIONS = ("tanh", "softplus", "sigmoid", "relu")
# Joint draws of the coordinates of several unknowns.
FAMILIES = (
    "MeanField(init_sd=0.5)", "FullRank(init_sd=0.4)", "LowRank(1)", "Delta()", "Normal(0, 1) |> planar(layers=1)",
    "Normal(0, 1) |> coupling(layers=2, hidden=2)", "Normal(0, 1) |> autoregressive(layers=1, hidden=2)",
)  # fmt: skip
CONTINUOUS = ("real", "positive", "unit")


def wide_program(seed: int) -> str:
    """The text of the program with this number."""
    p = Program(np.random.default_rng(seed), model=["  wk[k] = [0.2, 0.5, 0.3]"])
    nets = [net(p, name) for name in ("f", "cell")]
    for i in range(int(p.rng.integers(1, 4))):
        add_unknown(p, f"x{i}")
        p.one((add_derived, add_net, add_scan))(p, f"d{i}")  # type: ignore[operator, arg-type]
    ending(p)
    guide = joint_guide(p) if p.chance(0.6) else guide_lines(p)
    return "\n".join([HEADER + nets[0], nets[1], "model {", *p.model, "}", *guide]) + "\n"


def net(p: Program, name: str) -> str:
    """A net of two numbers; of some the weights are unknowns."""
    prior = " weights ~ Normal(0, 1 / sqrt(fan_in))" if p.chance(0.3) else ""
    h = f"dense([u, v], 2, {p.one(ACTIVATIONS[:3])})"
    return f"net {name}(u, v) -> m{prior} {{\n  h = {h}\n  m = dense(h)\n}}"


def add_net(p: Program, name: str) -> None:
    axes = p.one(((), ("row",), ("g",)))  # type: ignore[arg-type]
    u, v = (expression(p, axes, 1) for _ in range(2))  # type: ignore[arg-type]
    p.model.append(f"  {name}{bracketed(axes)} = f({u}, {v})")  # type: ignore[arg-type]
    p.names[name] = ("real", axes)  # type: ignore[assignment]


def add_scan(p: Program, name: str) -> None:
    """A recursion over an axis, of a cell or of a formula."""
    start, now, last = expression(p, (), 1), expression(p, (), 1), f"{name}[i - 1]"
    step = p.one((f"tanh(0.6 * {last} + {now})", f"cell({last}, {now})", f"0.5 * {last} + 0.3 * ({now})"))
    p.model.append(f"  for i in t {{\n    {name}[i] = if i == 1 then {start} else {step}\n  }}")
    p.names[name] = ("real", ("t",))


def joint_guide(p: Program) -> list[str]:
    """One family over some of the continuous unknowns; the others get automatic guides, or a mixture."""
    own = [n for n, (kind, _) in p.names.items() if n.startswith("x") and kind in CONTINUOUS]
    taken = [n for n in own if p.chance(0.7)]
    lines = [f"  ({', '.join(taken)}) ~ {p.one(FAMILIES)}"] if len(taken) > 1 else []
    rest = [n for n in own if (n not in taken or not lines) and p.names[n] == ("real", ()) and p.chance(0.5)]
    for n in rest:
        lines += [
            f"  param w{n}[k] = [0.1, 0.4, -0.2]", f"  param m{n}[k] = [-0.5, 0.3, 0.9]",
            f"  {n} ~ Mixture(softmax(w{n}), Normal(m{n}, 0.6))",
        ]  # fmt: skip
    return ["guide {", *lines, "}"] if lines else []
