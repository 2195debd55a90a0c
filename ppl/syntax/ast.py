"""The syntax tree: frozen records, tuples, a span on everything; a span is equal to every other span."""

from dataclasses import dataclass, field

from ppl.source.span import NOWHERE, Span


def where() -> Span:
    """The field that says where a node stands; two trees that differ only there are equal."""
    return field(default=NOWHERE, compare=False, repr=False)


# ---- expressions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """`text` keeps the spelling (`1e-3`, `5_000`); a number is an integer when it has no point and no exponent."""

    value: float
    text: str = field(compare=False)
    span: Span = where()

    @property
    def is_int(self) -> bool:
        return self.text.replace("_", "").isdigit()


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Truth:
    value: bool
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Name:
    id: str
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Dots:
    """`..` inside brackets: this axis is kept."""

    span: Span = where()


@dataclass(frozen=True, slots=True)
class Range:
    """`lo..hi`, both ends included."""

    low: "Expr"
    high: "Expr"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; `name` is None where it goes by position."""

    name: str | None
    value: "Expr"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Call:
    """`function` is the bare name that is called (`Normal`, `mean`, a user's `fun` or `net`)."""

    function: Name
    args: tuple[Argument, ...]
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Index:
    value: "Expr"
    indices: "tuple[Expr, ...]"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Attribute:
    value: "Expr"
    name: str
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Unary:
    """`op` is `-` or `not`."""

    op: str
    value: "Expr"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Binary:
    """`op` is one of `+ - * / % @ ^ < <= > >= == != and or`."""

    op: str
    left: "Expr"
    right: "Expr"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class IfElse:
    test: "Expr"
    then: "Expr"
    other: "Expr"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Pipe:
    """`D |> f`."""

    left: "Expr"
    right: "Expr"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class ListOf:
    items: "tuple[Expr, ...]"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class TupleOf:
    items: "tuple[Expr, ...]"
    span: Span = where()


Expr = (
    Number
    | Text
    | Truth
    | Name
    | Dots
    | Range
    | Call
    | Index
    | Attribute
    | Unary
    | Binary
    | IfElse
    | Pipe
    | ListOf
    | TupleOf
)


# ---- statements --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Annotation:
    """`@score(baseline="mean")`: `args` is None without parentheses."""

    name: str
    args: tuple[Argument, ...] | None
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Target:
    """`theta[school]`, `f.weights`: `attribute` and `indices` are None where not written."""

    name: Name
    attribute: str | None
    indices: tuple[Expr, ...] | None
    span: Span = where()


@dataclass(frozen=True, slots=True)
class JointTarget:
    """`(v, x) ~ ...`."""

    names: tuple[Name, ...]
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Sample:
    annotations: tuple[Annotation, ...]
    target: Target | JointTarget
    value: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Let:
    target: Target
    value: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Observe:
    annotations: tuple[Annotation, ...]
    value: Expr
    distribution: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Factor:
    value: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class For:
    variable: Name
    over: Expr
    body: "tuple[Statement, ...]"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Param:
    """`param NAME[axes]: type = init`, at top level or in a block."""

    name: Name
    axes: tuple[Name, ...]
    type: "Type | None"
    init: Expr | None
    span: Span = where()


Statement = Sample | Let | Observe | Factor | For | Param


# ---- items -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limit:
    """`> 0` (`op` is `<`, `<=`, `>`, `>=`)."""

    op: str
    bound: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Interval:
    """`in [0, 1)`; `low_open` is true for `(`."""

    low: Expr
    high: Expr
    low_open: bool
    high_open: bool
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Between:
    """`in 1..5`."""

    low: Expr
    high: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Type:
    """`factor ["a", "b"]`, `real? > 0`: `levels` is None where not written."""

    base: Name
    levels: tuple[Text, ...] | None
    optional: bool
    constraint: Limit | Interval | Between | None
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Source:
    """`from "g*"` (one), `from "px1".."px784"` (a range: two, `is_range`), `from ["a", "b"]` (a list, `is_list`)."""

    names: tuple[str, ...]
    is_range: bool = False
    is_list: bool = False
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Column:
    name: Name
    axes: tuple[Name, ...]
    type: Type
    per: Name | None = None
    source: Source | None = None
    unit: str | None = None
    default: Expr | None = None
    doc: str = field(default="", compare=False)
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Data:
    name: Name | None
    sorted_by: Name | None
    columns: tuple[Column, ...]
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Import:
    names: tuple[Name, ...]
    path: str
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Const:
    name: Name
    type: Type | None
    value: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Axis:
    """`axis k = 3`, `axis t = 1..T`, `axis arm = ["a", "b"]`."""

    name: Name
    value: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Fun:
    """`braces` remembers the long form, for the formatter."""

    name: Name
    params: tuple[Name, ...]
    lets: tuple[Let, ...]
    result: Expr
    braces: bool = False
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Port:
    name: Name
    axes: tuple[Name, ...]
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Net:
    name: Name
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    weights: Expr | None
    lets: tuple[Let, ...]
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Block:
    """`kind` is `model`, `guide` or `predict`; only a guide has a name."""

    kind: str
    name: Name | None
    body: tuple[Statement, ...]
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Objective:
    """`minimize e` or `maximize e`."""

    maximize: bool
    value: Expr
    span: Span = where()


Item = Import | Const | Axis | Data | Param | Fun | Net | Block | Objective


@dataclass(frozen=True, slots=True)
class Comment:
    """`own_line` is false for a comment behind code; `text` starts with `#`."""

    text: str
    own_line: bool
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Module:
    """A file that functions and nets were imported from: `path` as positions in it say, `name` as it is called from the
    folder of the model. Its imports are among its items, as what they bring."""

    path: str
    name: str
    items: tuple[Item, ...]
    text: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """A model file. `doc` is the header comment, without its hashes; `modules` are the files it imports from, once its
    imports are linked."""

    items: tuple[Item, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
    text: str = field(default="", compare=False, repr=False)
    path: str = field(default="<model>", compare=False)
    doc: str = field(default="", compare=False)
    modules: tuple[Module, ...] = ()
