"""Complaints about families, flows and joint targets in guides; and about importance-weighted bounds."""

from ppl.source.code import Code

JUMP = "model {\n  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n  y ~ Normal(if a > 0 then b else 2, 1)\n}\n"

JOINT_CODES = (
    Code(
        "E550",
        "`{name}` is discrete, and a family over coordinates draws numbers",
        hint="leave `{name}` out: it gets an automatic guide; or give it a line of its own",
    ),
    Code(
        "E550.loop",
        "a joint target stands outside `for`",
        hint="it draws all positions of every unknown that it names at once",
    ),
    Code(
        "E550.annotated",
        "an estimator is chosen for each unknown, and this draws coordinates along a path",
        hint="remove the annotation",
    ),
    Code("E550.plain", "a joint target needs a family over coordinates, or a flow", hint="{help}"),
    Code("E551", "`{name}` takes {wanted}", hint="{help}"),
    Code("E551.value", "`{setting}` of `{name}` must be {words}"),
    Code(
        "E551.point",
        "`Delta(x)` puts one unknown at a value",
        hint="`Delta()` learns the place of each; or write one line for each unknown",
    ),
    Code("E552", "there is no flow called `{name}`", hint="{help}"),
    Code("E552.value", "`|>` maps the draws of a distribution, and this is a value", hint="write `exp(x)`"),
    Code("E552.image", "`{family} |> {name}` has no density in the tables", hint="{help}"),
    Code("E551.rising", "the scale of `affine(m, s)` must be above zero", hint="for example `exp(s)`"),
    Code("E552.step", "`|> {name}` is no map of the draws of a distribution", hint="{help}"),
    Code(
        "E553",
        "{what} belongs in a guide",
        hint="in the model, write one `~` for each unknown; a guide draws them together",
    ),
    Code(
        "E554",
        "`{name}` cannot be drawn along with others by their coordinates: {reason}",
        "this decides",
        "leave `{name}` out of this line: it then gets an estimator of its own",
        about="What is drawn by coordinates is drawn along one path, and its gradient is right only where no density"
        " jumps in any of it. An unknown that is left out gets an estimator that is right: strata, a boundary term, a"
        " score.",
        wrong=JUMP + "guide { (a, b) ~ FullRank() }",
        right=JUMP + "guide { b ~ FullRank() }",
    ),
    Code(
        "E555",
        "a flow starts from numbers on the whole real line, drawn along a path",
        hint="{help}",
    ),
    Code(
        "E555.random",
        "the base of a flow reads parameters and data, not unknowns",
        hint="draw all of them by one flow: `(v, x) ~ Normal(0, 1) |> coupling(layers=6)`",
    ),
    Code(
        "E556",
        "an importance-weighted bound needs draws along paths, and `{name}` is estimated by `{estimator}`",
        "{label}",
        "`--objective elbo`; or leave `{name}` out of the guide where it can be summed out",
        about="A bound of several draws weighs each draw by p / q. Levels that are listed, and draws that need a score,"
        " have no such weight with a gradient along a path.",
        wrong="ppl fit model.ppl --objective iwae:5      # with b ~ Bernoulli(0.5) in the guide",
        right="ppl fit model.ppl --objective iwae:5      # b summed out of the model",
    ),
    Code(
        "E556.own",
        "`--objective` chooses a bound on the evidence, and this file says itself what is optimised",
        hint="leave the option out",
    ),
    Code(
        "E556.batch",
        "a density reads several positions of `{lead}`, and minibatches weigh the draws of each position apart",
        hint="leave out one of `--objective` and `--batch`",
    ),
    Code(
        "E556.shared",
        "minibatches weigh the draws of each position of `{lead}` apart, and all of them share `{name}`",
        "one draw for all positions",
        "make `{name}` a `param`, which is learned and not drawn; or leave out one of `--objective` and `--batch`",
    ),
    Code(
        "E559",
        "`@smooth` lies between the arguments of one family, and these branches are {first} and {second}",
        hint="write the `if` inside an argument, or remove the annotation: an unbiased estimator is chosen",
    ),
    Code("E559.discrete", "`{name}` is discrete: there is nothing to smooth", hint="remove the annotation"),
    Code(
        "E557",
        "there is no objective `{text}`",
        hint="{help}",
        about="The bounds by which a guide can be fitted.",
        wrong="ppl fit model.ppl --objective iwae",
        right="ppl fit model.ppl --objective iwae:5",
    ),
    Code(
        "E558",
        "`{text}` is no family of guides",
        hint="{help}",
        about="Families of guides that need not be written in the file.",
        wrong="ppl fit model.ppl --guide low_rank:many",
        right="ppl fit model.ppl --guide low_rank:5",
    ),
)
