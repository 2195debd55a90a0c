"""Keys and pointers: the rows of a table as an axis, and columns of other tables that point at them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from ppl.data.checked import CheckedColumn, Part
from ppl.data.parsed import is_missing
from ppl.data.wording import SHOWN, counted, listed, nearest, quoted
from ppl.data.work import Work
from ppl.source.diagnostic import Diagnostic, complain


def link(works: tuple[Work, ...]) -> tuple[Work, ...]:
    """The tables with every key and every pointer as the position of a row. Errors: E617, E621."""
    works = tuple(_unique(work) for work in works)
    labels = {work.spec.row: found for work in works if (found := _labels(work)) is not None}
    removed = {work.spec.row: _removed(work) for work in works}
    return tuple(_linked(work, labels, removed) for work in works)


def _key(work: Work) -> CheckedColumn | None:
    return next((column for column in work.columns.values() if column.spec.kind == "key"), None)


def _labels(work: Work) -> tuple[str, ...] | None:
    """The keys of a table in the order of its rows; None where it has no sound ones."""
    column = _key(work)
    return None if column is None else tuple(map(str, column.parts[0].values))


def _unique(work: Work) -> Work:
    """E621 where two rows have the same key."""
    column, labels = _key(work), _labels(work)
    if column is None or labels is None or len(set(labels)) == len(labels):
        return work
    twice = [label for label, count in Counter(labels).items() if count > 1]
    rows = {label: [work.numbers[i] for i, other in enumerate(labels) if other == label] for label in twice[:SHOWN]}
    first, *others = [f"{quoted(label)} is in rows {listed(where)}" for label, where in rows.items()]
    more = [f"and {counted(len(twice) - SHOWN, 'more key')}"] if len(twice) > SHOWN else []
    subject = work.table.origin.column(column.parts[0].name)
    fault = complain("E621", column.spec.span, column=subject, first=first, lines=[*others, *more])
    return work.without({column.spec.name: [fault]})


def _removed(work: Work) -> frozenset[str]:
    """The keys of the rows that `--missing drop` left out."""
    column = _key(work)
    if column is None:
        return frozenset()
    name, kept, texts = column.parts[0].name, set(work.numbers), work.options.missing_texts
    cells = enumerate(work.table.columns[name].cells, start=1)
    return frozenset(str(cell) for row, cell in cells if row not in kept and not is_missing(cell, texts))


def _linked(work: Work, labels: Mapping[str, tuple[str, ...]], removed: Mapping[str, frozenset[str]]) -> Work:
    """One table, its keys and pointers as positions. Pointers into a table without sound keys are left out: enough has
    been said."""
    aims = {
        name: c.spec.table or work.spec.row for name, c in work.columns.items() if c.spec.kind in ("key", "pointer")
    }
    lost = {name for name, aim in aims.items() if aim not in labels}
    found = {name: labels[aim] for name, aim in aims.items() if aim in labels}
    faults = {
        name: fault
        for name in found
        if (fault := _dangling(work.columns[name], found[name], removed[aims[name]], work))
    }
    work = replace(work, columns={n: c for n, c in work.columns.items() if n not in lost}).without(faults)
    coded = {name: _coded(c, found[name]) if name in found else c for name, c in work.columns.items()}
    return replace(work, columns=coded, keys={name: found[name] for name in found if name in coded})


def _coded(column: CheckedColumn, labels: tuple[str, ...]) -> CheckedColumn:
    places = {label: place for place, label in enumerate(labels)}
    parts = tuple(replace(part, values=[places.get(str(v), 0) for v in part.values]) for part in column.parts)
    return replace(column, parts=parts)


def _dangling(column: CheckedColumn, labels: tuple[str, ...], removed: frozenset[str], work: Work) -> list[Diagnostic]:
    """One complaint about all cells that point nowhere."""
    known = set(labels)
    where: dict[str, list[int]] = {}
    for part in column.parts:
        for index in _outside(part, known):
            where.setdefault(str(part.values[index]), []).append(work.numbers[index // part.inner])
    if not where:
        return []
    label, *others = where
    lines = [f"also {quoted(x)}: row{'s' * (len(where[x]) > 1)} {listed(where[x])}" for x in others[: SHOWN - 1]]
    more = [f"and {counted(len(others) - SHOWN + 1, 'more key')}"] if len(others) >= SHOWN else []
    close = nearest(label, labels)
    return [
        complain(
            "E617.dropped" if label in removed else "E617",
            column.spec.span,
            column=work.table.origin.column(column.parts[0].name),
            cell=quoted(label),
            rows=f"row{'s' * (len(where[label]) > 1)} {listed(where[label])}",
            table=column.spec.table,
            found=f"did you mean {quoted(close)}?" if close else "add the row there, or correct the cell",
            lines=lines + more,
        )
    ]


def _outside(part: Part, known: set[str]) -> list[int]:
    gone = set(part.missing)
    return [index for index, value in enumerate(part.values) if str(value) not in known and index not in gone]
