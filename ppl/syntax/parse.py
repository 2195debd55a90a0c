"""From the text of a model file to its syntax tree."""

from typing import Any

from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.syntax import ast
from ppl.syntax.build import Build, span_of
from ppl.syntax.comments import docs_by_line, find_comments, header
from ppl.syntax.errors import find_bugs_names, find_errors
from ppl.syntax.tables import parser

MOST_LEVELS = 100
"""How deep a tree may be: every later pass walks it by recursion."""

_WORDS = frozenset(["if", "then", "else", "and", "or", "not", "true", "false"])


def parse(text: str, path: str = "<model>") -> ast.File:
    """The tree of a model file. Raises `ModelError` with every syntax error of the text."""
    text = normal(text)
    try:
        tree = parser().parse(text)
    except UnexpectedInput:
        raise ModelError(find_errors(text, path)) from None
    _verify_depth(tree, path)
    if complaints := (*_words_as_names(tree, path), *find_bugs_names(text, path)):
        raise ModelError(complaints)
    return to_file(tree, text, path)


def normal(text: str) -> str:
    """The text with `\\n` for every line break and without a byte order mark: positions count in this one."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def to_file(tree: "Tree[Any]", text: str, path: str) -> ast.File:
    comments = find_comments(text, path)
    items = Build(path, docs_by_line(comments)).transform(tree)
    return ast.File(items, comments, text, path, header(comments, text))


def _verify_depth(tree: "Tree[Any]", path: str) -> None:
    left = [(tree, 0)]
    while left:
        node, depth = left.pop()
        if depth > MOST_LEVELS:
            raise ModelError((complain("E035", span_of(path, node.meta), most=MOST_LEVELS),))
        left += [(child, depth + 1) for child in node.children if isinstance(child, Tree)]


def _words_as_names(tree: "Tree[Any]", path: str) -> tuple[Diagnostic, ...]:
    """Names that no expression could use. Where no expression may begin, the parser takes such a word for a name."""
    taken = tree.scan_values(lambda value: isinstance(value, Token) and value.type == "NAME" and value in _WORDS)
    return tuple(complain("E033", span_of(path, token), name=token) for token in taken)
