"""What can be wrong with keys, pointers and defaults of columns, with constants, and with imports."""

from ppl.source.code import Code

TABLES: tuple[Code, ...] = (
    Code("E209.table", "`per {name}`: `{name}` is a column of another table", hint="move this column to that table"),
    Code(
        "E213",
        "`{name}` cannot be the key of its table",
        "{why}",
        "a key has one text or whole number for each row",
        about="A key names the rows of its table, so that other tables can point at them: a cell in every row, no two"
        " alike. A table has one.",
        wrong="data subjects {\n  id: key?\n}",
        right="data subjects {\n  id: key\n}",
    ),
    Code(
        "E214",
        "`{name}` points into `{table}`, which has no key",
        hint="`id: key` in `data {table} {{ … }}`: the column that names its rows",
        about="A column whose type is the name of a table holds keys of that table.",
        wrong="data subjects {\n  age: real\n}\ndata trials {\n  subject: subjects\n}",
        right="data subjects {\n  id:  key\n  age: real\n}\ndata trials {\n  subject: subjects\n}",
    ),
    Code(
        "E215",
        "of several `data` blocks at most one has no name",
        hint="`data subjects {{ … }}`",
        about="The name of a block is the axis of its rows, and says on the command line which file is meant."
        " The axis of a block without a name is `row`.",
        wrong="data {\n  id: key\n}\ndata {\n  y: real\n}",
        right="data subjects {\n  id: key\n}\ndata {\n  y: real\n}",
    ),
    Code(
        "E216",
        "the default of `{name}` does not fit",
        "{why}",
        "a number, true or false, or a text: `x: real = 0`",
        about="A default stands for the blanks of a column, and for the column where the data have none of its name.",
        wrong="dose: real > 0 = 0",
        right="dose: real >= 0 = 0",
    ),
    Code(
        "E216.observed",
        "`{name}` has a default and a distribution: what stands for a blank would count as observed",
        hint="`{name}: {kind}?` makes its blanks unknowns",
    ),
    Code(
        "E217",
        "`const {name}` is declared {kind}",
        "{why}",
        "`const {name} = …` takes the type of its value",
        about="The type of a constant is real, int, bool or text, and its value, or each element of its list, has it.",
        wrong="const k: int = 2.5",
        right="const k: real = 2.5",
    ),
    Code(
        "E218",
        "`{name}` is a key: it names the rows, and nothing is random about it",
        hint="describe another column of the table",
        about="A key only says which row is which.",
        wrong="id ~ Categorical(w)",
        right="site ~ Categorical(w)",
    ),
)

IMPORTS: tuple[Code, ...] = (
    Code(
        "E120",
        "there is no file `{path}` to import from",
        hint="{help}",
        about="The path of an import is relative to the file that imports.",
        wrong='import f from "utl.ppl"',
        right='import f from "util.ppl"',
    ),
    Code("E120.unreadable", "`{path}` cannot be imported: {why}", hint="{help}"),
    Code(
        "E121",
        "`{path}` lies outside the folder of the model",
        hint="move the file there: imports stay inside the folder of the model",
        about="A model can be read, moved and trusted as one folder: no import, and no link in the folder, leads out"
        " of it.",
        wrong='import f from "../common/util.ppl"',
        right='import f from "lib/util.ppl"',
    ),
    Code("E121.suffix", "`{path}` is no model file", hint="imports are from files that end in `.ppl`"),
    Code(
        "E122",
        "`{path}` has no function or net `{name}`",
        hint="{help}",
        about="Imports bring what the file itself defines by `fun` and `net`.",
        wrong='import soft_flor from "lib/util.ppl"',
        right='import soft_floor from "lib/util.ppl"',
    ),
    Code(
        "E123",
        "these imports lead back to where they began: {path}",
        hint="move what both files need to a third",
        about="A file cannot import from a file that imports from it.",
        wrong='import g from "b.ppl"      # in a.ppl, while b.ppl has: import f from "a.ppl"',
        right='import g from "c.ppl"      # and in b.ppl: import g from "c.ppl"',
    ),
    Code(
        "E124",
        "a file that others import from has no {what}",
        hint="it may have `fun`, `net`, `const`, `axis` and `import`",
        about="One file has the model; the others have functions and nets for it.",
        wrong="data {\n  y: real\n}\nfun f(x) = x + 1",
        right="fun f(x) = x + 1",
    ),
)
