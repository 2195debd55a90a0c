data { int N; int D; matrix[N, D] x; int<lower=0, upper=1> y[N]; }
parameters { real alpha; vector[D] beta; }
model { alpha ~ normal(0, 5); beta ~ normal(0, 1); y ~ bernoulli_logit_glm(x, alpha, beta); }
