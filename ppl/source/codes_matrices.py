"""E37: matrices, and differential equations."""

from ppl.source.code import Code

MATRIX_CODES = (
    Code(
        "E370",
        "{dist} gives a matrix: `{name}` needs one axis twice",
        hint="write `{name}[{axis}, {axis}] ~ {dist}(…)`",
    ),
    Code(
        "E371",
        "the {param} of {dist} is a matrix over `{axis}`, and this value does not have that axis twice",
        hint="for example `diag(s)` of a vector `s[{axis}]`, `s^2 * eye({axis})`, or `K[i, j] = …` in two loops",
    ),
    Code(
        "E372",
        "a Gaussian process is a normal vector: there is no `GP`",
        hint="`f[row] ~ MvNormal(0, cov=K)`, with `K[i, j] = …` in two loops over `row`",
    ),
    Code("E373", "these are not the arguments of an equation with the rate `{name}`", hint="`{wanted}`"),
    Code("E373.start", "an equation that is solved for one time needs to know when it starts", hint="add `t0=0`"),
    Code(
        "E374",
        "the first argument of `ode` is the name of a function",
        hint="`ode(f, y0, times, …)`, with `fun f(t, y, …) = …` for the rate at time t in state y",
    ),
    Code("E375", "{what} of an equation have to be known before the fit", hint="a data column, or numbers"),
    Code("E375.axes", "an equation is solved for times along one axis", hint="a column, or the positions of one axis"),
    Code("E375.setting", "`{name}` of `ode` is a positive number", hint="leave it out for {default}"),
    Code(
        "E376",
        "an equation is to be solved for the time {time}, before its start at {start}",
        hint="give the start as `t0=`; without it, it is the earliest time of the data",
    ),
    Code(
        "E377",
        "the equation of `{name}` has no solution at the start of the fit, or needs too many steps",
        hint="the solver is not made for stiff systems: see that the priors keep rates moderate in the unit of time; or"
        " raise `steps=`",
    ),
    Code(
        "E378",
        "`{levels}` has {count} levels, and `{axis}`, the axis of the cuts between them, {size}",
        hint="there is one cut fewer than levels: `axis {axis} = {help}`",
    ),
)
