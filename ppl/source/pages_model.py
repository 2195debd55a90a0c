"""What `ppl explain CODE` says of the codes that the checker and the planner give: half a page each.

The examples are statements of a `model` block, or whole blocks; tests see that each wrong one gives its code, and that
each right one gives none. They may use the columns of `EXAMPLE_DATA`.
"""

from ppl.source.page import Page
from ppl.source.pages_guide import GUIDED, GUIDES, LEARNED
from ppl.source.pages_joint import JOINT
from ppl.source.pages_matrices import MATRICES, STARTS
from ppl.source.pages_nets import NETS
from ppl.source.pages_warnings import WARNINGS

EXAMPLE_DATA = """\
data {
  y:       real
  x:       real
  n:       int >= 0
  won:     bool
  county:  factor
  arm:     factor ["control", "drug"]
  g[gene]: real from "g*"
}
axis k = 3
"""

NAMES = (
    Page(
        "E101",
        "Every name is a column, a const, an axis, or is defined above with `~` or `=`. Upper and lower case differ.",
        "y ~ Normal(theta, 1)",
        "theta ~ Normal(0, 1)\ny ~ Normal(theta, 1)",
    ),
    Page(
        "E102",
        "Distributions begin with a capital letter, functions with a small one. Names from Stan, BUGS, R and Python are"
        " recognised, and the name that is used here is suggested.",
        "y ~ gaussian(0, 1)",
        "y ~ Normal(0, 1)",
    ),
    Page(
        "E103",
        "A model is read from top to bottom: what a statement uses stands above it. That also rules out circles.",
        "y ~ Normal(mu, 1)\nmu ~ Normal(0, 1)",
        "mu ~ Normal(0, 1)\ny ~ Normal(mu, 1)",
    ),
    Page(
        "E104",
        "Functions and axes have names too, but they are not values: a function is called, an axis indexes.",
        "y ~ Normal(exp, 1)",
        "y ~ Normal(exp(x), 1)",
    ),
    Page(
        "E105",
        "A distribution stands on the right of `~`. To compute with a random value, draw it first.",
        "y ~ Normal(Normal, 1)",
        "mu ~ Normal(0, 1)\ny ~ Normal(mu, 1)",
    ),
    Page(
        "E107",
        "A value cannot be defined by itself. A sequence may refer to its own past, inside `for`.",
        "a = a + 1\ny ~ Normal(a, 1)",
        "a = x + 1\ny ~ Normal(a, 1)",
    ),
)

DECLARATIONS = (
    Page(
        "E201",
        "The types of columns are real, int, bool, factor, ordinal, date and text.",
        "data { y: double }",
        "data { y: real }",
    ),
    Page(
        "E202", "Every name stands for one thing.", "data {\n  y: real\n  y: int\n}", "data {\n  y: real\n  n: int\n}"
    ),
    Page(
        "E205",
        "The first limit of an interval is its lower end.",
        "data { y: real in [1, 0] }",
        "data { y: real in [0, 1] }",
    ),
    Page(
        "E207",
        "Each label of an axis names one position of it.",
        'axis drug = ["a", "b", "a"]',
        'axis drug = ["a", "b", "c"]',
    ),
    Page(
        "E208",
        "`data sorted by` names a declared column; the rows are put in its order, so that `t - 1` means the row"
        " before.",
        "data sorted by day { y: real }",
        "data sorted by day {\n  day: int\n  y: real\n}",
    ),
    Page(
        "E209",
        "`per state` says that a column is constant within each level of the factor `state`: it then has one value for"
        " each state, not for each row.",
        "data {\n  y: real\n  tax: real per state\n}",
        "data {\n  y: real\n  state: factor\n  tax: real per state\n}",
    ),
    Page(
        "E210",
        "A list behind the type names the levels of a factor and fixes their order. Numbers have limits instead.",
        'data { y: real ["a", "b"] }',
        'data {\n  y: real\n  arm: factor ["a", "b"]\n}',
    ),
    Page("E212", "An axis has one position at least.", "axis none = 0", "axis one = 1"),
)

AXES = (
    Page(
        "E301",
        "An axis is a factor column (its levels), `row` (the rows of the data), or declared with `axis`.",
        "a[conty] ~ Normal(0, 1)\ny ~ Normal(a[county], 1)",
        "a[county] ~ Normal(0, 1)\ny ~ Normal(a[county], 1)",
    ),
    Page(
        "E302",
        "There are no dimensions without a name: a size is given to an axis, and the axis is used.",
        "b[3] ~ Normal(0, 1)\ny ~ Normal(sum(b), 1)",
        "b[k] ~ Normal(0, 1)\ny ~ Normal(sum(b), 1)",
    ),
    Page(
        "E305",
        "What stands in brackets must be a level of the axis: a name with one value per county is looked up by"
        " a county."
        " Levels are never taken as positions.",
        "a[county] ~ Normal(0, 1)\ny ~ Normal(a[arm], 1)",
        "a[county] ~ Normal(0, 1)\ny ~ Normal(a[county], 1)",
    ),
    Page(
        "E306",
        "A sequence is generated from its first element on, so that each element may depend on those before it.",
        "for t in row {\n  z[t] ~ Normal(if t == 1 then 0 else x[t + 1], 1)\n}\ny ~ Normal(z, 1)",
        "for t in row {\n  z[t] ~ Normal(if t == 1 then 0 else x[t - 1], 1)\n}\ny ~ Normal(z, 1)",
    ),
    Page(
        "E309",
        "At the first position there is nothing to look back at: say what holds there.",
        "for t in row {\n  z[t] ~ Normal(z[t - 1], 1)\n}\ny ~ Normal(z, 1)",
        "for t in row {\n  z[t] ~ if t == 1 then Normal(0, 10) else Normal(z[t - 1], 1)\n}\ny ~ Normal(z, 1)",
    ),
    Page(
        "E310",
        "The only rule for axes: the right side may not vary over an axis that the left side lacks, because one value"
        " cannot be several. Nothing is added up, averaged or repeated unless it is written. The column `y` has"
        " one value"
        " per row; `a` has one per county; `a[county]` looks up the county of each row.",
        "a[county] ~ Normal(0, 1)\ny ~ Normal(a, 1)",
        "a[county] ~ Normal(0, 1)\ny ~ Normal(a[county], 1)",
    ),
    Page(
        "E311",
        "A Dirichlet, a multivariate normal and their like give a vector: the name says along which axis it lies.",
        "w ~ Dirichlet(1)\ny ~ Normal(0, 1)",
        "w[k] ~ Dirichlet(1)\nm[k] ~ Ordered(Normal(0, 10))\ny ~ Mixture(w, Normal(m, 1))",
    ),
    Page(
        "E312",
        "`a @ b` multiplies and sums over the axis that both sides have, `row` aside.",
        "b[k] ~ Normal(0, 1)\ny ~ Normal(g @ b, 1)",
        "b[gene] ~ Normal(0, 1)\ny ~ Normal(g @ b, 1)",
    ),
    Page(
        "E314",
        "A mixture has one component for each of its weights: the components vary by the axis of the weights.",
        "w[k] ~ Dirichlet(1)\nm ~ Normal(0, 10)\ny ~ Mixture(w, Normal(m, 1))",
        "w[k] ~ Dirichlet(1)\nm[k] ~ Ordered(Normal(0, 10))\ny ~ Mixture(w, Normal(m, 1))",
    ),
    Page(
        "E316",
        "`over=` names one of the axes that the quantity has.",
        "b[gene] ~ Normal(0, 1)\ny ~ Normal(sum(b, over=county), 1)",
        "b[gene] ~ Normal(0, 1)\ny ~ Normal(sum(b, over=gene), 1)",
    ),
    Page(
        "E317",
        "With several axes, a sum must say which one it runs over; with one axis that is clear.",
        "b[gene] ~ Normal(0, 1)\ny ~ Normal(sum(g * b), 1)",
        "b[gene] ~ Normal(0, 1)\ny ~ Normal(sum(g * b, over=gene), 1)",
    ),
    Page(
        "E318",
        "Sums, means and their like run over an axis, and a single number has none.",
        "b ~ Normal(0, 1)\ny ~ Normal(sum(b), 1)",
        "b[k] ~ Normal(0, 1)\ny ~ Normal(sum(b), 1)",
    ),
    Page(
        "E319",
        "A list gives one value for each position of an axis.",
        "m[k] ~ Normal([0, 1], 1)\ny ~ Normal(sum(m), 1)",
        "m[k] ~ Normal([0, 1, 2], 1)\ny ~ Normal(sum(m), 1)",
    ),
    Page(
        "E321",
        "Counts are whole numbers: the column has to be declared so, and each of its cells is then checked.",
        "y ~ Poisson(3)",
        "n ~ Poisson(3)",
    ),
    Page("E322", "A Bernoulli is about true and false.", "n ~ Bernoulli(0.5)", "won ~ Bernoulli(0.5)"),
    Page(
        "E325",
        "Scales are positive, probabilities lie between 0 and 1, and so on. What a parameter can be is worked out from"
        " the declarations and the priors, before anything runs; what cannot be shown to be safe is refused. Transform"
        " it (`exp`, `sigmoid`), or choose a prior or a limit of the column that rules the bad values out.",
        "s ~ Normal(0, 1)\ny ~ Normal(0, s)",
        "s ~ HalfNormal(1)\ny ~ Normal(0, s)",
    ),
    Page(
        "E326",
        "A linear predictor can be any number; a probability cannot. The logit form takes it as it is.",
        "b ~ Normal(0, 1)\nwon ~ Bernoulli(b * x)",
        "b ~ Normal(0, 1)\nwon ~ Bernoulli(logit=b * x)",
    ),
    Page(
        "E330",
        "The levels of a factor have no size. They index, or they are compared.",
        "b ~ Normal(0, 1)\ny ~ Normal(b * arm, 1)",
        "b[arm] ~ Normal(0, 1)\ny ~ Normal(b[arm], 1)",
    ),
    Page(
        "E331",
        "Where the model lists the levels of a factor, each text that it is compared with must be one of them.",
        'b ~ Normal(0, 1)\ny ~ Normal(b * (arm == "drugs"), 1)',
        'b ~ Normal(0, 1)\ny ~ Normal(b * (arm == "drug"), 1)',
    ),
    Page(
        "E334",
        "There is no rule by which a number is true or false: compare it with something.",
        "m = if x then 1 else 0\ny ~ Normal(m, 1)",
        "m = if x > 0 then 1 else 0\ny ~ Normal(m, 1)",
    ),
    Page(
        "E340", "Each function takes a fixed number of arguments.", "y ~ Normal(exp(x, 2), 1)", "y ~ Normal(exp(x), 1)"
    ),
    Page("E341", "Each distribution has its own parameters.", "y ~ Normal(0)", "y ~ Normal(0, 1)"),
    Page(
        "E344",
        "Parameters may be given by name. Some distributions have several sets: `Bernoulli(p)` or `Bernoulli(logit=)`.",
        "y ~ Normal(0, variance=4)",
        "y ~ Normal(0, sd=2)",
    ),
    Page("E345", "Each parameter is given once.", "y ~ Normal(mean=0, mean=1, sd=1)", "y ~ Normal(mean=0, sd=1)"),
)

STATEMENTS = (
    Page(
        "E401",
        "`=` gives a name to a value, `~` draws a value from a distribution.",
        "mu = Normal(0, 1)\ny ~ Normal(mu, 1)",
        "mu ~ Normal(0, 1)\ny ~ Normal(mu, 1)",
    ),
    Page("E402", "The data are given.", "x = 3\ny ~ Normal(x, 1)", "z = 3 * x\ny ~ Normal(z, 1)"),
    Page(
        "E403",
        "Names do not change their meaning, so every name is defined once.",
        "a = x\na = 2 * x\ny ~ Normal(a, 1)",
        "a = x\nb = 2 * a\ny ~ Normal(b, 1)",
    ),
    Page("E404", "`~` needs a distribution on its right.", "y ~ x + 1", "y ~ Normal(x + 1, 1)"),
    Page(
        "E405",
        "The sum of two random values is not the sum of their densities: draw them, then add.",
        "y ~ Normal(0, 1) + x",
        "y ~ Normal(x, 1)",
    ),
    Page("E406", "A file has one model.", "axis m = 3", "axis m = 3\nmodel { y ~ Normal(0, 1) }"),
    Page(
        "E409",
        "A column has one distribution. Another term of the log density is written with `factor`.",
        "y ~ Normal(0, 1)\ny ~ Normal(1, 1)",
        "y ~ Normal(0, 1)\nfactor -sum(x)^2",
    ),
    Page(
        "E410",
        "Without a column on the left of `~` the data say nothing, and the posterior is the prior.",
        "mu ~ Normal(0, 1)",
        "mu ~ Normal(0, 1)\ny ~ Normal(mu, 1)",
    ),
    Page(
        "E411",
        "What is observed is known before the model runs: an expression of columns. Unknowns are drawn.",
        "b ~ Normal(0, 1)\nobserve y - b ~ Normal(0, 1)",
        "b ~ Normal(0, 1)\nobserve log(n + 1) ~ Normal(b, 1)",
    ),
    Page(
        "E416", "`Flat()` has no total mass, so there is no density of data under it.", "y ~ Flat()", "y ~ Normal(0, 1)"
    ),
    Page(
        "E430",
        "Values that read each other's earlier positions are computed together, one position after the other.",
        "for t in row { p[t] = if t == 1 then 0 else q[t - 1] }\nfor t in row { q[t] = p[t] + 1 }\ny ~ Normal(q, 1)",
        "for t in row {\n  p[t] = if t == 1 then 0 else q[t - 1]\n  q[t] = p[t] + 1\n}\ny ~ Normal(q, 1)",
    ),
)

ESTIMATORS = (
    Page(
        "E512",
        "An annotation may stand above the unknown in the model or in the guide. In both places they could disagree.",
        GUIDED.replace("mu ~", "@reparam\n  mu ~") + "guide { @reparam\n mu ~ Normal(0, 1) }",
        GUIDED + "guide { @reparam\n mu ~ Normal(0, 1) }",
    ),
    Page(
        "E514",
        "Annotations choose an estimator or a parameterisation; `docs/language.md` lists them with their arguments.",
        "@reparametrize\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)",
        "@reparam\nmu ~ Normal(0, 1)\ny ~ Normal(mu, 1)",
    ),
    Page(
        "E515",
        "`MeanField()` is no distribution: in a guide it leaves an unknown to the automatic guide, as if it"
        " were not named.",
        "mu ~ MeanField()\ny ~ Normal(mu, 1)",
        GUIDED + "guide { mu ~ MeanField() }",
    ),
    Page(
        "E530",
        "Every unknown needs an estimator of its gradient that is known to be right. Jumps, discrete values and chains"
        " have theirs. What is left is an expression that may leave its domain as the unknown moves: a division by"
        " what may be zero, a power or a logarithm of what may be negative. Nothing is known of the density there. A"
        " limit on a column, or a distribution with positive values, says that it does not happen.",
        "a ~ HalfNormal(1)\ny ~ Normal((a * x)^a, 1)",
        "a ~ HalfNormal(1)\ny ~ Normal((a * exp(x))^a, 1)",
    ),
)

RUNNING = (
    Page(
        "E701",
        "Wherever the fit could start, some statement gives the data a density of zero. The lines below the"
        " message name"
        " the statement, the values of the unknowns, and the first row. Usual causes: limits that are narrower than the"
        " data, a column in other units than the prior is for, a count above its total.",
        "top ~ Uniform(0, 1)\nn ~ Binomial(2, top)      # a row has n = 7",
        "top ~ Uniform(0, 1)\nn ~ Binomial(10, top)",
    ),
    Page(
        "E702",
        "The density is finite, but its slope is not: a logarithm or a root at the end of its domain, a"
        " division by zero"
        " in a branch that is not taken, a power of zero.",
        "s ~ HalfNormal(1)\ny ~ Normal(0, sqrt(s - s))",
        "s ~ HalfNormal(1)\ny ~ Normal(0, sqrt(s))",
    ),
    Page(
        "E703",
        "An index that the data give lies outside the axis that it looks up. Positions count from 1.",
        "b[k] ~ Normal(0, 1)\ny ~ Normal(b[n], 1)      # a row has n = 4, and k has 3 positions",
        "b[county] ~ Normal(0, 1)\ny ~ Normal(b[county], 1)",
    ),
)

MODEL_PAGES = {
    page.code: page
    for rows in (NAMES, DECLARATIONS, AXES, STATEMENTS, NETS, LEARNED, GUIDES, JOINT, ESTIMATORS, MATRICES, WARNINGS)
    for page in rows
}
RUN_PAGES = {page.code: page for page in (*RUNNING, *STARTS)}
