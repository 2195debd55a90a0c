"""What `ppl explain CODE` says of the codes about neural nets."""

from ppl.source.page import Page

_NET = "net f(a[gene]) -> m { m = dense(a) }\n"
_LAST = " m = dense(i) }\n"
_MODEL = "model { y ~ Normal(f(g), 1) }\n"
_TWO = "net f(a[gene]) -> m, s { m = dense(a)\n s = exp(dense(a)) }\n"
_BAYES = "net f(a[gene]) -> m weights ~ Normal(0, 1) { m = dense(a) }\n"

NETS = (
    Page(
        "E342",
        "A port of a net names the axes that it consumes, and what is put in must have them. Rows, draws and time are"
        " not named: they pass through. A level of a factor stands for its axis, as a one in its place and zeros"
        " elsewhere.",
        _NET + "model { y ~ Normal(f(x), 1) }",
        _NET + _MODEL,
    ),
    Page(
        "E343",
        "Every output that the head of a net promises is set by one of its lines.",
        "net f(a[gene]) -> m { h = dense(a, 8, tanh) }\n" + _MODEL,
        "net f(a[gene]) -> m { h = dense(a, 8, tanh)\n m = dense(h) }\n" + _MODEL,
    ),
    Page(
        "E360",
        "A layer has as many units as an axis has positions, or a whole number of them. Without a size it gives one"
        " number.",
        "net f(a[gene]) -> m { m = dense(dense(a, 0.5)) }\n" + _MODEL,
        "net f(a[gene]) -> m { m = dense(dense(a, 5)) }\n" + _MODEL,
    ),
    Page(
        "E361",
        "Layers have weights, which are learned and have names, `NET.LAYER.W`: they stand in nets only.",
        "y ~ Normal(dense(g), 1)",
        _NET + _MODEL,
    ),
    Page(
        "E362",
        "A net is a function of its ports with weights of its own: the same wherever it is called. What else it needs"
        " is one more port.",
        "net f(a[gene]) -> m { m = dense(a) + x }\n" + _MODEL,
        "net f(a[gene], b) -> m { m = dense(a) + b }\nmodel { y ~ Normal(f(g, x), 1) }",
    ),
    Page(
        "E363",
        "The head of a net says which axes each output has; the line that sets it must agree.",
        "net f(a[gene]) -> m[k] { m = dense(a, 5) }\nmodel { y ~ Normal(sum(f(g), over=k), 1) }",
        "net f(a[gene]) -> m[k] { m = dense(a, k) }\nmodel { y ~ Normal(sum(f(g), over=k), 1) }",
    ),
    Page(
        "E364",
        "A net with several outputs gives a record: name it, and read its parts.",
        _TWO + "model { y ~ Normal(f(g), 1) }",
        _TWO + "model { q = f(g)\n y ~ Normal(q.m, q.s) }",
    ),
    Page(
        "E365",
        "Only what a net with several outputs gives has parts, and they have the names of the outputs.",
        _TWO + "model { y ~ Normal(f(g).mean, 1) }",
        _TWO + "model { y ~ Normal(f(g).m, 1) }",
    ),
    Page(
        "E366",
        "The axes of ports and layers belong to the net. A value that also varies along one of them elsewhere would"
        " meet itself.",
        "net f(a) -> m[k] { m = dense(a, k) }\nmodel {\n w[k] ~ Normal(0, 1)\n y ~ Normal(sum(f(w), over=k), 1) }",
        "net f(a[k]) -> m[k] { m = dense(a, k) }\nmodel {\n w[k] ~ Normal(0, 1)\n y ~ Normal(sum(f(w), over=k), 1) }",
    ),
    Page(
        "E367",
        "The activation of a layer is a function of one number: one of the language's, or one of the file's.",
        "net f(a[gene]) -> m { m = dense(dense(a, 5, rely)) }\n" + _MODEL,
        "fun cube(x) = x^3\nnet f(a[gene]) -> m { m = dense(dense(a, 5, cube)) }\n" + _MODEL,
    ),
    Page(
        "E368",
        "Weights are parameters, learned without a prior. With `weights ~ D` in the head of the net they are unknowns"
        " of the model, and a guide may draw them.",
        _NET + _MODEL + "guide { f.weights ~ MeanField() }",
        _BAYES + _MODEL + "guide { f.weights ~ MeanField() }",
    ),
    Page(
        "E369",
        "The units of a layer of a plain size are its own, and what two layers give does not meet unit by unit: a sum"
        " of both would have a value for each pair. Layers that share their units, as in a residual net, name an axis.",
        "net f(a[gene]) -> m { h = dense(a, 5, tanh)\n i = h + dense(h, 5, tanh)\n" + _LAST + _MODEL,
        "axis units = 5\nnet f(a[gene]) -> m { h = dense(a, units, tanh)\n i = h + dense(h, units, tanh)\n"
        + _LAST
        + _MODEL,
    ),
)
