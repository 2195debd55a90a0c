"""What can be wrong with a net, or with a call of one."""

from ppl.source.code import Code

NETS = (
    Code("E342", "`{net}` expects the axis `{axis}`, and `{given}` has {axes}", hint="{help}"),
    Code("E342.level", "`{net}` takes numbers for `{port}`, and `{given}` is a level of `{axis}`", hint="{help}"),
    Code("E343", "`{output}` is never set in `{net}`", "promised here", "add {help}"),
    Code("E360", "the size of a layer is an axis or a whole number above zero", hint="{help}"),
    Code("E361", "`{function}` is a layer, and belongs into a net", hint="{help}"),
    Code("E362", "a net sees its ports and the constants of the file, and `{name}` is neither", hint="{help}"),
    Code("E363", "`{output}` is declared {declared}, and is set to something with {axes}", hint="{help}"),
    Code("E364", "`{net}` gives several parts: {parts}", hint="{help}"),
    Code("E364.axes", "the parts of `{name}` have axes of their own", hint="write `{name} = …`, and `{name}.part`"),
    Code("E365", "`{name}` has no part `{part}`", hint="{help}"),
    Code("E366", "`{given}` has the axis `{axis}`, which `{net}` has inside", hint="{help}"),
    Code("E367", "`{name}` is no activation", hint="{help}"),
    Code(
        "E368",
        "the weights of `{net}` are parameters, and a guide draws unknowns",
        hint="`weights ~ Normal(0, 1)` behind the ports of `net {net}` makes them unknowns",
    ),
    Code(
        "E368.model",
        "the prior of weights stands in the head of their net",
        hint="`net {net}(…) -> … weights ~ D {{ … }}`",
    ),
    Code("E368.name", "`{name}` cannot be drawn", hint="{help}"),
    Code(
        "E369",
        "`{name}` has the units of two layers, `{first}` and `{second}`, one value for each pair",
        hint="`axis units = {size}` at top level, and `dense(…, units)` in both lines: then they are the same units",
    ),
)
