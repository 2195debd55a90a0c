"""Array functions that the texts of the tables call as `k`."""

from ppl.stdlib.special import (
    between,
    betainc_da,
    gammainc_da,
    log1mexp,
    log_gammainc,
    log_gammainc_da,
    log_gammaincc,
    log_gammaincc_da,
    log_i0,
    log_if,
    log_sigmoid,
    logsubexp,
    ratio0,
    sigmoid,
    softplus,
    stdtr_da,
)
