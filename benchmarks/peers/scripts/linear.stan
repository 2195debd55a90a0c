data { int N; int D; matrix[N, D] x; vector[N] y; }
parameters { real alpha; vector[D] beta; real<lower=0> sigma; }
model { alpha ~ normal(0, 10); beta ~ normal(0, 1); sigma ~ normal(0, 1); y ~ normal_id_glm(x, alpha, beta, sigma); }
