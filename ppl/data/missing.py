"""Missing cells: unknowns, errors, or dropped rows."""

from dataclasses import replace

from ppl.check.core import ColumnSpec
from ppl.data.checked import CheckedColumn
from ppl.data.wording import counted, grouped, listed
from ppl.data.work import Work, take_rows
from ppl.source.diagnostic import Diagnostic, complain


def settle_missing(work: Work) -> Work:
    """Missing cells stay only in imputed columns: any other is an error (E616), or its row is dropped (W114)."""
    blank = {
        name: column for name, column in work.columns.items() if column.has_missing and not _may_miss(column, work)
    }
    droppable = {name for name, column in blank.items() if column.on_rows and work.options.missing == "drop"}
    work = work.without({name: [_missing_fault(blank[name], work)] for name in blank.keys() - droppable})
    gone = {index // part.inner for name in droppable for part in blank[name].parts for index in part.missing}
    return drop_rows(work, gone) if gone else work


def _may_miss(column: CheckedColumn, work: Work) -> bool:
    return column.spec.imputed and column.spec.name != work.spec.sorted_by


def drop_rows(work: Work, gone: set[int]) -> Work:
    """The work without the rows at these positions."""
    kept = [row for row in range(len(work.numbers)) if row not in gone]
    name, total = work.table.origin.name, counted(len(work.numbers), "row")
    if not kept:
        columns = {name: column for name, column in work.columns.items() if not column.on_rows}
        return replace(work, columns=columns, problems=(*work.problems, complain("E616.all", source=name)))
    first = listed([work.numbers[row] for row in sorted(gone)])
    note = complain("W114", source=name, count=grouped(len(gone)), rows=total, first=first)
    columns = {name: take_rows(column, kept) if column.on_rows else column for name, column in work.columns.items()}
    numbers = tuple(work.numbers[row] for row in kept)
    return replace(work, columns=columns, numbers=numbers, warnings=(*work.warnings, note))


def _missing_fault(column: CheckedColumn, work: Work) -> Diagnostic:
    part = next(part for part in column.parts if part.missing)
    subject = work.table.origin.column(part.name)
    if column.on_rows:
        # the parts of a long file before this one have none
        missing, total = work.rows_of(part, part.missing), counted(work.table.first - 1 + len(work.numbers), "row")
    else:
        missing, total = [index + 1 for index in part.missing], counted(len(part.values), "value")
    hint = _hint(column.spec, column.on_rows)
    others = sum(1 for other in column.parts if other.missing) - 1
    lines = (f"and in {counted(others, 'more column')} of `{column.spec.name}`",) if others else ()
    count = grouped(len(missing))
    return complain(
        "E616",
        column.spec.span,
        column=subject,
        count=count,
        rows=total,
        first=listed(missing),
        found=hint,
        lines=lines,
    )


def _hint(spec: ColumnSpec, on_rows: bool) -> str:
    name, drop = spec.name, "run with `--missing drop`"
    if spec.kind not in ("real", "int") or spec.imputed:
        return drop + " to leave those rows out" if on_rows else ""
    declare = "" if spec.optional else f"declare `{name}: {spec.kind}?` and "
    give = f"give it a model (`{name} ~ Normal(m, s)`) to impute"
    return f"{declare}{give}, or {drop}" if on_rows else declare + give
