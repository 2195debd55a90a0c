"""Parameter points for every family, each with scipy's own version of the distribution."""

import numpy as np
import scipy.stats as st

A = np.asarray
CASES = {
    "Normal": [((0.0, 1.0), st.norm(0, 1)), ((-3.0, 1e-3), st.norm(-3, 1e-3)), ((1e4, 250.0), st.norm(1e4, 250))],
    "StudentT": [
        ((1.0, 0.0, 1.0), st.t(1, 0, 1)),
        ((4.5, -2.0, 3.0), st.t(4.5, -2, 3)),
        ((200.0, 1.0, 0.1), st.t(200, 1, 0.1)),
    ],
    "Cauchy": [((0.0, 1.0), st.cauchy(0, 1)), ((-3.0, 20.0), st.cauchy(-3, 20))],
    "Laplace": [((0.0, 1.0), st.laplace(0, 1)), ((2.0, 0.05), st.laplace(2, 0.05))],
    "Logistic": [((0.0, 1.0), st.logistic(0, 1)), ((2.0, 0.05), st.logistic(2, 0.05))],
    "Gumbel": [((0.0, 1.0), st.gumbel_r(0, 1)), ((-1.0, 4.0), st.gumbel_r(-1, 4))],
    "Uniform": [((0.0, 1.0), st.uniform(0, 1)), ((-3.0, 5.0), st.uniform(-3, 8))],
    "Beta": [((1.0, 1.0), st.beta(1, 1)), ((0.3, 0.6), st.beta(0.3, 0.6)), ((80.0, 5.0), st.beta(80, 5))],
    "VonMises": [
        ((0.0, 0.5), st.vonmises(0.5)),
        ((1.0, 20.0), st.vonmises(20, loc=1)),
        ((0.0, 400.0), st.vonmises(400)),
    ],
    "HalfNormal": [((1.0,), st.halfnorm(0, 1)), ((0.02,), st.halfnorm(0, 0.02))],
    "HalfCauchy": [((1.0,), st.halfcauchy(0, 1)), ((25.0,), st.halfcauchy(0, 25))],
    "LogNormal": [((0.0, 1.0), st.lognorm(1)), ((3.0, 0.2), st.lognorm(0.2, scale=np.exp(3)))],
    "Exponential": [((1.0,), st.expon()), ((0.01,), st.expon(scale=100))],
    "Gamma": [
        ((1.0, 1.0), st.gamma(1)),
        ((0.1, 3.0), st.gamma(0.1, scale=1 / 3)),
        ((250.0, 0.5), st.gamma(250, scale=2)),
    ],
    "InvGamma": [((1.0, 1.0), st.invgamma(1)), ((5.5, 20.0), st.invgamma(5.5, scale=20))],
    "Weibull": [
        ((1.0, 1.0), st.weibull_min(1)),
        ((0.7, 3.0), st.weibull_min(0.7, scale=3)),
        ((9.0, 0.1), st.weibull_min(9, scale=0.1)),
    ],
    "Pareto": [((1.0, 3.0), st.pareto(3.0)), ((20.0, 0.8), st.pareto(0.8, scale=20.0))],
    "BetaBinomial": [
        ((10.0, 2.0, 3.0), st.betabinom(10, 2, 3)),
        ((60.0, 0.3, 0.4), st.betabinom(60, 0.3, 0.4)),
    ],
    "Bernoulli": [((0.3,), st.bernoulli(0.3)), ((1e-7,), st.bernoulli(1e-7))],
    "BernoulliLogit": [((-0.8,), st.bernoulli(1 / (1 + np.exp(0.8)))), ((6.0,), st.bernoulli(1 / (1 + np.exp(-6))))],
    "Binomial": [
        ((10.0, 0.3), st.binom(10, 0.3)),
        ((500.0, 0.99), st.binom(500, 0.99)),
        ((1.0, 0.5), st.binom(1, 0.5)),
    ],
    "BinomialLogit": [
        ((10.0, -1.0), st.binom(10, 1 / (1 + np.e))),
        ((40.0, 2.0), st.binom(40, 1 / (1 + np.exp(-2.0)))),
    ],
    "Poisson": [((0.4,), st.poisson(0.4)), ((35.0,), st.poisson(35))],
    "PoissonFrom": [((4.0, 0.4), st.poisson(0.4, loc=4)), ((0.0, 35.0), st.poisson(35))],
    "PoissonLog": [((-1.0,), st.poisson(np.exp(-1.0))), ((3.0,), st.poisson(np.exp(3.0)))],
    "NegBinomial": [
        ((4.0, 2.5), st.nbinom(2.5, 2.5 / 6.5)),
        ((30.0, 0.4), st.nbinom(0.4, 0.4 / 30.4)),
        ((2.0, 1e4), st.nbinom(1e4, 1e4 / 10002.0)),
    ],
    "NegBinomialLog": [((1.5, 2.5), st.nbinom(2.5, 2.5 / (2.5 + np.exp(1.5))))],
    "GammaPoisson": [
        ((2.5, 0.6, 4.0), st.nbinom(2.5, 0.6 / 4.6)),
        ((0.4, 3.0, 1.0), st.nbinom(0.4, 0.75)),
        ((50.0, 2.0, 1.0), st.nbinom(50.0, 2.0 / 3.0)),
    ],
    "Geometric": [((0.3,), st.geom(0.3, loc=-1)), ((0.02,), st.geom(0.02, loc=-1))],
    "DiscreteUniform": [((1.0, 6.0), st.randint(1, 7)), ((-2.0, 3.0), st.randint(-2, 4))],
}


class HalfT:
    """scipy has no half Student t: twice the density on the right."""

    def __init__(self, df, scale):
        self.t = st.t(df, 0, scale)

    def logpdf(self, x):
        return self.t.logpdf(x) + np.log(2)

    def cdf(self, x):
        return 2 * self.t.cdf(x) - 1

    def sf(self, x):
        return 2 * self.t.sf(x)

    def logcdf(self, x):
        return np.log(self.cdf(x))

    def logsf(self, x):
        return np.log(self.sf(x))

    def ppf(self, u):
        return self.t.ppf(0.5 + 0.5 * A(u))

    def std(self):
        return self.t.std()


CASES["HalfStudentT"] = [((3.0, 2.0), HalfT(3, 2)), ((40.0, 0.1), HalfT(40, 0.1))]
LEVELS_OF_U = A([1e-6, 0.01, 0.2, 0.5, 0.77, 0.99, 1 - 1e-6])


def flat(cases):
    return [(name, params, reference) for name, rows in cases.items() for params, reference in rows]
