"""E7: what running finds."""

from ppl.source.code import Code

RUN_CODES: tuple[Code, ...] = (
    Code(
        "E701",
        "the log density is -inf at the start, because of `{term}`",
        hint="see that the model allows every value in the data: its supports, its limits, its units",
    ),
    Code(
        "E702",
        "the gradient of `{name}` is not a number where the density is finite (after {evaluations} evaluations)",
        hint="keep the arguments of log, sqrt and `/` away from the ends of their domains",
    ),
    Code(
        "E531",
        "summing out `{names}` takes a table of {cells} numbers for every draw",
        hint="fewer levels, or groups of rows that do not meet in one density",
    ),
    Code(
        "E703",
        "a look-up leaves its axis: {what}",
        hint="positions count from 1",
    ),
    Code(
        "E704",
        "the fit file {path} cannot be read: {why}",
        hint="`ppl fit MODEL DATA -o FIT` writes one",
        about="A fit file holds the posterior draws, what they mean, and the text of the model. It is an .npz archive;"
        " one that was cut short, or that something else wrote, is refused.",
        wrong="ppl summary schools.csv",
        right="ppl fit schools.ppl schools.csv -o schools.fit.npz\nppl summary schools.fit.npz",
    ),
    Code(
        "E705",
        "the model file {path} cannot be read: {why}",
        hint="{help}",
        about="The first argument is the path of a model file, or `-` for a model on standard input. Model files are"
        " text in UTF-8.",
        wrong="ppl fit shools.ppl schools.csv",
        right="ppl fit schools.ppl schools.csv",
    ),
    Code(
        "E706",
        "there is not enough memory for this fit",
        hint="fewer draws need less: `--draws 1000`",
        about="Draws of every unknown and derived value are kept in memory until they are saved.",
        wrong="ppl fit big.ppl big.csv --draws 1000000",
        right="ppl fit big.ppl big.csv --draws 1000",
    ),
    Code(
        "E706.weights",
        "`{name}` would be {count} weights, more than there is memory for",
        hint="fewer units in its layer, or in the layer before",
    ),
    Code(
        "E707",
        "{path} cannot be written: {why}",
        hint="choose another file with `-o FILE`",
        about="The folder must exist, and you must be allowed to write there.",
        wrong="ppl fit m.ppl d.csv -o missing/folder/m.fit.npz",
        right="ppl fit m.ppl d.csv -o m.fit.npz",
    ),
    Code(
        "E517.name",
        "an estimator is asked for `{name}`, which is no unknown of the model",
        hint="{help}",
    ),
    Code(
        "E520",
        "these {what} cannot be minibatched: {why}",
        hint="{hint}",
        about="A minibatch stands for all rows, so every density of a row may depend on that row and on what all rows"
        " share, not on other rows. What the data alone say of all rows, as in `mean(x)`, is computed once and may be"
        " used. `--batch-by FACTOR` samples whole groups of rows instead: then what belongs to a group may couple its"
        " rows.",
        wrong="data { x: real }\nmodel {\n  mu ~ Normal(0, 1)\n  for t in row {\n"
        "    z[t] ~ if t == 1 then Normal(mu, 1) else Normal(z[t - 1], 1)\n  }\n  x ~ Normal(z, 1)\n}",
        right="data { x: real }\nmodel {\n  mu ~ Normal(0, 1)\n  z[row] ~ Normal(mu, 1)\n  x ~ Normal(z, 1)\n}",
    ),
    Code(
        "E521",
        "`--batch-by {name}` names no factor column of this model",
        hint="its factors: {factors}",
        about="`--batch-by` samples whole groups of rows: those of some levels of a factor column.",
        wrong="ppl fit m.ppl d.csv --batch 20 --batch-by age",
        right="ppl fit m.ppl d.csv --batch 20 --batch-by school",
    ),
    Code(
        "E521.rows",
        "this model has no rows of data to take minibatches of",
        hint="drop --batch",
    ),
    Code(
        "E522",
        "a minibatch of {size} is more than there is: `{axis}` has {count}",
        hint="drop --batch, or ask for fewer than {count}",
        about="A minibatch is a part of the rows, or of the groups that `--batch-by` names.",
        wrong="ppl fit m.ppl ten_rows.csv --batch 256",
        right="ppl fit m.ppl ten_rows.csv",
    ),
    Code(
        "W140",
        "the gradient of `{name}` is estimated with bias: {reason}",
        "this was asked for",
        "remove the annotation: an unbiased estimator is chosen",
        about="An estimator that is not unbiased is used only where the author insists. The fit may settle at a place"
        " that is not an optimum, and nothing in its numbers shows it; so every output says so. `ppl check-grad`"
        " measures how large the bias is.",
        wrong="model {\n  z ~ Normal(0, 1)\n  y ~ Normal(if z > 0 then 1 else -1, 1)\n}\nguide {\n  param m = 0\n"
        "  @unsafe_reparam\n  z ~ Normal(m, 1)\n}",
        right="model {\n  z ~ Normal(0, 1)\n  y ~ Normal(if z > 0 then 1 else -1, 1)\n}\nguide {\n  param m = 0\n"
        "  z ~ Normal(m, 1)\n}",
    ),
    Code(
        "W141",
        "the gradient of `{name}` comes from scores of {count} numbers: expect slow convergence",
        "drawn here",
        "`ppl explain MODEL DATA` measures the other estimators; more draws or more time may be needed",
        about="A score function weighs the value of the objective with the slope of the density that was drawn from. It"
        " is unbiased whatever the objective does, and its noise grows with the number of the draws. Where a model"
        " can be written so that its densities are continuous, paths are better by orders of magnitude.",
        wrong="u[row] ~ Normal(0, 1)     # 5 000 rows\ny ~ Normal(if u + sin(3 * u) < x then 0 else b, 1)",
        right="u[row] ~ Normal(0, 1)\ny ~ Normal(b * max(u + sin(3 * u) - x, 0), 1)",
    ),
    Code(
        "W150",
        "the gradient of `{name}` cannot follow its path: {reason}",
        "this branch",
        "branches that meet here would give the path back, as in `slope * max(x - cut, 0)`",
        about="Where a density jumps in a continuous unknown, the slope of the density says nothing of the jump, and"
        " the gradient along the path is wrong. Here it is estimated from the values on both sides instead: unbiased,"
        " and noisier. If the jump is meant, nothing has to be done. `ppl explain` shows what was chosen.",
        wrong="cut ~ Normal(0, 1)\nbase ~ Normal(0, 1)\ny ~ Normal(if sin(cut * x) < cut then 0 else base, 1)",
        right="cut ~ Normal(0, 1)\nbase ~ Normal(0, 1)\ny ~ Normal(base * max(cut - sin(cut * x), 0), 1)",
    ),
)
