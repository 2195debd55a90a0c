"""E1 to E5 and W: what the checker and the compiler find in a model."""

from ppl.source.code import Code
from ppl.source.codes_nets import NETS
from ppl.source.codes_tables import IMPORTS, TABLES

NAMES = (
    Code("E101", "there is nothing called `{name}`", hint="{help}"),
    Code("E102", "there is no function or distribution `{name}`", hint="{help}"),
    Code("E103", "`{name}` is used before it is defined", "used here", "move line {later} above line {here}"),
    Code("E104", "`{name}` is {what}, not a value", hint="{help}"),
    Code("E105", "`{name}` is a distribution, not a value", hint="write `name ~ {name}(…)`, then use the name"),
    Code(
        "E107",
        "`{name}` depends on itself",
        hint="only a lag inside `for` may refer back: `x[t - 1]`",
    ),
    Code("E108", "`{name}` calls itself", hint="functions are written out where they are called: no recursion"),
)

DECLARATIONS = (
    Code(
        "E201",
        "unknown column type `{name}`",
        hint="types are real, int, bool, factor, ordinal, date, text, key, or the name of a table{help}",
    ),
    Code("E202", "`{name}` is declared twice", hint="every name is declared once"),
    Code(
        "E203",
        "`const {name}` needs a fixed value",
        "{why}",
        "a number, a text or a list",
    ),
    Code("E204", "the limits of `{name}` are not numbers", hint="numbers or `const` names"),
    Code("E205", "the limits of `{name}` allow no value: {low} is above {high}"),
    Code("E205.param", "the limits of `{name}` leave it no room: from {low} to {high}"),
    Code("E206", "`axis {name}` needs a size, a range or a list of labels", hint='`axis {name} = 3`, or `["a", "b"]`'),
    Code("E207", 'the axis `{name}` has the label "{text}" twice'),
    Code("E208", "there is no column `{name}` to sort by", hint="{help}"),
    Code("E209", "`per {name}`: `{name}` is not a factor column", hint="declare `{name}: factor` above"),
    Code("E210", "only `factor` and `ordinal` columns have levels", hint='`{name}: factor ["…"]`'),
    Code("E211", "there is no const `{name}` to set", hint="`const {name} = …` in the model makes it a const"),
    Code("E212", "an axis needs at least 1 element; `{name}` has {size}"),
)

AXES = (
    Code("E301", "no axis is called `{name}`", hint="axes in scope: {axes}{help}"),
    Code(
        "E302",
        "an axis is expected here, not {what}",
        "not an axis",
        "give the axis a name: `axis k = {size}`, then `{name}[k]`",
    ),
    Code(
        "E303",
        "`for` needs an axis to run over",
        hint="write `for t in row {{ … }}` or declare one: `axis time = 12`",
    ),
    Code("E304", "`{name}` has {count}, but {given} given", hint="{help}"),
    Code(
        "E305",
        "`{name}` is indexed by `{axis}`, but this index has the levels of `{other}`",
        "expected a `{axis}`",
        "`{name}` was declared as `{declared}`",
    ),
    Code("E305.kind", "`{name}` is indexed by `{axis}`, but this index is {kind}", "expected a `{axis}`", "{help}"),
    Code("E306", "a loop can look back, not ahead", hint="use `{var} - {lag}`"),
    Code(
        "E307",
        "an index must be a level or a whole number, not a real number",
        hint="a look-up by a real number has no gradient: use `if … then … else …`",
    ),
    Code(
        "E308",
        "`{name}` is ambiguous here: this statement runs over both `{row}` and `{name}`",
        hint="name the loop: `for g in {name} {{ … {value}[g] … }}`",
    ),
    Code(
        "E309",
        "at {var} = {first} this reads `{name}[{index}]`, which does not exist",
        hint="{help}",
    ),
    Code(
        "E310",
        "the right side varies by `{axis}`, but `{name}` does not",
        "one value for each {axis}",
        "either give `{name}` that axis (`{name}[{axis}]`), look one value up, or reduce it: `mean(…, over={axis})`",
    ),
    Code(
        "E310.every",
        "the right side has one value for every `{axis}`, but `{name}` has one for every `{own}`",
        "1 axis too many",
        "look up each {own}'s {axis}: write `[{index}]` after the name that has one value per {axis}",
    ),
    Code(
        "E311", "{dist} gives a vector: `{name}` needs an axis", hint="write `{name}[k] ~ {dist}(…)` with `axis k = …`"
    ),
    Code("E312", "the two sides of `@` share no axis", hint="left has ({left}), right has ({right})"),
    Code(
        "E313",
        "the two sides of `@` share two axes, `row` aside: `{first}` and `{second}`",
        hint="say which one to sum: `dot(a, b, over={second})`",
    ),
    Code(
        "E314",
        "the components do not vary by `{axis}`, the axis of the weights",
        "{source}",
        "`{part}[{axis}] ~ …`",
    ),
    Code(
        "E315",
        "{dist} needs a vector of {what}",
        hint="for example `{dist}(w)` with `w[k] ~ Dirichlet(1)`",
    ),
    Code("E316", "`{name}` is to run over `{axis}`, which this quantity does not have", hint="its axes: {axes}"),
    Code("E316.name", "`over=` needs the name of an axis", hint="`over={axis}`"),
    Code(
        "E317",
        "`{function}` of a quantity with axes ({axes}): over which?",
        hint="`{function}(…, over={axis})`",
    ),
    Code("E318", "`{function}` needs a quantity with an axis; this is one number"),
    Code("E319", "a list stands for the values along one axis: {size} are needed for `{axis}`, {given} are given"),
    Code(
        "E320",
        "a list needs an axis to lie along, and none fits here",
        hint="lists stand on the right of a name with an axis: `m[k] ~ Normal([0, 1], 1)`",
    ),
    Code(
        "E321",
        "`{name}` is declared real, but {dist} describes counts",
        hint="declare `{name}: int` in the data block, or use a continuous distribution",
    ),
    Code("E322", "`{name}` is {kind}, but {dist} describes true/false", hint="declare `{name}: bool`"),
    Code(
        "E323",
        "`{name}` has the levels of `{name}`, but this {dist} is over `{axis}`",
        "one probability per {axis}",
    ),
    Code("E324", "`{name}` is a {kind}, but {dist} describes {what}", hint="{help}"),
    Code(
        "E325",
        "the {param} of {dist} must be {words}, and `{expr}` can be {bad}",
        "{source}",
        "{help}",
    ),
    Code("E325.value", "the {param} of {dist} must be {words}, and this is {value}"),
    Code(
        "E326",
        "`{expr}` is a probability but can leave [0, 1]",
        hint="{help}",
    ),
    Code(
        "E330",
        "`{name}` is a factor; its levels are names, not numbers",
        "a factor in arithmetic",
        'give each level its own coefficient, `b[{name}]`, or compare: `({name} == "…")`',
    ),
    Code("E331", '`{name}` has no level "{text}"', hint="levels: {levels}{help}"),
    Code("E332", "{what} cannot be compared with {other}", hint="{help}"),
    Code("E333", "a {kind} is not a number", hint="{help}"),
    Code("E334", "a true/false value is needed here, not {what}", hint="{help}"),
    Code("E335", "the branches of this `if` are of two kinds: {first} and {second}"),
    Code("E340", "`{name}` takes {wanted}, got {given}"),
    Code("E341", "{dist} takes {wanted}, got {given}", hint="{help}"),
    Code("E344", "`{dist}` has no argument `{name}`", hint="{help}"),
    Code("E345", "`{name}=` is given twice", hint="remove one of the two"),
)

STATEMENTS = (
    Code("E401", "`{name}` is set to a distribution", "`=` gives a value; `~` draws one", "did you mean `{name} ~ …`?"),
    Code("E402", "`{name}` is a data column and cannot be assigned", hint="use another name"),
    Code("E403", "`{name}` is already defined", hint="every name is defined once"),
    Code("E404", "the right side of `~` must be a distribution", "this is a value", "did you mean `{name} = …`?"),
    Code("E405", "a distribution cannot be used in arithmetic", hint="give it a name first: `z ~ …`, then use z"),
    Code("E406", "there is no `model` block", hint="`model {{ … }}`"),
    Code("E406.two", "there are two `model` blocks", hint="one model per file"),
    Code("E407", "the branches disagree: {first} is {one}, {second} is {other}"),
    Code("E408", "`{name}` cannot be given other axes: it is a data column with axes ({axes})", hint="{help}"),
    Code(
        "E409",
        "the column `{name}` already has a distribution",
        hint="a product of densities is written `factor`; two data sources are two columns",
    ),
    Code(
        "E410",
        "nothing is observed: no data column is on the left of `~`",
        hint="write `{name} ~ …`",
    ),
    Code(
        "E411",
        "`observe` needs an expression of the data, and this depends on the {kind} `{name}`",
        hint="`{name} ~ …` draws an unknown; `factor` adds to the log density",
    ),
    Code(
        "E413",
        "`{name}` is drawn inside `for {var}`, but once only",
        hint="`{name}[{var}] ~ …` for one at each position, or move the line out of the loop",
    ),
    Code(
        "E414",
        "the branches of this `if` have different supports",
        "{first} and {second}",
        "an unknown needs one support: move the `if` into the arguments",
    ),
    Code("E416", "`{dist}` is improper and cannot be observed"),
    Code(
        "E430",
        "`{name}` and `{other}` are made from each other in loops of their own",
        hint="put both lines into one `for`: they are then computed together, position by position",
    ),
    Code(
        "E416.levels",
        "`{dist}` describes the levels of an ordinal column, and an unknown has none of its own",
        hint="`z[row] ~ Categorical(p[row, ..])` with an axis of levels, and `p` from `sigmoid(cuts - eta)`",
    ),
    Code(
        "E416.drawn",
        "`{dist}` cannot be drawn from",
        hint="a distribution with a finite total: `Normal(0, 10)`, `Uniform(lo, hi)`",
    ),
    Code("E417", "{outer} needs {what}, and {inner} is not one", hint="{help}"),
    Code(
        "E417.same",
        "the members of `Ordered` share one distribution, and this {inner} varies along `{axis}`",
        hint="give all of them the same arguments; where the priors tell them apart, leave out `Ordered`",
    ),
    Code("E420", "a parameter is a real number, and `{name}` is declared {kind}", hint="{help}"),
    Code("E420.real", "a parameter is a real number, and `{name}` {what}", hint="`param {name}: real`"),
    Code(
        "E421",
        "the start of `{name}` depends on the {kind} `{other}`",
        hint="a parameter starts at a number, or at a value of constants and data",
    ),
    Code("E422", "`{name}` would start at {value}, which does not lie inside its range `{range}`", hint="`= {help}`"),
    Code(
        "E423",
        "`param {name}` stands inside `for {var}`",
        hint="write `param {name}[axis]` above the loop: one for each position",
    ),
    Code(
        "E424",
        "a file has guides or an objective, not both",
        hint="a guide approximates the posterior; `minimize` and `maximize` take the draws of the model as they stand",
    ),
    Code("E425", "a file has one objective", hint="write their sum: `minimize a + b`"),
    Code(
        "E426",
        "{what} does not enter the objective",
        hint="the objective is what `minimize` or `maximize` says: write the term there",
    ),
    Code("E427", "`{word}` has nothing to learn: there is no `param`", hint="`param m = 0` above the model"),
)

GUIDES = (
    Code("E501", "the model has no unknown called `{name}`", hint="{help}"),
    Code("E502", "`{name}` is observed data; a guide only describes unknowns"),
    Code(
        "E503",
        "the guide's `{name}` can {leaves}, the model's cannot",
        hint="{help}, or leave `{name}` out: it then gets an automatic guide",
    ),
    Code("E504", "the guide's `{name}` is {guide}, the model's is {model}"),
    Code("E505", "the guide uses `{name}` before sampling it", hint="{help}"),
    Code(
        "E505.through",
        "the guide uses `{name}`, which the model computes from `{missing}`, before sampling `{missing}`",
        hint="{help}",
    ),
    Code(
        "E505.automatic",
        "the guide uses `{name}`, but leaves it to the automatic guide",
        hint="give `{name}` a distribution with parameters: `{name} ~ Normal(m, s)`",
    ),
    Code(
        "E505.blanks",
        "the guide uses `{name}`, but the blanks of the column `{missing}` have an automatic guide",
        hint="a guide reads columns that are complete",
    ),
    Code("E506", "the guide gives `{name}` {guide}, the model {model}", hint="{help}"),
    Code("E507", "two guides are called `{name}`", hint="`ppl fit --guide NAME` chooses by name: give each its own"),
    Code("E507.none", "two guides have no name", hint="`guide first {{ … }}`: with `--guide NAME` one is chosen"),
    Code("E508", "`{word}` belongs in the model", hint="a guide draws unknowns, computes values and has parameters"),
    Code("E509", "this guide draws `{name}` twice", hint="one `~` for each unknown"),
)

ESTIMATORS = (
    Code("E510", "`{name}` is discrete: it has no reparameterised gradient", hint="`@enumerate` (exact)"),
    Code("E511", "`{name}` is continuous and cannot be enumerated", hint="remove the annotation"),
    Code(
        "E511.marginal",
        "`{name}` cannot be integrated out: {reason}",
        hint="remove the annotation: `{name}` is then estimated along with the rest",
    ),
    Code("E512", "`{name}` is annotated both in the model and in the guide", hint="keep one of the two"),
    Code(
        "E513",
        "`@{annotation}` on `{name}` would give a wrong gradient: the density jumps {reason}",
        hint="remove the annotation: a sound estimator is chosen; `@unsafe_reparam` insists, and is reported",
    ),
    Code("E514", "there is no annotation `@{name}`", hint="{help}"),
    Code("E514.argument", "`@{name}` takes no {what}", hint="{help}"),
    Code("E514.value", "`{argument}` of `@{name}` must be {words}"),
    Code(
        "E515",
        "`MeanField()` stands alone on the right of `~` in a guide",
        hint="`guide {{ z ~ MeanField() }}` leaves z to the automatic guide",
    ),
    Code(
        "E515.annotated",
        "`MeanField()` leaves `{name}` to the automatic guide: an annotation belongs in the model",
        hint="move it to the `~` of `{name}` in the model",
    ),
    Code("E516", "this file has no guide called `{name}`", hint="{help}"),
    Code("E517", "`{annotation}` cannot estimate the gradient of `{name}`", hint="sound here: {others}"),
    Code(
        "E530",
        "no sound estimator for `{name}`: {reason}",
        "{label}",
        "{help}",
    ),
    Code(
        "E532",
        "the objective jumps in the parameter `{name}`: {reason}",
        "here",
        "make it continuous in `{name}`: no gradient can find the best value across a jump",
    ),
)

WARNINGS = (
    Code("W101", "`{name}` affects nothing observed", hint="{help}"),
    Code("W102", "column `{name}` is declared but never used", hint="remove the line"),
    Code("W103", "parameter `{name}` is declared but never used", hint="remove the line"),
    Code(
        "W120",
        "the prior of `{name}` is very wide: sd {sd}",
        hint="a prior on the scale of the data fits faster: for example `Normal(0, 10)`",
    ),
    Code(
        "W121",
        "`Gamma({a}, {b})` as a vague prior puts most of its mass next to zero",
        hint="`HalfNormal` or `Exponential` on the sd is safer",
    ),
    Code(
        "W130",
        "the components of `{name}` are exchangeable: their labels can switch",
        hint="`{name}[{axis}] ~ Ordered(…)`",
    ),
    Code(
        "W131",
        "only the sum of `{name}` and `{loose}` is identified: one can rise as the other falls",
        hint="a prior around zero for one of them: `{target} ~ Normal(0, …)`",
    ),
)

MODEL_CODES: tuple[Code, ...] = (
    *IMPORTS,
    *TABLES,
    *NETS,
    *NAMES,
    *DECLARATIONS,
    *AXES,
    *STATEMENTS,
    *GUIDES,
    *ESTIMATORS,
    *WARNINGS,
)
