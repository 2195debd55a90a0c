"""The examples of `ppl explain CODE`: the wrong ones give their code, the right ones give none."""

import re

import pytest

from ppl.check.check import check
from ppl.graph.graph import lower
from ppl.rewrite.plan import plan
from ppl.source.codes import CODES
from ppl.source.diagnostic import ModelError
from ppl.source.pages_model import EXAMPLE_DATA, MODEL_PAGES, RUN_PAGES
from ppl.syntax.parse import parse

BLOCK = re.compile(r"^(data|axis|const|fun|net|model)\b", re.MULTILINE)


def completed(example: str, code: str) -> str:
    """The example as a whole file."""
    if not BLOCK.match(example):
        return f"{EXAMPLE_DATA}model {{\n{example}\n}}\n"
    data = "" if "data" in example else EXAMPLE_DATA
    model = "" if "model" in example or code == "E406" else "model { y ~ Normal(0, 1) }\n"
    return f"{data}{example}\n{model}"


def codes(text: str) -> set[str]:
    """The codes that checking and planning give."""
    try:
        found = check(parse(text))
        if found.core is not None:
            plan(lower(found.core))
    except ModelError as problem:
        return {d.code for d in problem.diagnostics}
    return {d.code for d in found.diagnostics}


@pytest.mark.parametrize("code", sorted(MODEL_PAGES))
def test_wrong_gives_the_code_and_right_does_not(code: str) -> None:
    page = MODEL_PAGES[code]
    wrong, right = codes(completed(page.wrong, code)), codes(completed(page.right, code))
    assert {c for c in wrong if c != "W102"} | ({"W102"} & wrong & {code}) == {code}
    assert not any(c.startswith("E") or c == code for c in right - ({"W102"} - {code}))


@pytest.mark.parametrize("code", sorted(RUN_PAGES))
def test_what_running_finds_is_not_found_before(code: str) -> None:
    page = RUN_PAGES[code]
    assert not any(c.startswith("E") for c in codes(completed(page.right, code)))
    assert code in {row.code for row in CODES.values()}
