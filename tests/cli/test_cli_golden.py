"""What the verbs that only look at a model print, for every example model."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import MODELS, ROOT, ppl

from tests.bundled import arguments

GOLDEN = ROOT / "tests" / "golden"
EVERY = sorted(path.stem for path in MODELS.glob("*.ppl"))
VIEWS: dict[str, tuple[str, ...]] = {
    "explain.txt": ("explain", "{model}"),
    "graph.txt": ("graph", "{model}"),
    "mermaid": ("graph", "{model}", "--format", "mermaid"),
    "dot": ("graph", "{model}", "--format", "dot"),
    "emit.txt": ("emit", "{model}"),
    "check.txt": ("check", "{model}", "{data}"),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", EVERY)
def test_golden(name: str, view: str, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    data = arguments(name)
    args = [a for arg in VIEWS[view] for a in (data if arg == "{data}" else [arg.format(model=f"models/{name}.ppl")])]
    result = ppl(*args, columns=100)
    assert result.exit_code == 0, result.output
    GOLDEN.mkdir(exist_ok=True)
    golden(GOLDEN / f"{name}.{view}", result.stdout)
