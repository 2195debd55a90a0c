"""Random syntax trees for hypothesis: every tree that the grammar can write."""

from hypothesis import strategies as st

from ppl.syntax import ast

_KEYWORDS = frozenset([
    "if", "then", "else", "and", "or", "not", "true", "false", "for", "in", "param", "observe", "factor", "return",
    "data", "model", "guide", "predict", "axis", "const", "fun", "net", "import", "from", "per", "unit", "sorted", "by",
    "weights", "minimize", "maximize",
])  # fmt: skip
names = st.from_regex(r"[A-Za-zμ][A-Za-z0-9_]{0,5}", fullmatch=True).filter(lambda word: word not in _KEYWORDS)
Names = names.map(ast.Name)
strings = st.text(st.characters(codec="utf-8", exclude_characters='"\n\r', exclude_categories=["Cs"]), max_size=6)
numbers = st.one_of(
    st.integers(0, 10**6).map(str), st.floats(0, 1e6, allow_nan=False).map(repr), st.sampled_from(["1e-3", "5_000"])
).map(lambda text: ast.Number(float(text), text))
texts = strings.map(ast.Text)
atoms = st.one_of(numbers, Names, texts, st.booleans().map(ast.Truth))


def tuples(element, least=0, most=3):
    return st.lists(element, min_size=least, max_size=most).map(tuple)


def arguments(exprs):
    return tuples(st.builds(ast.Argument, st.none() | names, exprs))


_OPERATORS = ["+", "-", "*", "/", "%", "@", "^", "<", "<=", ">", ">=", "==", "!=", "and", "or"]


def _larger(exprs):
    indices = st.one_of(exprs, st.builds(ast.Range, exprs, exprs), st.builds(ast.Dots))
    return st.one_of(
        st.builds(ast.Call, Names, arguments(exprs)),
        st.builds(ast.Index, exprs, tuples(indices, 1)),
        st.builds(ast.Attribute, exprs, names),
        st.builds(ast.Unary, st.sampled_from(["-", "not"]), exprs),
        st.builds(ast.Binary, st.sampled_from(_OPERATORS), exprs, exprs),
        st.builds(ast.IfElse, exprs, exprs, exprs),
        st.builds(ast.Pipe, exprs, exprs),
        st.builds(ast.ListOf, tuples(exprs)),
        st.builds(ast.TupleOf, tuples(exprs, 2)),
    )


exprs = st.recursive(atoms, _larger, max_leaves=12)
extents = st.one_of(exprs, st.builds(ast.Range, exprs, exprs))

targets = st.builds(ast.Target, Names, st.none() | names, st.none() | tuples(extents, 1))
joints = st.builds(ast.JointTarget, tuples(Names, 2))
annotations = tuples(st.builds(ast.Annotation, names, st.none() | arguments(exprs)), most=2)
lets = st.builds(ast.Let, targets, exprs)

_limits = st.one_of(numbers, Names)
limits = st.one_of(_limits, st.builds(ast.Unary, st.just("-"), _limits))
constraints = st.one_of(
    st.none(),
    st.builds(ast.Limit, st.sampled_from(["<", "<=", ">", ">="]), limits),
    st.builds(ast.Interval, limits, limits, st.booleans(), st.booleans()),
    st.builds(ast.Between, limits, limits),
)
types = st.builds(ast.Type, Names, st.none() | tuples(texts, 1), st.booleans(), constraints)
params = st.builds(ast.Param, Names, tuples(Names), st.none() | types, st.none() | exprs)

_simple = st.one_of(
    lets,
    st.builds(ast.Sample, annotations, targets | joints, exprs),
    st.builds(ast.Observe, annotations, exprs, exprs),
    st.builds(ast.Factor, exprs),
    params,
)
statements = st.one_of(_simple, st.builds(ast.For, Names, extents, tuples(_simple)))

sources = st.one_of(
    strings.map(lambda name: ast.Source((name,))),
    st.tuples(strings, strings).map(lambda pair: ast.Source(pair, is_range=True)),
    tuples(strings, 1).map(lambda given: ast.Source(given, is_list=True)),
)
columns = st.builds(
    ast.Column,
    Names,
    tuples(Names),
    types,
    st.none() | Names,
    st.none() | sources,
    st.none() | strings,
    st.none() | exprs,
)
ports = st.builds(ast.Port, Names, tuples(Names))
funs = st.one_of(
    st.builds(ast.Fun, Names, tuples(Names), st.just(()), exprs, st.just(False)),
    st.builds(ast.Fun, Names, tuples(Names), tuples(lets), exprs, st.just(True)),
)
blocks = st.one_of(
    st.builds(ast.Block, st.sampled_from(["model", "predict"]), st.none(), tuples(statements)),
    st.builds(ast.Block, st.just("guide"), st.none() | Names, tuples(statements)),
)
items = st.one_of(
    st.builds(ast.Import, tuples(Names, 1), strings),
    st.builds(ast.Const, Names, st.none() | types, exprs),
    st.builds(ast.Axis, Names, extents),
    st.builds(ast.Data, st.none() | Names, st.none() | Names, tuples(columns)),
    params,
    funs,
    st.builds(ast.Net, Names, tuples(ports, 1), tuples(ports, 1), st.none() | exprs, tuples(lets, 1)),
    blocks,
    st.builds(ast.Objective, st.booleans(), exprs),
)
files = tuples(items).map(ast.File)
