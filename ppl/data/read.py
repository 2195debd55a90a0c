"""Text files to tables. No arrays here: `ppl check` must start fast."""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from ppl.data.options import Options
from ppl.data.read_json import json_table
from ppl.data.sniff import COMMENT, guess_separator, starts_comment
from ppl.data.table import Origin, Raw, Table
from ppl.data.wording import counted, grouped, nearest
from ppl.source.diagnostic import Diagnostic, ModelError, complain

STDIN = "-"
SEPARATOR_NAMES = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";"}
SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": ","}
TEXT_SUFFIXES = frozenset(SEPARATORS) | {".json"}
CELL_LIMIT = 2**31 - 1


def read_text_table(source: str | Path, options: Options, wanted: Sequence[str] = ()) -> Table:
    """The table in a .csv, .tsv or .json file, or in CSV on standard input (`-`). `wanted` are names that may be
    columns although they look like several. Raises ModelError: E602 to E605, E620."""
    if str(source) == STDIN:
        return _csv_bytes(sys.stdin.buffer.read(), Origin("stdin"), separator(options, ","), wanted)
    path = Path(source)
    content, origin, suffix = read_bytes(path), Origin(path.name), path.suffix.lower()
    if suffix == ".json":
        return json_table(*decode(content, origin), origin)
    return _csv_bytes(content, origin, separator(options, SEPARATORS[suffix]), wanted)


def separator(options: Options, usual: str) -> str:
    """The separator in use. Raises ModelError (E620)."""
    sep = SEPARATOR_NAMES.get(options.sep or "", options.sep or usual)
    if len(sep) != 1 or sep in '"\r\n':
        raise ModelError([complain("E620.sep", sep=sep)])
    return sep


def read_bytes(path: Path) -> bytes:
    """The content of a file. Raises ModelError (E602)."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError([complain("E602", path=path, found=_similar_file(path))]) from None
    except IsADirectoryError:
        raise ModelError([complain("E602.directory", path=path, found=_files_inside(path))]) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ModelError([complain("E602.unreadable", path=str(path).replace("\0", "\\0"), why=why.lower())]) from None


def _similar_file(path: Path) -> str:
    try:
        names = sorted(item.name for item in path.parent.iterdir() if item.is_file())
    except OSError:
        return f"there is no folder `{path.parent}` either"
    close = nearest(path.name, names)
    return f"did you mean `{path.parent / close}`?" if close else ""


def _files_inside(path: Path) -> str:
    found = sorted(item.name for item in path.iterdir() if item.suffix.lower() in TEXT_SUFFIXES)
    return f"it holds {', '.join(f'`{path / name}`' for name in found[:3])}" if found else ""


def decode(content: bytes, origin: Origin) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text, and a note if it was not UTF-8. Latin-1 reads any bytes, so this cannot fail."""
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    for encoding in encodings:
        try:
            return content.decode(encoding), ()
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1"), (complain("W113", source=origin.name),)


def _csv_bytes(content: bytes, origin: Origin, sep: str, wanted: Sequence[str]) -> Table:
    text, notes = decode(content, origin)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise ModelError([complain("E603", source=origin.name)])
    guess = guess_separator(text, sep, wanted)
    if guess is not None:
        raise ModelError([complain("E620", source=origin.name, sep=guess.words, flags=guess.flags)])
    return table_of_rows(_rows(text, sep, origin), origin, notes)


def _rows(text: str, sep: str, origin: Origin) -> list[list[str]]:
    """All rows, the header first. The limit is for a cell that swallows the file after a stray quote: that is found by
    `strict`, with its line, so the cell may be as long as it likes."""
    csv.field_size_limit(CELL_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep, strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise ModelError([csv_fault(error, origin, reader.line_num)]) from None


def csv_fault(error: csv.Error, origin: Origin, line: int) -> Diagnostic:
    """E605, at the line where the reader stopped."""
    why = _CSV_FAULTS.get(str(error), "text follows a closing quote")
    return complain("E605", source=origin.name, line=line, why=why)


_CSV_FAULTS = {
    "unexpected end of data": "a quote is opened and never closed",
    "line contains NUL": "it has a byte of value 0",
}


def table_of_rows(rows: list[list[str]], origin: Origin, notes: tuple[Diagnostic, ...] = (), number: int = 1) -> Table:
    """The table of a header and its rows, the first of which has this number. A blank line in the middle of a single
    column is a missing cell. Raises ModelError: E603, E604."""
    first = next(index for index, row in enumerate(rows) if row)
    header = tuple(name.strip() for name in rows[first])
    body = _without_blank_lines(rows[first + 1 :], len(header))
    if not body:
        raise ModelError([complain("E603.rows", source=origin.name)])
    if set(map(len, body)) != {len(header)}:
        raise ModelError([_ragged(body, header, origin, number)])
    count = (len(body),)
    columns = {name: Raw(cells, count) for name, cells in zip(header, zip(*body))}
    return Table(origin, header, columns, is_flat=True, notes=notes, first=number)


def _without_blank_lines(rows: list[list[str]], width: int) -> list[list[str]]:
    last = next((index for index in range(len(rows), 0, -1) if rows[index - 1]), 0)
    if width == 1:
        return [row or [""] for row in rows[:last]]
    return [row for row in rows[:last] if row] if [] in rows[:last] else rows[:last]


def _ragged(body: list[list[str]], header: tuple[str, ...], origin: Origin, number: int) -> Diagnostic:
    """The complaint about rows whose length is not the header's."""
    width = len(header)
    bad = [(index, len(row)) for index, row in enumerate(body, number) if len(row) != width]
    lines = "    ".join(f"row {row}: {counted(cells, 'cell')}" for row, cells in bad[:3])
    rows = f"row {bad[0][0]} has" if len(bad) == 1 else f"{grouped(len(bad))} rows have"
    names = {cells for _, cells in bad} == {width + 1} and len(bad) == len(body)
    found = "the first column has no name: write one in front of the header" if names else ""
    found = COMMENT if len(bad) == len(body) and starts_comment(header) else found
    hint = found or "quote a cell that contains the separator"
    return complain("E604", source=origin.name, rows=rows, width=width, found=hint, lines=(lines,))
