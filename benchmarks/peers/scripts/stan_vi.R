# rstan: vb, mean-field ADVI with its defaults, 4,000 draws.
#     Rscript stan_vi.R compile PROBLEM CACHE      compile the model, save it
#     Rscript stan_vi.R fit PROBLEM CACHE DATA     fit the compiled model, print means and standard deviations as JSON
suppressPackageStartupMessages({library(rstan); library(jsonlite)})
args <- commandArgs(TRUE); mode <- args[1]; problem <- args[2]; cache <- args[3]
if (dir.exists("/usr/include/boost")) rstan_options(boost_lib = "/usr/include")  # where Debian keeps Boost
here <- dirname(normalizePath(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))))
saved <- file.path(cache, paste0(problem, ".rds"))
if (mode == "compile") { saveRDS(stan_model(file.path(here, paste0(problem, ".stan"))), saved); quit() }
d <- read.csv(args[4]); x <- as.matrix(d[grepl("^x", names(d))])
data <- switch(problem,
  eight_schools = list(J = nrow(d), y = d$y, se = d$se),
  linear = list(N = nrow(d), D = ncol(x), x = x, y = d$y),
  logistic = list(N = nrow(d), D = ncol(x), x = x, y = as.integer(d$y)),
  poisson = list(N = nrow(d), G = 100, D = ncol(x), group = as.integer(d$group) + 1L, x = x, y = as.integer(d$y)))
log <- capture.output(fit <- vb(readRDS(saved), data = data, algorithm = "meanfield", seed = 1, output_samples = 4000))
draws <- extract(fit); draws <- draws[names(draws) != "lp__"]
moments <- lapply(draws, function(v) if (length(dim(v)) == 1) list(mean = unbox(mean(v)), sd = unbox(sd(v))) else
  list(mean = unname(colMeans(v)), sd = unname(apply(v, 2, sd))))
version <- paste0("Stan ", stan_version(), " (rstan ", packageVersion("rstan"), ")")
cat(toJSON(list(version = unbox(version), unknowns = moments), digits = NA), "\n")
