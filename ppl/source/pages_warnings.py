"""Longer texts of the warnings that the model alone gives rise to."""

from ppl.source.page import Page
from ppl.source.pages_guide import GUIDED

WARNINGS = (
    Page(
        "W101",
        "Nothing observed depends on this unknown, so the data cannot say anything about it. Mostly it is a slip of the"
        " pen: unknowns are not declared, so a misspelt column on the left of `~` is a new unknown.",
        "mu ~ Normal(0, 1)\nyy ~ Normal(mu, 1)\ny ~ Normal(0, 1)",
        "mu ~ Normal(0, 1)\ny ~ Normal(mu, 1)",
    ),
    Page(
        "W102",
        "A declared column is read and checked, even where no statement needs it.",
        "data {\n  y: real\n  z: real\n}",
        "data { y: real }",
    ),
    Page(
        "W103",
        "A parameter that nothing reads stays where it starts.",
        GUIDED + "guide { param m = 0\n mu ~ Normal(0, 1) }",
        GUIDED + "guide { param m = 0\n mu ~ Normal(m, 1) }",
    ),
    Page(
        "W120",
        "A prior that is much wider than anything plausible is not neutral: it says that the value is probably huge. It"
        " also slows the fit down and makes comparisons of models meaningless.",
        "mu ~ Normal(0, 100000)\ny ~ Normal(mu, 1)",
        "mu ~ Normal(0, 10)\ny ~ Normal(mu, 1)",
    ),
    Page(
        "W121",
        "Gamma(0.001, 0.001) has nearly all of its mass next to zero, and its posterior depends on the 0.001 (Gelman,"
        " Bayesian Analysis 1, 2006). A half-normal on the standard deviation is clearer and safer.",
        "tau ~ Gamma(0.001, 0.001)\ny ~ Normal(0, tau)",
        "tau ~ HalfNormal(5)\ny ~ Normal(0, tau)",
    ),
    Page(
        "W130",
        "If all components have the same prior, any permutation of them fits the data as well: the posterior"
        " has as many"
        " copies as there are permutations. An order among one of their parameters picks one copy.",
        "w[k] ~ Dirichlet(1)\nm[k] ~ Normal(0, 10)\ny ~ Mixture(w, Normal(m, 1))",
        "w[k] ~ Dirichlet(1)\nm[k] ~ Ordered(Normal(0, 10))\ny ~ Mixture(w, Normal(m, 1))",
    ),
    Page(
        "W131",
        "Nothing that the model says of the data changes when a constant moves from one of the two to the other, and"
        " neither of their priors holds it. The sum is estimated well, its parts are not, and the fit takes longer. A"
        " prior around zero for the effects leaves their mean to the intercept.",
        "b0 ~ Normal(0, 10)\nmu ~ Normal(0, 10)\na[county] ~ Normal(mu, 1)\ny ~ Normal(b0 + a[county], 1)",
        "b0 ~ Normal(0, 10)\na[county] ~ Normal(0, 1)\ny ~ Normal(b0 + a[county], 1)",
    ),
)
