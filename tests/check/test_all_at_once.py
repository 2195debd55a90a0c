"""All independent errors of a file in one run, and none that only follows from another."""

import pytest

from ppl.check.check import check
from ppl.syntax.parse import parse

DATA = "data {\n y: real\n x: real\n n: int\n g: factor\n h: factor\n}\naxis k = 3\naxis time = 5\n"

# (the model block, the errors as `CODE what the caret marks`)
MODELS = {
    "names on every line": (
        "a ~ normal(0, 1)\n b ~ Normal(mising, 1)\n y ~ Normal(a + b + foo(x), sx)",
        ["E102 normal", "E101 mising", "E102 foo", "E101 sx"],
    ),
    "a failed unknown silences its uses": (
        "mu ~ 3\n d = mu * 2\n e[g] ~ Normal(d, mu)\n y ~ Normal(e[g] + mu[g] + d, 1)",
        ["E404 3"],
    ),
    "a failed derived value silences its uses": ("d = x + wrong\n e = d + 1\n y ~ Normal(e, exp(d))", ["E101 wrong"]),
    "a wrong axis on the left, a wrong name on the right": (
        "a[gg] ~ Normal(nowhere, 1)\n b[7] = undefined + 1\n y ~ Normal(a[g] + b[1], 1)",
        ["E301 gg", "E101 nowhere", "E302 7", "E101 undefined"],
    ),
    "a loop over nothing, with errors inside": (
        "for t in 1..3 { s[t] ~ Normal(nowhere + s[t - 1], 1) }\n for t in tme { r[t] = foo(t) }\n"
        " y ~ Normal(s[1] + r[2], 1)",
        ["E303 1..3", "E101 nowhere", "E301 tme", "E102 foo"],
    ),
    "two sd errors and a probability": (
        "s ~ Normal(0, 1)\n y ~ Normal(0, s)\n x ~ StudentT(s, 0, 1)\n n ~ Binomial(3, s)",
        ["E325 s", "E325 s", "E326 s"],
    ),
    "both sides of an operator": ("y ~ Normal(g * 2 + h, lost)", ["E330 g", "E330 h", "E101 lost"]),
    "all branches of an if": (
        "y ~ if lost > 0 then Normal(gone, 1) else Normal(0, away)",
        ["E101 lost", "E101 gone", "E101 away"],
    ),
    "all arguments of a wrong call": (
        "y ~ Normal(lost, gone, 1)",
        ["E341 Normal(lost, gone, 1)", "E101 lost", "E101 gone"],
    ),
    "all arguments of an unknown function": ("y ~ Normal(foo(lost, g + 1), 1)", ["E102 foo", "E101 lost", "E330 g"]),
    "a name defined twice and a name used early": (
        "a ~ Normal(b, 1)\n b ~ Normal(0, 1)\n a ~ Normal(0, gone)\n y ~ Normal(a, 1)",
        ["E103 b", "E403 a", "E101 gone"],
    ),
    "a circle is said once": ("a = c + 1\n b = a + 1\n c = b + 1\n y ~ Normal(c, 1)", ["E107 b"]),
    "an observed column from a name below that reads it": (
        "y ~ Normal(a, 1)\n b ~ Normal(mean(y), 1)\n a ~ Normal(b, 1)",
        ["E103 a"],
    ),
    "an observed column twice": (
        "y ~ Normal(0, 1)\n y ~ Normal(lost, 1)",
        ["E409 y", "E101 lost"],
    ),
    "wrong indices": (
        "a[g] ~ Normal(0, 1)\n b[g, k] ~ Normal(0, 1)\n y ~ Normal(a[h] + a[g, g] + b[g, x] + b[g, 9], 1)",
        ["E305 h", "E304 a[g, g]", "E307 x", "E305 9"],
    ),
    "an axis too many, said where it arises": (
        "a[g] ~ Normal(0, 1)\n m = a + 1\n s ~ Normal(m, 1)\n y ~ Normal(a, 1)\n n ~ Poisson(exp(s))",
        ["E310 Normal(m, 1)", "E310 Normal(a, 1)"],
    ),
    "what is missing from the language": (
        "z ~ GP(lost)\n (p, q) ~ Normal(gone, 1)\n @smooth\n r ~ Normal(z + p, 1)\n y ~ Normal(r + q, 1)",
        ["E372 GP", "E101 lost", "E553 (p, q)", "E101 gone"],
    ),
    "nothing to say": ("a ~ Normal(0, 1)\n y ~ Normal(a + x, 1)", []),
}


@pytest.mark.parametrize("name", MODELS)
def test_all_errors_and_only_those(name: str) -> None:
    body, wanted = MODELS[name]
    text = f"{DATA}model {{\n {body}\n}}\n"
    found = [f"{d.code} {text[d.span.start : d.span.end]}" for d in check(parse(text)).errors if d.span]
    assert sorted(found) == sorted(wanted)


def test_the_declarations_are_checked_with_the_model() -> None:
    text = (
        "data {\n y: float\n y: real\n a: real in [2, 1]\n s: real per y\n}\naxis k = 0\nconst C = y\n"
        "fun f(v) = v + lost\nmodel {\n y ~ Normal(f(1), nowhere)\n}\n"
    )
    codes = [d.code for d in check(parse(text)).errors]
    assert codes == ["E201", "E202", "E205", "E209", "E212", "E203", "E101", "E101"]
