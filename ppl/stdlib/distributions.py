"""The distributions, by name. Adding one is adding a record to a table; `internal` rows are reached by keyword only."""

from ppl.stdlib.aliases import ALIASES, PARAMETER_ALIASES
from ppl.stdlib.distributions_discrete import COUNTS, LEVELS, TRUTHS
from ppl.stdlib.distributions_positive import HALVES, POSITIVES
from ppl.stdlib.distributions_real import INTERVAL, LINE
from ppl.stdlib.distributions_vector import VECTORS
from ppl.stdlib.records import Distribution

__all__ = ["ALIASES", "DISTRIBUTIONS", "PARAMETER_ALIASES"]

TABLES = (LINE, INTERVAL, HALVES, POSITIVES, TRUTHS, COUNTS, LEVELS, VECTORS)

DISTRIBUTIONS: dict[str, Distribution] = {row.name: row for table in TABLES for row in table}
