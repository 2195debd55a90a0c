"""E8: predictions and simulations."""

from ppl.source.code import Code

SCHOOLS = "model {\n  mu ~ Normal(0, 5)\n  y ~ Normal(mu, 1)\n}\n"

PREDICT_CODES: tuple[Code, ...] = (
    Code(
        "E801",
        "`{name}` cannot be simulated: its distribution is improper",
        "nothing can be drawn from this",
        "give it a proper prior, or a value: `--set {name}=1`",
        about="`Flat()` spreads its mass evenly over a line without ends, so there is no drawing from it. A fit can use"
        " it as a prior, because the data make the posterior proper; a simulation from the prior cannot.",
        wrong="ppl simulate m.ppl          # model { m ~ Flat() … }",
        right="ppl simulate m.ppl --set m=2",
    ),
    Code(
        "E802",
        "`{name}` cannot be extended to new levels of `{axis}`: {dist} describes all of them at once",
        "one vector over `{axis}`",
        "`--new-levels error` names the rows; leave them out, or fit again with them",
        about="A new level of a factor is drawn from its conditional prior. That is possible where each level has a"
        " distribution of its own, or the levels are jointly Normal. Proportions over all levels say nothing about one"
        " level more.",
        wrong="w[topic] ~ Dirichlet(1)       # and the new rows have a topic that the fit has not seen",
        right="w[topic] ~ Normal(0, s)",
    ),
    Code(
        "E803",
        "`{names}` cannot be simulated: each depends on the others at the same position",
        "which comes first?",
        "give one of them in the data",
        about="What is simulated is drawn in an order in which everything is known when it is read. A prior that looks"
        " at the outcome has no such order: the outcome would have to be there first.",
        wrong="mu ~ Normal(mean(y), 1)\ny ~ Normal(mu, 1)          # ppl simulate without data",
        right="mu ~ Normal(0, 10)\ny ~ Normal(mu, 1)",
    ),
    Code(
        "E804",
        "`{name}` is a column of the data: a predict block draws new names",
        "already observed",
        "`{name}_new ~ …`; replicated data of every observed column come without asking: `ppl predict`",
        about="`~` in a predict block simulates, once for each posterior draw. What is observed is described in the"
        " model block.",
        wrong=SCHOOLS + "predict { y ~ Normal(mu, 1) }",
        right=SCHOOLS + "predict { y_new ~ Normal(mu, 1) }",
    ),
    Code(
        "E805",
        "a predict block defines and simulates; `{word}` belongs {where}",
        "not here",
        "move the line there",
        about="The predict block is computed after the fit, for each posterior draw, and changes nothing about it:"
        " `name = …` defines, `name ~ …` simulates.",
        wrong=SCHOOLS + "predict { factor -mu^2 }",
        right=SCHOOLS + "predict { best = mu + 1 }",
    ),
    Code(
        "E806",
        "a file has one predict block",
        "a second one",
        "put these lines into the first one",
        about="All that is predicted stands in one block, in the order in which it is computed.",
        wrong=SCHOOLS + "predict { a = mu + 1 }\npredict { b = mu + 2 }",
        right=SCHOOLS + "predict {\n  a = mu + 1\n  b = mu + 2\n}",
    ),
    Code(
        "E807",
        "{column} has levels that the fit has not seen: {levels} ({rows})",
        hint="leave those rows out, or let `--new-levels sample` draw the new levels from their prior",
        about="With `--new-levels error` predictions are made only for levels that the training data had. Without it a"
        " new level is drawn from its conditional prior: the rows are named, and their predictions are wider.",
        wrong="ppl predict fit.npz new.csv --new-levels error",
        right="ppl predict fit.npz new.csv",
    ),
    Code(
        "E808",
        "the fit file {path} has not what predictions need: it was written by an earlier version of ppl",
        hint="fit again: `ppl fit MODEL DATA -o {path}`",
        about="Predictions need the posterior draws of every unknown, the levels of all factors, and what the model"
        " computes from all of the training data. Fits of this version carry them.",
        wrong="ppl predict old.fit.npz new.csv",
        right="ppl fit m.ppl d.csv -o new.fit.npz\nppl predict new.fit.npz new.csv",
    ),
    Code(
        "E809",
        "no predictions for new rows from this fit: {why}",
        hint="{help}",
        about="The unknowns of a new row are drawn from their prior given the draws of everything that the rows share,"
        " and a series goes on from its last rows. Where the fit has kept too little for that, nothing is predicted.",
        wrong="ppl predict m.fit.npz new.csv          # `h` was too large for its draws to be kept",
        right="ppl fit m.ppl d.csv --draws 1000       # fewer draws are kept of everything",
    ),
    Code(
        "E810",
        "{source} has {found} for the axis `{axis}`; the fit has {known}",
        hint="a new file has the same columns, with the same names",
        about='`x[gene] from "g*"` makes an axis of the columns that match. The unknowns that go with them were fitted'
        " for the columns of the training data.",
        wrong="ppl predict m.fit.npz new.csv          # fitted with g1, g2, g3; new.csv has g1 and g2",
        right="ppl predict m.fit.npz new.csv          # new.csv has g1, g2 and g3",
    ),
    Code(
        "E811",
        "nothing can be predicted for new rows: {why}",
        hint="{help}",
        about="`ppl predict` gives the outcome columns of new rows, and the quantities of the predict block.",
        wrong="ppl predict m.fit.npz new.csv          # the model observes nothing",
        right="ppl predict m.fit.npz",
    ),
    Code(
        "E812",
        "`--set {name}`: {why}",
        hint="{help}",
        about="`ppl simulate` draws every unknown from its prior; `--set NAME=VALUE` fixes one, at all of its positions"
        ' or at one: `--set "theta[A]=2"`.',
        wrong="ppl simulate m.ppl --set tua=2",
        right="ppl simulate m.ppl --set tau=2",
    ),
    Code(
        "E813",
        "the data for `{name}` cannot be made up: {why}",
        hint="name a file that has it: `ppl simulate MODEL DATA`",
        about="Without a file `ppl simulate` makes up columns that the model only reads: numbers from a standard Normal"
        " or inside their limits, levels evenly. Where a column must fit others, a file has to give it.",
        wrong="ppl simulate m.ppl",
        right="ppl simulate m.ppl d.csv",
    ),
    Code(
        "W153",
        "{column} has levels that the fit has not seen: {levels} ({rows})",
        hint="they are drawn from their conditional prior; `--new-levels error` refuses them",
        about="Nothing is known of a new level except what its prior says, given what was learned of the others. Its"
        " predictions are as wide as that; the output flags the rows.",
        wrong='ppl predict fit.npz new.csv                       # county "Cook" is new',
        right="ppl predict fit.npz new.csv --new-levels error",
    ),
    Code(
        "W151",
        "the prior expects absurd data: {what}",
        hint="tighten the priors behind it, or rescale the columns",
        about="What the model would say before it has seen any outcome should be possible, roughly. Counts in the"
        " millions, or probabilities that are all 0 or 1, mean priors that are too wide on the scale they act on.",
        wrong="b ~ Normal(0, 100)\nn ~ Poisson(log=b * x)",
        right="b ~ Normal(0, 1)\nn ~ Poisson(log=b * x)",
    ),
    Code(
        "W152",
        "`{name}` is not simulated: {why}",
        hint="{help}",
        about="A `factor` adds to a log density without being a distribution, so there is nothing to draw; `observe` of"
        " an expression says how the expression is distributed, not the columns that it is made from.",
        wrong="factor -(mu - 3)^2",
        right="mu ~ Normal(3, 0.7)",
    ),
)
