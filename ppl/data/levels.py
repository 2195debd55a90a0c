"""The levels of factors, and their codes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ppl.data.checked import CheckedColumn, Part
from ppl.data.natural import natural_order
from ppl.data.wording import SHOWN, counted, nearest, quoted
from ppl.data.work import Work
from ppl.source.diagnostic import Diagnostic, complain

SHOWN_LEVELS = 8
# Up to how many values a column of codes has, and how many rows each at least: fewer rows say little of either.
MOST_CODES, ROWS_EACH = 6, 5


def code_levels(work: Work) -> Work:
    """Factors and ordinals as 0-based codes of their levels; a level that the model does not have is E613."""
    factors = [column for name, column in work.columns.items() if name in work.factors]
    levels = {column.spec.name: fixed_levels(column, work) or _found_levels(column) for column in factors}
    faults = {column.spec.name: _unknown_levels(column, levels[column.spec.name], work) for column in factors}
    work = work.without({name: found for name, found in faults.items() if found})
    coded = {name: _code(column, levels[name]) if name in levels else column for name, column in work.columns.items()}
    return replace(work, columns=coded, levels={name: levels[name] for name in levels if name in coded})


def fixed_levels(column: CheckedColumn, work: Work) -> tuple[str, ...] | None:
    """The levels that the model fixes."""
    by_axis = (axis.labels for axis in work.spec.axes if axis.kind == "levels" and axis.column == column.spec.name)
    return column.spec.levels or next(by_axis, None)


def _found_levels(column: CheckedColumn) -> tuple[str, ...]:
    return natural_order(label for part in column.parts for label in _present(part))


def _present(part: Part) -> Sequence[Any]:
    """The values that are not missing."""
    gone = set(part.missing)
    return [label for index, label in enumerate(part.values) if index not in gone] if gone else part.values


def _code(column: CheckedColumn, levels: tuple[str, ...]) -> CheckedColumn:
    codes = {label: index for index, label in enumerate(levels)}
    return replace(column, parts=tuple(_coded(part, codes) for part in column.parts))


def _coded(part: Part, codes: Mapping[str, int]) -> Part:
    """A missing label is in no level: its code is 0."""
    values = [codes.get(label, 0) for label in part.values] if part.missing else [codes[label] for label in part.values]
    return replace(part, values=values)


def _unknown_levels(column: CheckedColumn, levels: tuple[str, ...], work: Work) -> list[Diagnostic]:
    """One complaint for all levels of the column that the model does not know: the most frequent first."""
    known = set(levels)
    where: dict[str, list[int]] = {}
    for part in column.parts:
        if not set(_present(part)) <= known:
            gone = set(part.missing)
            for index, label in enumerate(part.values):
                if label not in known and index not in gone:
                    where.setdefault(str(label), []).append(
                        work.numbers[index // part.inner] if column.on_rows else index + 1
                    )
    if not where:
        return []
    label, *others = sorted(where, key=lambda label: -len(where[label]))
    noun = "row" if column.on_rows else "value"
    lines = [_rows_line(other, where[other], noun) for other in (label, *others[: SHOWN - 1])]
    more = [f"and {counted(len(others) - SHOWN + 1, 'more level')}"] if len(others) >= SHOWN else []
    return [
        complain(
            "E613",
            column.spec.span,
            column=work.table.origin.column(column.parts[0].name),
            level=quoted(label),
            rows=counted(len(where[label]), noun),
            levels=_level_list(levels),
            found=_hint(label, levels),
            lines=lines + more,
        )
    ]


def _rows_line(label: str, rows: list[int], noun: str) -> str:
    shown = ", ".join(map(str, rows[:SHOWN])) + (", …" if len(rows) > SHOWN else "")
    return f"{quoted(label)}: {noun}{'s' if len(rows) > 1 else ''} {shown}"


def _level_list(levels: tuple[str, ...]) -> str:
    shown = ", ".join(map(quoted, levels[:SHOWN_LEVELS]))
    return shown + (f", … {len(levels) - SHOWN_LEVELS} more" if len(levels) > SHOWN_LEVELS else "")


def _hint(label: str, levels: tuple[str, ...]) -> str:
    if label != label.strip():
        side = "trailing" if label != label.rstrip() else "leading"
        return f"{side} space? `--strip` removes it"
    close = nearest(label, levels)
    return f"did you mean {quoted(close)}?" if close else "add it to the levels in the model, or correct the cells"


def warn_alike_levels(work: Work) -> Work:
    """W115 for a factor whose levels the model does not fix, where some differ only by spaces or by upper and lower
    case."""
    found = [_alike(column, work) for name, column in work.columns.items() if name in work.levels]
    return replace(work, warnings=work.warnings + tuple(note for note in found if note))


def _alike(column: CheckedColumn, work: Work) -> Diagnostic | None:
    if fixed_levels(column, work) is not None:
        return None
    groups: dict[str, list[str]] = {}
    for label in work.levels[column.spec.name]:
        groups.setdefault(_folded(label), []).append(label)
    same = [group for group in groups.values() if len(group) > 1]
    if not same:
        return None
    shown = "; ".join(" and ".join(map(quoted, group)) for group in same[:SHOWN]) + ("; …" if same[SHOWN:] else "")
    subject = work.table.origin.column(column.parts[0].name)
    return complain("W115", column.spec.span, column=subject, levels=shown, found=_alike_hint(same))


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()


def _alike_hint(groups: list[list[str]]) -> str:
    """What makes labels one that are meant as one: `--strip` where it does, otherwise the file."""
    left = sum(len({label.strip() for label in group}) > 1 for group in groups)
    by_hand = "write each level the same way in every row"
    if left == len(groups) and all(label == label.strip() for group in groups for label in group):
        return by_hand
    return "`--strip` removes the spaces around labels" + (f"; for the rest, {by_hand}" if left else "")


def warn_single_rows(work: Work) -> Work:
    """W111 for a factor of the rows with levels of one row each, unless all are: then it only names the rows."""
    found = [_single(column, work) for name, column in work.columns.items() if name in work.levels and column.on_rows]
    return replace(work, warnings=work.warnings + tuple(note for note in found if note))


def _single(column: CheckedColumn, work: Work) -> Diagnostic | None:
    if column.spec.per is not None or len(column.parts) != 1 or column.parts[0].inner != 1:
        return None
    levels, counts = work.levels[column.spec.name], Counter(_present(column.parts[0]))
    alone = [quoted(levels[code]) for code in range(len(levels)) if counts[code] == 1]
    if not alone or len(alone) == len(counts):
        return None
    shown = ", ".join(alone[:SHOWN]) + (", …" if len(alone) > SHOWN else "")
    words = f"the level {alone[0]} has" if len(alone) == 1 else f"{len(alone)} of {len(levels)} levels ({shown}) have"
    return complain("W111", column.spec.span, column=work.table.origin.column(column.parts[0].name), levels=words)


def warn_number_codes(work: Work) -> Work:
    """W160 for a whole-number column with a slope, whose values look like codes: 1 to 3, or 0 to 3."""
    found = [_codes(column, work) for column in work.columns.values() if column.spec.multiplied and column.on_rows]
    return replace(work, warnings=work.warnings + tuple(note for note in found if note))


def _codes(column: CheckedColumn, work: Work) -> Diagnostic | None:
    if column.spec.per is not None or len(column.parts) != 1 or column.parts[0].inner != 1:
        return None
    values = _present(column.parts[0])
    found = sorted(set(values))
    are_codes = 3 <= len(found) <= MOST_CODES and found in (list(range(len(found))), list(range(1, len(found) + 1)))
    if not are_codes or len(values) < ROWS_EACH * len(found):
        return None
    subject, name = work.table.origin.column(column.parts[0].name), column.spec.name
    shown = ", ".join(f"{v:g}" for v in found)
    return complain("W160", column.spec.span, column=subject, values=shown, name=name)
