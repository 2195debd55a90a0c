"""What the parser makes of the example programs, of soft keywords and line breaks, and of odd files."""

from pathlib import Path

import pytest

from ppl.source.diagnostic import ModelError
from ppl.syntax import ast
from ppl.syntax.parse import parse

PROGRAMS = Path(__file__).parent.parent / "programs"


def program(name):
    return parse((PROGRAMS / f"{name}.ppl").read_text(encoding="utf-8"), f"{name}.ppl")


def expression(text):
    return parse(f"const a = {text}").items[0].value


def number(text):
    return ast.Number(float(text), text)


def name(word):
    return ast.Name(word)


def complaints(text):
    with pytest.raises(ModelError) as caught:
        parse(text)
    return [d.code for d in caught.value.diagnostics]


# Kinds of the items, the number of statements or columns in each block, the number of comments.
FACTS = {
    "bayesian_network": ("Data Net Block Block", (2, 2, 1), 1),
    "change_point": ("Data Block", (2, 5), 1),
    "corridor": ("Const Axis Axis Axis Fun Block Block", (2, 2), 2),
    "eight_schools": ("Data Block Block", (3, 4, 2), 6),
    "funnel": ("Axis Block Block Block Block", (2, 2, 5, 1), 2),
    "gaussian_mixture": ("Const Axis Data Block", (1, 5), 1),
    "gaussian_mixture_density": ("Axis Data Block", (1, 4), 1),
    "hmm": ("Axis Data Block", (2, 6), 2),
    "minimize": ("Param Block Objective", (1,), 0),
    "piecewise": ("Data Block", (2, 8), 1),
    "relapse": ("Import Data Block Block", (4, 8, 1), 4),
    "seeds": ("Data Block", (4, 9), 1),
    "spike_and_slab": ("Data Block", (2, 6), 2),
    "stochastic_volatility": ("Data Block", (2, 5), 1),
    "topics": ("Const Axis Data Block", (2, 4), 1),
    "vae": ("Axis Data Net Net Block Block", (1, 2, 2), 2),
    "varying_slopes": ("Axis Data Data Block", (2, 3, 6), 2),
    "votes": ("Data Block", (6, 11), 4),
}


def size(item):
    match item:
        case ast.Data(columns=columns):
            return len(columns)
        case ast.Block(body=body):
            return len(body)


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.ppl")), ids=lambda path: path.stem)
def test_programs(path):
    file = program(path.stem)
    kinds, sizes, comments = FACTS[path.stem]
    assert " ".join(type(item).__name__ for item in file.items) == kinds
    assert tuple(filter(None, map(size, file.items))) == sizes
    assert len(file.comments) == comments


def test_columns():
    age, arm = program("relapse").items[1].columns[2:]
    assert age == ast.Column(name("age"), (), ast.Type(name("real"), None, True, None), unit="years")
    assert arm.type.levels == (ast.Text("placebo"), ast.Text("drug"))
    vote = program("votes").items[0].columns
    assert vote[4].per == name("state")
    assert vote[5].type.constraint == ast.Interval(number("0"), number("1"), False, False)
    (pixels,) = program("vae").items[1].columns
    assert (pixels.axes, pixels.source) == ((name("pixel"),), ast.Source(("px1", "px784"), is_range=True))
    assert program("hmm").items[1].sorted_by == name("day")
    subjects, trials = program("varying_slopes").items[1:3]
    assert (subjects.name, trials.columns[0].type.base) == (name("subjects"), name("subjects"))


def test_column_forms():
    (data,) = parse(
        "data {\n a: real in (0, 1]\n b: int in 1..5\n c: real > -2 = 3\n"
        ' d: real from ["x", "y"]\n e: real from "g*"\n}'
    ).items
    a, b, c, d, e = data.columns
    assert a.type.constraint == ast.Interval(number("0"), number("1"), True, False)
    assert b.type.constraint == ast.Between(number("1"), number("5"))
    assert (c.type.constraint, c.default) == (ast.Limit(">", ast.Unary("-", number("2"))), number("3"))
    assert (d.source, e.source) == (ast.Source(("x", "y"), is_list=True), ast.Source(("g*",)))


def test_statements():
    loop, _ = program("corridor").items[-1].body[1], None
    (site,) = loop.body
    score = ast.Annotation("score", (ast.Argument("baseline", ast.Text("running_mean")),))
    assert site.annotations == (score,)
    assert site.target == ast.Target(name("a"), None, (name("t"),))
    flow = program("funnel").items[-1]
    assert flow.name == name("flow")
    assert flow.body[0].target == ast.JointTarget((name("v"), name("x")))
    assert program("bayesian_network").items[-1].body[0].target == ast.Target(name("f"), "weights", None)
    assert program("minimize").items[2].maximize is False
    assert parse("maximize x").items[0] == ast.Objective(True, name("x"))
    (block,) = parse("model { observe log(y) ~ Normal(0, 1) }").items
    assert isinstance(block.body[0], ast.Observe)
    (fun,) = parse("fun f(x, y) {\n z = x\n return z + y\n}").items
    assert (len(fun.lets), fun.braces, len(fun.params)) == (1, True, 2)


def test_precedence():
    two, three, x = number("2"), number("3"), name("x")
    assert expression("-x^2") == ast.Unary("-", ast.Binary("^", x, two))
    assert expression("2^3^x") == ast.Binary("^", two, ast.Binary("^", three, x))
    assert expression("2 - 3 - x") == ast.Binary("-", ast.Binary("-", two, three), x)
    assert expression("2 + 3 @ x") == ast.Binary("+", two, ast.Binary("@", three, x))
    assert expression("2^-x") == ast.Binary("^", two, ast.Unary("-", x))
    assert expression("not x == 2 and x") == ast.Binary("and", ast.Unary("not", ast.Binary("==", x, two)), x)
    assert expression("x |> exp |> affine(2, 3)").right == ast.Call(
        name("affine"), (ast.Argument(None, two), ast.Argument(None, three))
    )
    assert expression("x[1..3, ..]").indices == (ast.Range(number("1"), three), ast.Dots())
    assert expression("q.m[x]") == ast.Index(ast.Attribute(name("q"), "m"), (x,))
    assert expression("(x, 2)") == ast.TupleOf((x, two))
    assert expression("[x, 2,]") == ast.ListOf((x, two))
    assert expression("[]") == ast.ListOf(())
    assert expression("true") == ast.Truth(True)


SOFT = "unit from by model data guide predict axis const fun net import weights per sorted minimize maximize in return"


@pytest.mark.parametrize("word", SOFT.split())
def test_soft_keywords(word):
    text = f'data {{\n {word}: real per {word} unit "{word}"\n}}\nmodel {{\n b = {word}[{word}] + {word}\n}}'
    if word not in ("in", "return"):
        text += f"\nmodel {{\n {word} ~ Normal({word}={word})\n {word}[{word}] = 1\n}}"
    assert parse(text).items[0].columns[0].name == name(word)


@pytest.mark.parametrize("text", ["modelx { }", "dataset { a: real }", "axisk = 3", "constK = 3", "minimizex"])
def test_a_keyword_ends_where_the_word_ends(text):
    assert complaints(text)


@pytest.mark.parametrize("gap", ["\n", "\n\n", "  # why\n", "\n  # why\n\n   # how\n"])
@pytest.mark.parametrize(
    "pieces",
    [
        ("a = 1 +", "2"), ("a ~", "N(0)"), ("a =", "2"), ("a = f(1,", "2)"), ("a = f(", "1)"), ("a = [1", ", 2]"),
        ("a = if b", "then 1", "else 2"), ("a ~ N(0)", "|> exp"), ("a = b and", "c"), ("a = if", "b then 1 else", "2"),
        ("@score", "a ~ N(0)"),
    ],
)  # fmt: skip
def test_line_breaks_that_end_nothing(pieces, gap):
    broken = f"model {{\n{gap.join(pieces)}{gap}b = 2\n}}"
    flat = f"model {{\n{' '.join(pieces)}\nb = 2\n}}"
    assert parse(broken) == parse(flat)


def test_a_name_that_begins_like_then():
    (block,) = parse("model {\n a = 1\n thenx = 2\n elsewhere = 3\n}").items
    assert len(block.body) == 3


ODD = ["", "\n", "   ", "\t\n", "# only a comment", "\n\n# a\n\n# b\n", "\ufeff", "\ufeff# a\n"]


@pytest.mark.parametrize("text", ODD)
def test_files_without_items(text):
    assert parse(text).items == ()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings(ending):
    text = (PROGRAMS / "eight_schools.ppl").read_text(encoding="utf-8")
    plain, other = parse(text), parse("\ufeff" + text.replace("\n", ending).rstrip() + " \t")
    assert other == plain
    assert [comment.span for comment in other.comments] == [comment.span for comment in plain.comments]


def test_tabs_and_greek():
    (block,) = parse("model\t{\n\tμ\t~\tNormal(0, σ2)\n}").items
    assert block.body[0].target.name.span.col == 2
    assert block.body[0].value.args[1].value == name("σ2")


def test_docs_and_comments():
    file = parse(
        "# Title\n#\n# more\n\n## not the header\ndata {\n  a: real  ## first\n  ## of\n  ## two\n  b: real # plain\n"
        '  c: text from "#"\n}\n'
    )
    assert file.doc == "Title\n\nmore"
    assert [column.doc for column in file.items[0].columns] == ["first", "of\ntwo", ""]
    assert [comment.own_line for comment in file.comments] == [True] * 4 + [False, True, True, False]
    assert program("relapse").doc.startswith("Time to relapse")


def test_spans():
    text = "model {\n  a ~ Normal(\n    0, (1 + b) * 2)\n}\n"
    (block,) = parse(text, "m.ppl").items
    (site,) = block.body
    assert (site.span.file, site.span.line, site.span.col, site.span.end_line, site.span.end_col) == (
        "m.ppl",
        2,
        3,
        3,
        20,
    )
    product = site.value.args[1].value
    assert text[product.span.start : product.span.end] == "(1 + b) * 2"
    assert text[product.left.span.start : product.left.span.end] == "1 + b"
    assert text[block.span.start : block.span.end] == text.strip()


def test_the_span_of_an_annotation_ends_before_the_line_break():
    (block,) = parse("model {\n  @score\n  a ~ Normal(0, 1)\n}").items
    (annotation,) = block.body[0].annotations
    assert (annotation.span.line, annotation.span.end_line, annotation.span.end_col) == (2, 2, 9)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000, "+".join(["1"] * 5000), "-" * 5000 + "1", "^".join(["1"] * 5000),
        "if a then 1 else " * 3000 + "1", "f(" * 3000 + ")" * 3000, "a" + "[1]" * 3000, "[" * 3000 + "]" * 3000,
        " |> ".join(["a"] * 3000),
    ],
)  # fmt: skip
def test_deep_nesting_is_an_error_with_a_place(text):
    with pytest.raises(ModelError) as caught:
        parse(f"const a = {text}")
    (complaint,) = caught.value.diagnostics
    assert complaint.code == "E035"
    assert complaint.span.line == 1


def test_unclosed_nesting():
    assert complaints("const a = " + "(" * 3000) == ["E020"]


def test_a_long_sum_is_not_deep():
    assert parse("const a = " + " + ".join(["1"] * 80)).items


def test_bugs_names_are_found_in_a_text_that_parses():
    assert complaints("model {\n a ~ dnorm(0, 1)\n b ~ dgamma(1, 1)\n}") == ["E010", "E010"]
    assert parse('model {\n a = "~ dnorm(0, 1)" # b ~ dnorm(0, 1)\n}')
