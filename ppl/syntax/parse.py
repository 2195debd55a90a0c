"""From the text of a model file to its syntax tree."""

from typing import Any

from lark import Tree
from lark.exceptions import UnexpectedInput

from ppl.source.diagnostic import ModelError, complain
from ppl.syntax import ast
from ppl.syntax.build import Build
from ppl.syntax.comments import docs_by_line, find_comments, header
from ppl.syntax.tables import parser


def parse(text: str, path: str = "<model>") -> ast.File:
    """The tree of a model file. Raises `ModelError` with every syntax error of the text."""
    text = normal(text)
    try:
        tree = parser().parse(text)
    except UnexpectedInput as error:
        raise ModelError((complain("E030", None, found=str(error), help=""),)) from None
    return to_file(tree, text, path)


def normal(text: str) -> str:
    """The text with `\\n` for every line break and without a byte order mark: positions count in this one."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def to_file(tree: "Tree[Any]", text: str, path: str) -> ast.File:
    comments = find_comments(text, path)
    items = Build(path, docs_by_line(comments)).transform(tree)
    return ast.File(items, comments, text, path, header(comments, text))
