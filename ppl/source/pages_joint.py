"""What `ppl explain CODE` says of families, flows and maps."""

from ppl.source.page import Page

MODEL = "model {\n  a ~ Normal(0, 1)\n  b ~ HalfNormal(1)\n  y ~ Normal(a, b)\n}\n"

JOINT = (
    Page(
        "E550",
        "A family over coordinates (`FullRank()`, `coupling(…)`, …) draws numbers for the unconstrained coordinates of"
        " continuous unknowns. Discrete unknowns have none.",
        "model {\n  a ~ Poisson(3)\n  b ~ HalfNormal(1)\n  y ~ Normal(a, b)\n}\nguide { (a, b) ~ FullRank() }",
        MODEL + "guide { (a, b) ~ FullRank() }",
    ),
    Page(
        "E551",
        "Families, flows and maps have settings of their own, by position or by name.",
        MODEL + "guide { (a, b) ~ LowRank() }",
        MODEL + "guide { (a, b) ~ LowRank(2) }",
    ),
    Page(
        "E552",
        "`D |> f` maps the draws of a distribution: by `exp`, `log` or `affine(m, s)` one by one, in a guide by flows"
        " all together. A flow from a base of numbers ends with a location and a scale of its own.",
        MODEL + "guide { (a, b) ~ Normal(0, 1) |> planar |> affine(0, 2) }",
        MODEL + "guide { (a, b) ~ Normal(0, 1) |> planar }",
    ),
    Page(
        "E553",
        "A model says how each unknown comes about; that they are approximated together is the guide's to say.",
        "model {\n  (a, b) ~ FullRank()\n  y ~ Normal(a, exp(b))\n}",
        MODEL + "guide { (a, b) ~ FullRank() }",
    ),
    Page(
        "E555",
        "Flows act on unconstrained coordinates, which reach over the whole real line; the map onto the support of an"
        " unknown comes after them.",
        MODEL + "guide { (a, b) ~ Gamma(2, 1) |> coupling }",
        MODEL + "guide { (a, b) ~ Normal(0, 1) |> coupling }",
    ),
    Page(
        "E559",
        "`@smooth` puts a weighted mean where a comparison chooses. Between the arguments of one family there is one.",
        "model {\n  @smooth\n  a ~ Normal(0, 1)\n  y ~ if a > 0 then Normal(1, 1) else Cauchy(0, 1)\n}",
        "model {\n  @smooth\n  a ~ Normal(0, 1)\n  y ~ Normal(if a > 0 then 1 else 0, 1)\n}",
    ),
)
