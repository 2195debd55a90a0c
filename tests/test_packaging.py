"""The wheel carries the grammar, and its `ppl` works from another directory."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contents of a freshly built wheel, away from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    code = (
        "import sys; from hatchling.builders.wheel import WheelBuilder; "
        "print(next(WheelBuilder(sys.argv[1]).build(directory=sys.argv[2])))"
    )
    built = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), str(out)], capture_output=True, text=True, cwd=out, check=True
    )
    wheel = Path(built.stdout.strip().splitlines()[-1])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out


def run(unpacked: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(unpacked / "site")}
    start = "import ppl, sys; assert 'site' in ppl.__file__, ppl.__file__; from ppl.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", start, *args], capture_output=True, text=True, cwd=unpacked, env=env, check=False
    )


def test_wheel_has_the_grammar_and_the_tables(unpacked: Path) -> None:
    assert (unpacked / "site/ppl/_grammar/ppl.lark").read_text() == (ROOT / "grammar/ppl.lark").read_text()
    assert (unpacked / "site/ppl/infer/sobol_joe_kuo.npz").exists()


def test_wheel_checks_and_fits_from_another_directory(unpacked: Path) -> None:
    model, data = ROOT / "models/eight_schools.ppl", ROOT / "models/eight_schools.csv"
    assert run(unpacked, "check", str(model)).returncode == 0
    fitted = run(unpacked, "fit", str(model), str(data), "-o", str(unpacked / "a.fit.npz"))
    assert fitted.returncode == 0, fitted.stderr
    assert "theta" in fitted.stdout
