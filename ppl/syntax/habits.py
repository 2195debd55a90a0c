"""Habits from Stan, BUGS, R, Python, Pyro and C: a pattern, a complaint, and a repair after which parsing goes on.

The patterns look at a copy of the text in which comments are blank and strings hold underscores. The group `at` is what
the carets mark; `edit` (or else `at`) is what the repair replaces; all groups fill the holes of the complaint.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ppl.source.diagnostic import Fix, complain
from ppl.syntax.layout import Finding
from ppl.syntax.patch import Edit
from ppl.syntax.scan import OPEN_END, Scan

_Match = re.Match[str]
_START = r"(?:^|(?<=[{;}]))[ \t]*"


@dataclass(frozen=True, slots=True)
class Habit:
    """`fix`: the repair is what the user should write. `hint`, where given, computes it from the original text."""

    key: str
    pattern: re.Pattern[str]
    repair: str | Callable[[_Match], str]
    fix: bool = False
    hint: Callable[[_Match, str], str] | None = None


def _habit(
    key: str,
    pattern: str,
    repair: str | Callable[[_Match], str],
    fix: bool = False,
    hint: Callable[[_Match, str], str] | None = None,
) -> Habit:
    return Habit(key, re.compile(pattern, re.M), repair, fix, hint)


# ---- hints that depend on what stands there ----------------------------------------------------------------------


def _group(match: _Match, text: str, name: str) -> str:
    """What the group stands for in the original text, strings and all."""
    start, end = match.span(name)
    return "" if start < 0 else text[start:end].strip()


def _power(match: _Match, text: str) -> str:
    left, right = _group(match, text, "left"), _group(match, text, "right")
    return f"`{left}^{right}`" if left and right else "`x^2`"


_HALVES = {"Normal": "HalfNormal", "Cauchy": "HalfCauchy", "StudentT": "HalfStudentT"}


def _truncation(match: _Match, text: str) -> str:
    name, arguments = _group(match, text, "name"), _group(match, text, "args")
    lower, _, upper = (part.strip() for part in _group(match, text, "limits").partition(","))
    limits = "".join(f", {word}={bound}" for word, bound in (("lower", lower), ("upper", upper)) if bound)
    whole = f"`Truncated({name}({arguments}){limits})`"
    parts = [part.strip() for part in arguments.split(",")]
    if name in _HALVES and parts[-2:-1] == ["0"] and lower == "0" and not upper:
        return f"{whole}, which is `{_HALVES[name]}({', '.join((*parts[:-2], parts[-1]))})`"
    return whole


def _precision(name: str) -> Callable[[_Match, str], str]:
    def hint(match: _Match, text: str) -> str:
        mean, _, precision = (part.strip() for part in _group(match, text, "args").partition(","))
        if not mean or not precision:
            return f"`{name}(mean, sd)`"
        try:
            sd = f"{float(precision) ** -0.5:.4g}"
        except (ValueError, ZeroDivisionError, OverflowError):
            return f"`{name}({mean}, precision={precision})`"
        return f"`{name}({mean}, {sd})`, or `{name}({mean}, precision={precision})`"

    return hint


def _renamed(name: str) -> Callable[[_Match, str], str]:
    return lambda match, text: f"`{name}({_group(match, text, 'args')})`"


def _declaration(match: _Match, text: str) -> str:
    """In a data block, the declaration; elsewhere, that none is needed."""
    block = re.findall(r"\b(data|model|guide|predict|parameters|quantities)\b[^\n{}]*\{", match.string[: match.start()])
    if block[-1:] == ["data"]:
        return f"`{match['name']}: {_COLUMN_TYPES.get(match['type'] or '', 'real')}`"
    return f"unknowns are not declared: `{match['name']} ~ …` is enough"


_COLUMN_TYPES = {"int": "int", "integer": "int", "bool": "bool", "boolean": "bool"}
_WORDS = {"&": "and", "|": "or", "!": "not"}


def _word(match: _Match) -> str:
    return f" {_WORDS[match['at'][0]]} "


def _matrix(match: _Match) -> str:
    return {"%*%": "@", "%%": "%"}.get(match["at"], match["at"][-1])


def _link(match: _Match, text: str) -> str:
    inverse = {"logit": "sigmoid(…)", "log": "exp(…)", "cloglog": "1 - exp(-exp(…))"}.get(match["link"])
    return f"`p = {inverse}`" if inverse else "the inverse of the link, on the right"


def _unprefixed(match: _Match, text: str) -> str:
    return "`x ~ Normal(0, 1)`" if match["name"] in ("sample", "param", "deterministic") else f"`{match['name']}(…)`"


_STAN_BLOCKS = {
    "parameters": "delete it: what is on the left of `~` in `model { … }` is an unknown",
    "transformed parameters": "write its lines, without types, in `model { … }`",
    "transformed data": "write its lines, without types, in `model { … }`",
    "generated quantities": "`predict { … }`",
    "functions": "`fun f(x) = …`, outside the blocks",
}


def _stan_block(match: _Match, text: str) -> str:
    return _STAN_BLOCKS[" ".join(match["at"].split())]


# ---- the table ---------------------------------------------------------------------------------------------------

# BUGS, JAGS and R call it `dnorm`; the precision of the first three is the reason for a word of their own.
_PRECISION = {"dnorm": "Normal", "dlnorm": "LogNormal", "dlogis": "Logistic"}
_BUGS = {
    "dbern": "Bernoulli",
    "dbeta": "Beta",
    "dbin": "Binomial",
    "dbinom": "Binomial",
    "dcat": "Categorical",
    "dcauchy": "Cauchy",
    "ddexp": "Laplace",
    "ddirch": "Dirichlet",
    "ddirich": "Dirichlet",
    "dexp": "Exponential",
    "dflat": "Flat",
    "dgamma": "Gamma",
    "dgeom": "Geometric",
    "dmnorm": "MvNormal",
    "dmulti": "Multinomial",
    "dnegbin": "NegBinomial",
    "dpois": "Poisson",
    "dt": "StudentT",
    "dunif": "Uniform",
    "dweib": "Weibull",
    "dwish": "Wishart",
}
_OTHER_PARAMETERS = frozenset(["dbin", "dmnorm", "dnegbin", "dt", "dweib", "dwish"])
_BUGS_CALL = r"~[ \t]*(?P<at>{})(?=[ \t]*\((?P<args>[^()\n]*))"

BUGS: tuple[Habit, ...] = (
    *(_habit("E010", _BUGS_CALL.format(old), new, hint=_precision(new)) for old, new in _PRECISION.items()),
    *(
        _habit("E010.parameters", _BUGS_CALL.format(old), new)
        if old in _OTHER_PARAMETERS
        else _habit("E010.name", _BUGS_CALL.format(old), new, True, _renamed(new))
        for old, new in _BUGS.items()
    ),
)

_TYPE = (
    r"(?:(?P<type>real|int|integer|float|double|bool|boolean|vector|row_vector|matrix|simplex|ordered)"
    r"|array[ \t]*\[[^\]\n]*\][ \t]*\w+)"
)
_BOUNDS, _SIZES = r"(?:<[^>\n]*>)?", r"(?:\[[^\]\n]*\])?"

HABITS: tuple[Habit, ...] = (
    *BUGS,
    _habit(
        "E028",
        r"(?P<name>\b[A-Za-z]\w*)[ \t]*\((?P<args>[^()\n]*)\)[ \t]*(?P<at>T[ \t]*[\[(](?P<limits>[^\])\n]*)[\])])",
        "",
        hint=_truncation,
    ),
    _habit(
        "E037",
        _START + r"(?P<edit>(?P<at>(?P<link>logit|log|probit|cloglog)[ \t]*\()[^\n~=<]*\)[ \t]*(?:<-|=(?!=)))",
        "x =",
        hint=_link,
    ),
    _habit("E039", r"(?P<edit>(?P<at>\w+_lp[dm]f)[ \t]*\([^()|\n]*\|)", "f("),
    _habit("E009", r"(?P<at>\btarget[ \t]*\+=)", "factor "),
    _habit("E001", r"(?P<at>;)(?=[ \t]*(?:$|\}))", "", True),
    _habit("E001.between", r"(?P<at>;)", "\n", True),
    _habit("E002", _START + r"[A-Za-z_][\w.]*[ \t]*(?:\[[^\]\n]*\])?[ \t]*(?P<at><-)", "="),
    _habit("E003", r"(?:(?P<left>[\w.]+)[ \t]*)?(?P<at>\*\*)(?:[ \t]*(?P<right>[\w.]+))?", "^", True, _power),
    _habit(
        "E007", r"(?P<edit>(?P<at>\bfor[ \t]*\()(?:[^(){}\n]|\([^(){}\n]*\))*\)(?:[ \t]*\n?[ \t]*\{)?)", "for x in x {"
    ),
    _habit("E008", r"(?P<edit>\}\s*else\b[^\n{}]*(?P<at>)\{)", "}\nfor x in x {"),
    _habit("E008", _START + r"(?P<at>if\b[^\n{}]*\{)", "for x in x {"),
    _habit(
        "E019",
        _START + r"(?P<edit>(?P<at>" + "|".join(s.replace(" ", r"[ \t]+") for s in _STAN_BLOCKS) + r")[ \t]*\{)",
        "model {",
        hint=_stan_block,
    ),
    _habit(
        "E018",
        r"(?P<at>\b(?:pyro|numpyro|pm|tfd|dist|torch|tf|np|jnp|math|stats)\.(?P<name>\w+))(?=[ \t]*\()",
        "f",
        hint=_unprefixed,
    ),
    _habit("E011", _START + r"(?P<edit>(?P<at>def\b)[^\n{]*:[ \t]*(?:\n[ \t]+[^\n]*)*)", ""),
    _habit("E011", _START + r"(?P<at>def|function)\b(?=[ \t]+\w)", "fun"),
    _habit(
        "E012",
        _START + r"(?P<edit>(?P<at>while|repeat)\b[ \t]*(?:\((?:[^(){}\n]|\([^(){}\n]*\))*\)[ \t]*)?\{)",
        "for x in x {",
    ),
    _habit("E036", _START + r"(?P<edit>(?:for|elif|while|class|with|else)\b[^\n{]*(?P<at>:))[ \t]*$", ""),
    _habit(
        "E006",
        _START + rf"(?P<edit>(?P<at>{_TYPE}[ \t]*{_BOUNDS}[ \t]*{_SIZES}[ \t])[ \t]*"
        rf"(?=(?P<name>[A-Za-z]\w*)[ \t]*{_SIZES}[ \t]*(?:[;=]|$)))",
        "",
        hint=_declaration,
    ),
    _habit("E015", r"(?P<at>(?<![<>=!+*/-])[+*/-]=(?!=))", "="),
    _habit("E016", r"(?P<at>%\*%|%%|\.\*|\./|\.\^)", _matrix, True),
    _habit("E004", r"(?P<at>&&?|\|\|?(?!>)|!(?!=))", _word, True),
    _habit("E013", r"(?<=[\w)\]][ \t])(?P<edit>(?P<at>\?)[ \t][^\n?:{}]+:)", "+"),
    _habit("E014", r"(?<![\w.])(?P<edit>(?P<low>\d+)[ \t]*(?P<at>:)[ \t]*(?P<high>\w+))", r"\g<low>..\g<high>", True),
    _habit("E026", r"(?<![\w.])(?P<at>(?>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)[A-Za-z_]\w*)", "1"),
    _habit("E026.end", r"(?<![\w.])(?P<at>(?P<digits>\d+)\.)(?![.\d\w])", r"\g<digits>", True),
    _habit("E026.start", r"(?<![\w.\])])(?P<at>\.(?P<digits>\d+(?:[eE][+-]?\d+)?))(?!\w)", r"0.\g<digits>", True),
)


def find_habits(scan: Scan, habits: tuple[Habit, ...] = HABITS) -> tuple[Finding, ...]:
    """What the table finds in the text, the earlier entry of the table where two claim the same place."""
    found: list[Finding] = []
    taken: list[tuple[int, int]] = []
    for habit in habits:
        for match in habit.pattern.finditer(scan.masked):
            place = match.span("edit" if "edit" in match.re.groupindex else "at")
            if all(place[1] <= start or end <= place[0] for start, end in taken):
                taken.append(place)
                found.append(_finding(habit, match, scan, place))
    return tuple(found)


def _finding(habit: Habit, match: _Match, scan: Scan, place: tuple[int, int]) -> Finding:
    repair = habit.repair(match) if callable(habit.repair) else match.expand(habit.repair)
    at = match.span("at")
    if at[0] == at[1]:  # part of a habit that has been reported where it begins
        at = place
    fix = Fix(scan.span(*place), repair) if habit.fix else None
    holes: dict[str, Any] = {name: _group(match, scan.text, name) for name in match.re.groupindex}
    hint = {"hint": habit.hint(match, scan.text)} if habit.hint else {}
    holes |= {"new": repair.strip()} | hint
    return Finding(complain(habit.key, scan.span(*at), fix=fix, **holes), (Edit(*place, repair),))


# ---- characters, quotes and comments -----------------------------------------------------------------------------

_UNKNOWN = re.compile(
    r"[^\W\d_]*(?:[^\s!-~\u0370-\u03ff]|[\x0b\x0c\xa0\x1c-\x1f\x85\u2028\u2029$\\`'\u2000-\u200a\u3000])[^\W\d_]*"
)
_LOOKS_LIKE = {
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=", "→": "->",
    "←": "=", "²": "^2", "³": "^3", "∼": "~", "˜": "~", "…": "..", "\xa0": " ", "\u200b": "", "\u2028": "\n",
    "√": "sqrt", "½": "0.5", "\ufeff": "", "\x0c": "", "（": "(", "）": ")", "，": ",", "：": ":",
}  # fmt: skip


def find_characters(scan: Scan) -> Iterator[Finding]:
    """Characters that no program has."""
    for match in _UNKNOWN.finditer(scan.masked):
        span, edit = scan.span(*match.span()), (match.start(), match.end())
        if match[0] in _LOOKS_LIKE:
            meant = _LOOKS_LIKE[match[0]]
            shown = _named(match[0])
            hint = f"write `{meant}`" if meant.strip() else "retype the space" if meant else "delete it"
            yield Finding(complain("E023", span, char=shown, hint=hint, fix=Fix(span, meant)), (Edit(*edit, meant),))
        elif len(match[0]) > 1 or match[0].isalpha():
            yield Finding(complain("E023.letter", span, word=match[0]), (Edit(*edit, "x"),))
        else:
            yield Finding(complain("E023", span, char=_named(match[0]), hint=""), (Edit(*edit, " "),))


def _named(char: str) -> str:
    visible = char.isprintable() and not char.isspace()
    return f"`{char}`" if visible else f"U+{ord(char):04X}"


def find_hidden(scan: Scan) -> Iterator[Finding]:
    """Comments and quotes of other languages, and a string without its end."""
    for part in scan.hidden:
        span = scan.span(part.start, part.end)
        match part.kind:
            case "slashes":
                fixed = "\n".join(
                    "# " + re.sub(r"^\s*(/\*+|\*+/|//|\*)?|\*+/\s*$", "", s).strip() for s in part.text.split("\n")
                )
                mark = scan.span(part.start, part.start + 2)
                blank = "\n" * part.text.count("\n")
                yield Finding(
                    complain("E005", mark, sign=part.text[:2], fix=Fix(span, fixed)),
                    (Edit(part.start, part.end, blank),),
                )
            case "single":
                quoted = f'"{part.text[1:-1]}"'
                yield Finding(
                    complain("E017", span, hint=f"`{quoted}`", fix=Fix(span, quoted)),
                    (Edit(part.start, part.end, quoted),),
                )
            case "open":
                mark = scan.span(part.start, part.start + 1)
                closed = OPEN_END.sub(lambda m: '"' + m[0], part.text, count=1)
                yield Finding(complain("E022", mark), (Edit(part.start, part.end, closed),))
