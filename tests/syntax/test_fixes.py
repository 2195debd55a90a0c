"""A fix is only given where it is certain: made, it takes its complaint away and brings no other."""

from collections import Counter
from pathlib import Path

import pytest

from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse

# The longer programs (E010_bugs and the like) are left out: behind one complaint there may be another.
FOLDER = Path(__file__).parent.parent / "errors"
CASES = sorted(path for path in FOLDER.glob("E0*.ppl") if "_" not in path.stem)


def complaints(text):
    try:
        parse(text)
    except ModelError as error:
        return error.diagnostics
    return ()


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_fixes(path):
    text = path.read_text(encoding="utf-8")
    found = complaints(text)
    fixed = text
    for complaint in sorted((c for c in found if c.fix), key=lambda c: -c.fix.span.start):
        fixed = fixed[: complaint.fix.span.start] + complaint.fix.text + fixed[complaint.fix.span.end :]
    left = Counter(c.code for c in complaints(fixed))
    assert left <= Counter(c.code for c in found if not c.fix)
