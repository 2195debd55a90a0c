"""The core: a model whose every name, axis and type is known. Frozen, and free of syntax."""

from dataclasses import dataclass, field

from ppl.source.span import NOWHERE, Span
from ppl.stdlib.intervals import Interval


def where() -> Span:
    """The field that says where a record came from; it takes no part in equality."""
    return field(default=NOWHERE, compare=False, repr=False)


# ---- data --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AxisSpec:
    """A named axis. `kind`: `row` (the rows of the table), `levels` (of factor column `column`), `declared`
    (`axis k = 3`), `columns` (the matched columns of `x[gene] from "g*"`). `size` and `labels` are None until the
    file is read, unless the model fixes them."""

    name: str
    kind: str
    size: int | None = None
    labels: tuple[str, ...] | None = None
    column: str | None = None
    span: Span = where()


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A declared column. `kind`: real, int, bool, factor, ordinal, date, text, key (it names the rows of its table),
    pointer (each cell is a key of the table `table`). `axes`: `("row",)`; `("row", "gene")` for a matrix; `(state,)`
    for `per state`. Bounds are numbers. `source` is what `from` says: exact names, a glob (`is_glob`), or a range of
    two names (`is_range`). `default` is what blanks stand for, as a number or a text. `multiplied` says that an unknown
    is its slope."""

    name: str
    kind: str
    axes: tuple[str, ...]
    levels: tuple[str, ...] | None = None
    optional: bool = False
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    per: str | None = None
    source: tuple[str, ...] = ()
    is_glob: bool = False
    is_range: bool = False
    is_list: bool = False
    unit: str | None = None
    doc: str = ""
    imputed: bool = False
    span: Span = where()
    type_span: Span = where()
    table: str | None = None
    default: float | str | None = None
    multiplied: bool = False


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One `data` block: `name` is the axis of its rows, `columns` are the names of its columns, `key` is the one that
    names the rows."""

    name: str
    columns: tuple[str, ...]
    sorted_by: str | None = None
    key: str | None = None
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Cuts:
    """The positions of `axis` hold the cut points between the levels of `levels`: one fewer than those."""

    axis: str
    levels: str
    span: Span = where()


@dataclass(frozen=True, slots=True)
class DataSpec:
    """What the model asks of its data: `row` names the axis of the rows; `imputed` columns may have blanks. `tables`
    are all `data` blocks in their order, where there are several or the one has a key; `row` and `sorted_by` are then
    those of the main one, which is the first that no other points into. `cuts` have to agree with the levels."""

    columns: tuple[ColumnSpec, ...]
    axes: tuple[AxisSpec, ...]
    row: str = "row"
    sorted_by: str | None = None
    span: Span = where()
    tables: tuple[TableSpec, ...] = ()
    cuts: tuple[Cuts, ...] = ()

    @property
    def rows(self) -> tuple[str, ...]:
        """The axes of all tables."""
        return tuple(table.name for table in self.tables) or (self.row,)


# ---- expressions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Expr:
    """One node of an expression. `op` is a row of `PRIMITIVES` (elementwise, aligned by axis name), or one of:

    `lit` (attrs: value) · `ref` (name) · `level` (axis, label) · `pos` (axis: the position along it, from 1) `size`
    (axis) · `where` (test, then, other) · `take` (value, index; attrs: axis; the index is a 0-based level) `takepos`
    (the same with a 1-based integer index) · `fix` (value; attrs: axis, label or 1-based position) `lag` (value; attrs:
    axis, k) · `initial` (where weights of a net start; attrs: name, scaling, axes of all inputs, axes in and out) ·
    `rename` (value; attrs: old, new) · `sum prod mean var sd min max argmax logsumexp any all` (value;
    attrs: axis) · `cumsum` (value; attrs: axis) · `dot` (two values; attrs: axes) · `diag` (value; attrs: axis, copy) ·
    `cholesky inverse` (value; attrs: axis, copy) · `vector` (items; attrs: axis) `spread` (value repeated along attrs:
    axis)

    `type` is `real`, `int`, `bool`, `text`, `date`, or `level:AXIS`. `axes` are in the order of the model's
    declarations; a second copy of an axis is primed (`row'`)."""

    op: str
    args: "tuple[Expr, ...]" = ()
    attrs: tuple[object, ...] = ()
    axes: tuple[str, ...] = ()
    type: str = "real"
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Dist:
    """A distribution with its arguments. `name` is a row of `DISTRIBUTIONS` (`args` in the order of its parameters), or
    a modifier: `Truncated` (args: low, high; inner: one) · `Censored` (left, right, upper) · `Mixture` (weights; attrs:
    axis) `Ordered` · `ZeroInflated` (p) · `where` (args: test; inner: two). Absent arguments are None. `event` is the
    event axes."""

    name: str
    args: tuple[Expr | None, ...] = ()
    inner: "tuple[Dist, ...]" = ()
    attrs: tuple[object, ...] = ()
    axes: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    kind: str = "real"
    span: Span = where()


# ---- statements --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Site:
    """`name[axes] ~ dist`. `role` is `unknown`, `observed` (a data column, or `value` of an `observe` statement),
    `imputed` (a column with blanks), `guide` (the guide's draw of an unknown) or
    `predicted` (a draw of the predict block). `axes` includes the event
    axes, last. `settings` are the arguments of annotations: (annotation, keyword, value). `integrated` says why an
    unknown was integrated out in closed form: `dist` is then what is known of it given the rest. `start` is where a fit
    begins, for the weights of nets."""

    name: str
    axes: tuple[str, ...]
    dist: Dist
    role: str
    value: Expr | None = None
    annotations: tuple[str, ...] = ()
    settings: tuple[tuple[str, str, float | str], ...] = field(default=(), kw_only=True)
    start: Expr | None = field(default=None, kw_only=True)
    integrated: str = field(default="", kw_only=True)
    span: Span = where()
    name_span: Span = where()
    annotation_span: Span = where()


@dataclass(frozen=True, slots=True)
class Derived:
    """`name[axes] = value`. `along` is the axis of a recursion: the value reads names at earlier positions of it that
    in turn depend on this one, so its positions are computed one after the other. What a net computes on the way is
    `hidden`: no one asked for it."""

    name: str
    axes: tuple[str, ...]
    value: Expr
    along: str = ""
    hidden: bool = field(default=False, kw_only=True)
    span: Span = where()
    name_span: Span = where()


@dataclass(frozen=True, slots=True)
class FactorTerm:
    """`factor value`: the sum of `value` over its axes is added to the log density."""

    name: str
    value: Expr
    span: Span = where()


Statement = Site | Derived | FactorTerm


# ---- parameters, guides, objectives --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Param:
    """`param name[axes]: type = init`: a number to be learned. `low` and `high` are the ends of its range (infinite
    where it has none); `init` is computed from constants and data, None for a default inside the range. `guide` is the
    name of the guide that declares it (a guide's parameters are its own), None at top level or in the model; `net` the
    net whose weights it is."""

    name: str
    axes: tuple[str, ...]
    low: float = float("-inf")
    high: float = float("inf")
    init: Expr | None = None
    guide: str | None = None
    net: str = field(default="", kw_only=True)
    span: Span = where()
    name_span: Span = where()


@dataclass(frozen=True, slots=True)
class Step:
    """One map of `D |> step`: a row of `FLOWS` with its settings, in the order of the row."""

    name: str
    settings: tuple[float, ...] = ()
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Joint:
    """`(v, x) ~ FullRank()`, `(v, x) ~ D |> coupling(layers=6)`: the unconstrained coordinates of unknowns, drawn side
    by side from one distribution. `family` is the key of a row of `FAMILIES`, or `flow`, or `mode` (the highest place),
    with `settings` by name; `base` is what a flow starts from (None: standard normals) and `steps` what its draws go
    through. A flow of one unknown with axes acts `along` the last of them, for every position of the others. `value` is
    where `Delta(value)` puts its point."""

    names: tuple[str, ...]
    family: str
    settings: tuple[tuple[str, float], ...] = ()
    base: Dist | None = None
    steps: tuple[Step, ...] = ()
    along: str = ""
    value: Expr | None = None
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Guide:
    """`guide name { … }`: sites of role `guide` over unknowns of the model, and derived values of its own, in order.
    `name` is "" for a guide without one. `params` are those declared inside. `joints` are the unknowns that it draws
    by their coordinates. Unknowns that it leaves out get an automatic guide."""

    name: str
    params: tuple[Param, ...]
    statements: tuple[Statement, ...]
    bounds: tuple[tuple[str, Interval], ...] = ()
    joints: tuple[Joint, ...] = field(default=(), kw_only=True)
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Objective:
    """`minimize value` or `maximize value`: the expectation, over the draws of the model, of the sum of `value` over
    its axes."""

    maximize: bool
    value: Expr
    span: Span = where()


@dataclass(frozen=True, slots=True)
class Imported:
    """The text of a file that functions were imported from: `name` is how it is called from the folder of the model,
    `path` how positions call it."""

    name: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Core:
    """A checked model. `axes` are all axes as declared; `bounds` hold the values of each name; `text` and `path` are
    the source. `params` are those of the top level and of the model block. `predict` are the statements of the predict
    block: derived values, and sites of role `predicted`. `imports` are the files that it took functions from."""

    data: DataSpec
    axes: tuple[AxisSpec, ...]
    statements: tuple[Statement, ...]
    bounds: tuple[tuple[str, Interval], ...] = ()
    params: tuple[Param, ...] = ()
    guides: tuple[Guide, ...] = ()
    objective: Objective | None = None
    path: str = field(default="<model>", compare=False)
    text: str = field(default="", compare=False, repr=False)
    doc: str = ""
    predict: tuple[Statement, ...] = ()
    imports: tuple[Imported, ...] = field(default=(), compare=False, repr=False)

    def written(self, span: Span) -> str:
        """What stands at a place of the model, or of a file that it imports from, on one line."""
        text = next((each.text for each in self.imports if each.path == span.file), self.text)
        return " ".join(text[span.start : span.end].split())
