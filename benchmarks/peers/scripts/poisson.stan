data { int N; int G; int D; int<lower=1> group[N]; matrix[N, D] x; int<lower=0> y[N]; }
parameters { real mu; real<lower=0> tau; vector[G] a; vector[D] beta; }
model { mu ~ normal(0, 2); tau ~ normal(0, 1); a ~ normal(mu, tau); beta ~ normal(0, 1); y ~ poisson_log(a[group] + x * beta); }
