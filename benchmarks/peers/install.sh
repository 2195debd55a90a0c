#!/bin/bash
# One virtual environment per peer under .peers/ at the root of the repository.
#
#     benchmarks/peers/install.sh [numpyro|pyro|pymc|stan ...]      (default: all of them)
#
# Needs python3 with venv and pip, and, for Stan, apt (R and rstan) or an R that has rstan already.
# A peer that cannot be installed is left out; run.py says so in its table.
set -u
cd "$(dirname "$0")/../.." && mkdir -p .peers
python=${PYTHON:-python3}

environment() { # name, packages...
  local name=$1; shift
  [ -x ".peers/$name/bin/python" ] || "$python" -m venv ".peers/$name" || return 1
  if ".peers/$name/bin/pip" install -q "$@" >".peers/$name.log" 2>&1; then echo "$name: installed"
  else echo "$name: NOT installed, see .peers/$name.log"; return 1; fi
}

r_packages="r-cran-rstan r-cran-bh r-cran-rcppeigen r-cran-stanheaders r-cran-rcppparallel r-cran-codetools r-cran-jsonlite"

for peer in ${@:-numpyro pyro pymc stan}; do
  case $peer in
    numpyro) environment numpyro numpyro jax jaxlib ;;
    pymc) environment pymc pymc numba ;;
    # The +cpu wheel of torch: the one on PyPI brings 2 GB of CUDA libraries along.
    pyro) environment pyro 'torch==2.13.0+cpu' --extra-index-url https://download.pytorch.org/whl/cpu && environment pyro pyro-ppl ;;
    stan)
      if Rscript -e 'library(rstan); library(jsonlite)' >/dev/null 2>&1; then echo "stan: rstan is there"
      elif apt-get install -y --no-install-recommends $r_packages >.peers/stan.log 2>&1; then echo "stan: installed"
      else echo "stan: NOT installed, see .peers/stan.log"; fi ;;
    *) echo "no such peer: $peer"; exit 2 ;;
  esac
done
