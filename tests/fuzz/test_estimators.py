"""Random programs: whatever estimator the planner chooses, its mean is that of the score function."""

from collections import Counter

import pytest
from estimator_programs import DATA, random_program
from path_or_score import judged

from ppl.source.diagnostic import ModelError

PROGRAMS, PARTS, DRAWS = 504, 12, 512
SOUND = ("sound", "refereed", "exact", "no score")
# What the planner may say of a program that it will not estimate.
REFUSALS = ("E325", "E330", "E530", "E532")


def verdicts(seeds: range, draws: int, points: int) -> Counter[str]:
    """How many programs are sound, and how many are refused; fails with the text of one that is neither."""
    found: Counter[str] = Counter()
    for seed in seeds:
        text = random_program(seed)
        try:
            verdict = judged(text, DATA, seed, draws, points)
        except ModelError as error:
            codes = {d.code for d in error.diagnostics}
            assert codes & set(REFUSALS), f"program {seed}: {error}\n{text}"
            found["refused"] += 1
            continue
        assert verdict.kind in SOUND, f"program {seed}: {verdict}\n{text}"
        found[verdict.kind] += 1
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_the_mean_is_that_of_scores(part: int) -> None:
    size = PROGRAMS // PARTS
    found = verdicts(range(part * size, (part + 1) * size), DRAWS, points=1 + part % 2)
    assert found["refused"] < size / 4  # most programs are estimated
