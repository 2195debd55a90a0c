"""The house keeps its rooms: each imports only rooms above it, and starting up imports only what it needs."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ppl"
ROOMS = tuple(
    room
    for rooms in ("source stdlib syntax check data", "graph forward rewrite guide emit infer", "results api cli")
    for room in rooms.split()
)
FILES = sorted(PACKAGE.rglob("*.py"))
OPTIONAL = {"pyarrow", "pandas", "polars", "xarray", "arviz", "jax"}
HEAVY = ("numpy", "scipy", "autograd", "networkx", "matplotlib")


def room(path: Path) -> str:
    """The room of a file; the two files beside the rooms stand below all."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "cli" if first in ("__init__", "__main__") else first


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every absolute module name that a tree imports, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((n.name, node.lineno) for n in names)
            case ast.ImportFrom(module=module, level=level, names=names):
                assert level == 0, f"a relative import in line {node.lineno}"
                yield str(module), node.lineno
                if module == "ppl":
                    yield from ((f"ppl.{n.name}", node.lineno) for n in names)


def inner_imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The imports inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from imported(node)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_every_file_is_in_a_room() -> None:
    assert {room(path) for path in FILES} == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_only_rooms_above(path: Path) -> None:
    here = ROOMS.index(room(path))
    for module, line in imported(parsed(path)):
        parts = module.split(".")
        if parts[0] == "ppl" and len(parts) > 1 and parts[1] in ROOMS:
            assert ROOMS.index(parts[1]) <= here, f"{name(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_at_the_top(path: Path) -> None:
    """Verbs of the command line and optional extras may wait until they are asked for."""
    late = [(module, line) for module, line in inner_imports(parsed(path)) if module.split(".")[0] not in OPTIONAL]
    assert room(path) == "cli" or not late, late


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_import_is_for_the_type_checker_alone(path: Path) -> None:
    names = {n.id for n in ast.walk(parsed(path)) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(parsed(path)) if isinstance(n, ast.Attribute)}
    assert "TYPE_CHECKING" not in names


def test_only_the_syntax_room_knows_the_parser() -> None:
    users = {room(p) for p in FILES for module, _ in imported(parsed(p)) if module.split(".")[0] == "lark"}
    assert users == {"syntax"}


def test_a_wrong_import_is_noticed() -> None:
    """The reading of imports has teeth."""
    tree = ast.parse("from ppl import api\nimport ppl.cli.main as m\n\ndef f():\n    import lark\n")
    assert {module for module, _ in imported(tree)} == {"ppl", "ppl.api", "ppl.cli.main", "lark"}
    assert list(inner_imports(tree)) == [("lark", 5)]


# ---- starting up ---------------------------------------------------------------------------------------------------

CHECKING = """
from ppl.check.check import check
from ppl.syntax.parse import parse
assert check(parse(open({path!r}, encoding="utf-8").read(), "m.ppl")).core is not None
"""


def modules_after(code: str) -> set[str]:
    """The packages that a fresh interpreter has imported once it has run some code."""
    ask = code + "\nimport json, sys\nprint(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_is_light() -> None:
    assert not modules_after("import ppl") & {*HEAVY, "lark"}


def test_checking_a_model_needs_no_numerical_package() -> None:
    path = str(ROOT / "models" / "eight_schools.ppl")
    assert not modules_after(CHECKING.format(path=path)) & set(HEAVY)
