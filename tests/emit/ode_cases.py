"""Models with a differential equation, each with its closed form."""

import numpy as np

RNG = np.random.default_rng(5)
TIMES = np.array([1.5, 0.5, 3.0, 0.5, 2.0, 4.0])
SUBJECT = ["b", "a", "b", "b", "a", "c"]
DATA = {"time": TIMES, "y": RNG.normal(size=6), "dose": RNG.random(6) + 1.0, "subject": SUBJECT}
HEAD = """
data {
  time: real
  y: real
  dose: real > 0
  subject: factor
}
axis part = ["gut", "blood"]
"""

CASES = {
    "one number": (
        "fun f(t, z, k) = -k * z",
        "k ~ HalfNormal(1)\n  z = ode(f, 2, time, k, t0=0)",
        "k ~ HalfNormal(1)\n  z = 2 * exp(-k * time)",
    ),
    "a rate that depends on the time": (
        "fun f(t, z, k) = k * t * z",
        "k ~ HalfNormal(1)\n  z = ode(f, 2, time, k, t0=0)",
        "k ~ HalfNormal(1)\n  z = 2 * exp(k * time^2 / 2)",
    ),
    "one for each level": (
        "fun f(t, z, k) = -k * z",
        "k[subject] ~ HalfNormal(1)\n  a[subject] ~ HalfNormal(2)\n"
        "  z[row] = ode(f, a[subject], time, k[subject], t0=0)",
        "k[subject] ~ HalfNormal(1)\n  a[subject] ~ HalfNormal(2)\n  z[row] = a[subject] * exp(-k[subject] * time)",
    ),
    "a chain of two for each level": (
        'fun f(t, z, a) { out = a * z["gut"]\n return [-out, out - z["blood"] / 2] }',
        "a[subject] ~ Uniform(1, 2)\n  s[row, part] = ode(f, [2, 0], time, exp(a[subject]), t0=0)\n  z = s[2]",
        "a[subject] ~ Uniform(1, 2)\n  b = exp(a[subject])\n"
        "  z = 2 * b / (b - 0.5) * (exp(-time / 2) - exp(-b * time))",
    ),
    "a chain of two for each row": (
        'fun f(t, z, a) { out = a * z["gut"]\n return [-out, out - z["blood"] / 2] }',
        "a ~ Uniform(1, 2)\n  s[row, part] = ode(f, [2, 0], time, a * (1 + dose), t0=0)\n  z = s[2]",
        "a ~ Uniform(1, 2)\n  b = a * (1 + dose)\n  z = 2 * b / (b - 0.5) * (exp(-time / 2) - exp(-b * time))",
    ),
    "one for each row": (
        "fun f(t, z, k) = -k * z",
        "k ~ HalfNormal(1)\n  z[row] = ode(f, dose, time, k * dose, t0=0)",
        "k ~ HalfNormal(1)\n  z[row] = dose * exp(-k * dose * time)",
    ),
    "a chain of two, and the start unknown": (
        'fun f(t, z, a, b) { out = a * z["gut"]\n return [-out, out - b * z["blood"]] }',
        "a ~ Uniform(1, 2)\n  b ~ Uniform(0, 1)\n  d ~ HalfNormal(1)\n"
        '  s[row, part] = ode(f, [d, 0], time, b=b, a=a, t0=0)\n  z = s["blood"]',
        "a ~ Uniform(1, 2)\n  b ~ Uniform(0, 1)\n  d ~ HalfNormal(1)\n"
        "  z = d * a / (a - b) * (exp(-b * time) - exp(-a * time))",
    ),
    "what the rate reads of the data": (
        "fun f(t, z, k) = -k * mean(dose) * z",
        "k ~ HalfNormal(1)\n  q[part] ~ HalfNormal(1)\n  s[row, part] = ode(f, q, time, k, t0=0)\n  z = s[2]",
        "k ~ HalfNormal(1)\n  q[part] ~ HalfNormal(1)\n  z = q[2] * exp(-k * mean(dose) * time)",
    ),
    "a matrix as the rate": (
        "fun f(t, z, m) = m @ z",
        "a ~ HalfNormal(1)\n  v[part] = [1, 2]\n  m[part, part] = a * eye(part)\n"
        "  s[row, part] = ode(f, v, time, m, t0=0)\n  z = s[1] + s[2]",
        "a ~ HalfNormal(1)\n  z = 3 * exp(a * time)",
    ),
    "a switch in time": (
        "fun f(t, z, k) = if t < 1 then k else 0",
        "k ~ HalfNormal(1)\n  z = ode(f, 0, time, k, t0=0, rtol=1e-9)",
        "k ~ HalfNormal(1)\n  z = k * min(time, 1)",
    ),
    "one equation for each of several parts": (
        "fun f(t, z, k) = -k * z",
        "k[part] ~ HalfNormal(1)\n  s[row, part] = ode(f, 1, time, k, t0=0)\n  z = s[1] + s[2]",
        "k[part] ~ HalfNormal(1)\n  z = exp(-k[1] * time) + exp(-k[2] * time)",
    ),
}


def program(functions: str, body: str) -> str:
    """A model that observes `z`."""
    return f"{HEAD}{functions}\nmodel {{\n  {body}\n  sigma ~ HalfNormal(1)\n  y ~ Normal(z, sigma)\n}}\n"
