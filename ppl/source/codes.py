"""Every complaint that `ppl` can make: one frozen record each. A key is a code, or a code, a dot and a variant."""

from ppl.source.code import Code
from ppl.source.codes_data import DATA_CODES
from ppl.source.codes_joint import JOINT_CODES
from ppl.source.codes_matrices import MATRIX_CODES
from ppl.source.codes_model import MODEL_CODES
from ppl.source.codes_predict import PREDICT_CODES
from ppl.source.codes_run import RUN_CODES
from ppl.source.codes_syntax import SYNTAX_CODES


def _table(*groups: tuple[Code, ...]) -> dict[str, Code]:
    return {row.key: row for group in groups for row in group}


CODES = _table(SYNTAX_CODES, MODEL_CODES, MATRIX_CODES, JOINT_CODES, DATA_CODES, RUN_CODES, PREDICT_CODES)
