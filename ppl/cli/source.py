"""Reading what the command line names: model files, constants, how data are to be read."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from ppl.data.options import Options
from ppl.data.sources import Files
from ppl.source.diagnostic import ModelError, complain
from ppl.source.suggest import did_you_mean

STDIN = "-"
# What can only be data; a model may well be in a .txt.
DATA_SUFFIXES = frozenset(".csv .tsv .tab .npz .npy .parquet .arrow .feather".split())
Command = Callable[..., Any]
# What a command is given as data: one path, a path for each table, or nothing.
Data = str | Files | None


def read_model(path: str) -> tuple[str, str]:
    """The name and the text of a model file, `-` for standard input. Raises ModelError (E705)."""
    try:
        if path == STDIN:
            return "<stdin>", sys.stdin.buffer.read().decode("utf-8-sig")
        return path, Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _no_model(path, "there is no such file", _near(Path(path))) from None
    except IsADirectoryError:
        raise _no_model(path, "it is a folder", _near(Path(path) / "")) from None
    except UnicodeDecodeError as problem:
        raise _no_model(path, f"byte {problem.start + 1} is not UTF-8 text", "save it as UTF-8") from None
    except (OSError, ValueError) as problem:
        raise _no_model(path, (getattr(problem, "strerror", None) or str(problem)).lower(), "") from None


def verify_order(model: str, data: Data) -> None:
    """A command line with the data in the place of the model is wrong. Raises UsageError."""
    is_data = Path(model).suffix.lower() in DATA_SUFFIXES
    if isinstance(data, str) and Path(data).suffix == ".ppl" and (is_data or Path(model).suffix != ".ppl"):
        raise click.UsageError(f"the model comes first, then the data: `{_verb()} {data} {model}`")
    if is_data and data is None:
        raise click.UsageError(f"`{model}` is data; the model comes first: `{_verb()} MODEL.ppl {model}`")


def _verb() -> str:
    return click.get_current_context().command_path


def _no_model(path: str, why: str, help_: str) -> ModelError:
    return ModelError([complain("E705", path=path, why=why, help=help_)])


def _near(path: Path) -> str:
    """What the author may have meant: a similar name, or the model files that are there."""
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        return f"there is no folder `{folder}` either"
    names = sorted(item.name for item in folder.glob("*.ppl"))
    near = did_you_mean(path.name, names, {})
    if near:
        return f"did you mean `{folder / near}`?"
    return f"model files in `{folder}`: {', '.join(names[:8])}" if names else f"`{folder}` has no model files (*.ppl)"


def defines(settings: tuple[str, ...]) -> dict[str, object]:
    """The constants that `-D NAME=VALUE` sets: a number, `true`, `false`, a JSON list, or else a text."""
    return {name: _value(text) for name, text in (_pair(s, "-D") for s in settings)}


def _value(text: str) -> object:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (bool, int, float, list)) else text


def _pair(setting: str, option: str) -> tuple[str, str]:
    name, sign, value = setting.partition("=")
    if not sign or not name.strip():
        raise click.UsageError(f"{option} takes NAME=VALUE, not `{setting}`")
    return name.strip(), value


def estimators(settings: tuple[str, ...]) -> dict[str, str]:
    """The estimators that `--estimator NAME=ESTIMATOR` asks for."""
    return {name: value.strip() for name, value in (_pair(s, "--estimator") for s in settings)}


def data_options(settings: Mapping[str, Any]) -> Options:
    """How the data are to be read, from the options that `with_data` declares."""
    return Options(
        sep=settings["sep"],
        decimal=settings["decimal"],
        na=settings["na"],
        map=dict(_pair(m, "--map") for m in settings["map"]),
        missing=settings["missing"],
        strip=settings["strip"],
    )


def _sources(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> Data:
    """One path as it is; several, or paths with the names of tables, as pairs. A file whose name has a `=` is found."""
    if len(given) < 2 and not any(_is_named(text) for text in given):
        return given[0] if given else None
    split = (text.partition("=") if _is_named(text) else ("", "", text) for text in given)
    return Files(tuple((name or None, path) for name, _, path in split))


def _is_named(text: str) -> bool:
    name, sign, path = text.partition("=")
    return bool(sign and path) and name.isidentifier() and not Path(text).exists()


def with_data(command: Command) -> Command:
    """The options about constants and data that `fit`, `check` and `explain` share."""
    for option in reversed(DATA):
        command = option(command)
    return command


def with_reading(command: Command) -> Command:
    """The options about how files of data are read, without those about constants."""
    for option in reversed(DATA[1:]):
        command = option(command)
    return command


def values(settings: tuple[str, ...], option: str) -> dict[str, object]:
    """Names and values, as `--set NAME=VALUE` gives them: numbers, `true`, `false`, JSON lists, or else texts."""
    return {name: _value(text) for name, text in (_pair(s, option) for s in settings)}


DATA = (
    click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", help="Set a `const` of the model."),
    click.option("--map", multiple=True, metavar='NAME="COLUMN"', help="The column of the file for a declared name."),
    click.option("--sep", metavar="CHAR", help="What separates the cells: `;`, tab, space.  [default: by the suffix]"),
    click.option("--decimal", default=".", metavar="CHAR", help="The decimal mark: `.` or `,`."),
    click.option("--na", multiple=True, metavar="TEXT", help="A text that means missing, besides NA, NaN, null, `.`."),
    click.option(
        "--missing",
        type=click.Choice(["error", "drop"]),
        default="error",
        help="What a missing cell does: it is an error, or its row is left out.",
    ),
    click.option("--strip", is_flag=True, help="Remove spaces around the labels of factors."),
)
GUIDE = click.option(
    "--guide",
    metavar="NAME",
    help="A guide of the file, or auto, mean_field, full_rank, low_rank:R, laplace, flow."
    "  [default: the first of the file, or auto]",
)
ESTIMATOR = click.option(
    "--estimator",
    "estimators",
    multiple=True,
    metavar="NAME=ESTIMATOR",
    help="How the gradient of an unknown is estimated, where that is sound; may be given several times.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing else.")
MODEL = click.argument("model")
DATA_FILE = click.argument("data", nargs=-1, callback=_sources, metavar="[DATA | TABLE=DATA...]")
