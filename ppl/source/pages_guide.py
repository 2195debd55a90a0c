"""What `ppl explain CODE` says of the codes about parameters, objectives and guides."""

from ppl.source.page import Page

# The model of the examples: what they show stands below it.
GUIDED = """\
model {
  mu ~ Normal(0, 5)
  tau ~ HalfNormal(1)
  y ~ Normal(mu, tau)
}
"""

LEARNED = (
    Page(
        "E420",
        "A parameter is learned by following a gradient, so it is a real number. What is discrete is drawn,"
        " with probabilities that may be parameters.",
        GUIDED + "guide { param m: int = 0\n mu ~ Normal(m, 1) }",
        GUIDED + "guide { param m: real = 0\n mu ~ Normal(m, 1) }",
    ),
    Page(
        "E421",
        "The fit starts before anything is drawn or learned. A parameter can start at a number, or at"
        " something that the data give.",
        GUIDED + "guide { tau ~ LogNormal(0, 1)\n param m = tau\n mu ~ Normal(m, 1) }",
        GUIDED + "guide { param m = mean(y)\n mu ~ Normal(m, 1) }",
    ),
    Page(
        "E422",
        "A parameter with a range moves on the real line behind the scenes, where the ends of the range are"
        " infinitely far away: it must start strictly inside.",
        GUIDED + "guide { param s: real > 0 = 0\n mu ~ Normal(0, s) }",
        GUIDED + "guide { param s: real > 0 = 1\n mu ~ Normal(0, s) }",
    ),
    Page(
        "E423",
        "A loop has no order of execution: it defines one value for each position. A parameter with an axis"
        " says the same.",
        "axis time = 4\nmodel {\n  for t in time { param m = 0 }\n  y ~ Normal(0, 1)\n}",
        "axis time = 4\nmodel {\n  a[time] ~ Normal(0, 1)\n  y ~ Normal(sum(a), 1)\n}\n"
        "guide {\n  param m[time] = 0\n  a[time] ~ Normal(m, 1)\n}",
    ),
    Page(
        "E424",
        "A guide approximates the posterior of a model. An objective is something else: its expectation is"
        " taken over the draws of the model as it stands, and the parameters make it small or large.",
        "model { param m = 0\n z ~ Normal(0, 1) }\nguide { z ~ Normal(1, 1) }\nminimize (z - m)^2",
        "model { param m = 0\n z ~ Normal(0, 1) }\nminimize (z - m)^2",
    ),
    Page(
        "E425",
        "One number is made small or large. Several aims are weighed against each other in one expression.",
        "model { param m = 0\n z ~ Normal(0, 1) }\nminimize (z - m)^2\nminimize m^2",
        "model { param m = 0\n z ~ Normal(0, 1) }\nminimize (z - m)^2 + m^2",
    ),
    Page(
        "E426",
        "With `minimize` or `maximize` a file says itself what is optimised. A likelihood or a factor in the"
        " model would silently count for nothing, so it is refused: write it into the objective.",
        "model { param m = 0\n z ~ Normal(0, 1)\n factor -z^2 }\nminimize (z - m)^2",
        "model { param m = 0\n z ~ Normal(0, 1) }\nminimize (z - m)^2 + z^2",
    ),
    Page(
        "E427",
        "An objective is optimised over parameters, and this file has none.",
        "model { z ~ Normal(0, 1) }\nminimize z^2",
        "model { param m = 0\n z ~ Normal(0, 1) }\nminimize (z - m)^2",
    ),
)

GUIDES = (
    Page(
        "E501",
        "A guide says how to approximate the unknowns of the model, by their names. What it computes for"
        " itself has `=`.",
        GUIDED + "guide { m ~ Normal(0, 1) }",
        GUIDED + "guide { mu ~ Normal(0, 1) }",
    ),
    Page(
        "E502",
        "Data are known, so there is nothing to approximate. Missing cells get an automatic guide.",
        GUIDED + "guide { y ~ Normal(0, 1) }",
        GUIDED + "guide { mu ~ Normal(0, 1) }",
    ),
    Page(
        "E503",
        "A draw of the guide that the model rules out has the log density minus infinity, and the expectation"
        " with it. So the guide's distribution must stay where the model's values are: the ends are compared,"
        " as numbers or as formulas.",
        GUIDED + "guide { tau ~ Normal(0, 1) }",
        GUIDED + "guide { tau ~ LogNormal(0, 1) }",
    ),
    Page(
        "E504",
        "The guide draws the same kind of values as the model: real numbers, counts, true/false, or levels of"
        " the same axis.",
        GUIDED + "guide { mu ~ Poisson(1) }",
        GUIDED + "guide { mu ~ Normal(1, 1) }",
    ),
    Page(
        "E505",
        "A guide draws from top to bottom, and what it reads stands above. Derived values of the model can be"
        " read as soon as everything that they are made from has been drawn; inside `for`, lags of the draw"
        " itself too.",
        GUIDED + "guide { mu ~ Normal(tau, 1)\n tau ~ LogNormal(0, 1) }",
        GUIDED + "guide { tau ~ LogNormal(0, 1)\n mu ~ Normal(tau, 1) }",
    ),
    Page(
        "E506",
        "An unknown has the same axes in model and guide, in the same order.",
        GUIDED + "guide { mu[k] ~ Normal(0, 1) }",
        GUIDED + "guide { mu ~ Normal(0, 1) }",
    ),
    Page(
        "E507",
        "A file may have several guides, and `--guide NAME` chooses one.",
        GUIDED + "guide { mu ~ Normal(0, 1) }\nguide { mu ~ Normal(0, 2) }",
        GUIDED + "guide one { mu ~ Normal(0, 1) }\nguide two { mu ~ Normal(0, 2) }",
    ),
    Page(
        "E508",
        "What is observed, and what is added to the log density, is the model's to say.",
        GUIDED + "guide { mu ~ Normal(0, 1)\n factor -mu^2 }",
        GUIDED + "guide { mu ~ Normal(0, 1) }",
    ),
    Page(
        "E509",
        "An unknown has one distribution in a guide.",
        GUIDED + "guide { mu ~ Normal(0, 1)\n mu ~ Normal(0, 2) }",
        GUIDED + "guide { mu ~ Normal(0, 2) }",
    ),
)
