#!/bin/bash
# The peers of this comparison under .peers/ at the root of the repository, an environment each.
#
#     benchmarks/estimators/install.sh [pyro|numpyro|pymc|tfp|storchastic|genjax ...]      (default: all of them)
#
# Needs python3 with venv and pip. A peer that cannot be installed is left out; run.py says so in its table.
set -u
cd "$(dirname "$0")/../.." && mkdir -p .peers
python=${PYTHON:-python3}
wheels=https://download.pytorch.org/whl/cpu  # the wheel of torch on PyPI brings 2 GB of CUDA libraries along

environment() { # name, packages...
  local name=$1; shift
  [ -x ".peers/$name/bin/python" ] || "$python" -m venv ".peers/$name" || return 1
  if ".peers/$name/bin/pip" install -q "$@" >>".peers/$name.log" 2>&1; then echo "$name: installed"
  else echo "$name: NOT installed, see .peers/$name.log"; return 1; fi
}

for peer in ${@:-pyro numpyro pymc tfp storchastic genjax}; do
  case $peer in
    pyro|numpyro|pymc) benchmarks/peers/install.sh "$peer" ;;
    # Later versions of JAX have removed what the last release of TFP imports.
    tfp) environment tfp tensorflow-probability==0.25.0 jax==0.5.3 jaxlib==0.5.3 ;;
    storchastic) environment storchastic 'torch==2.13.0+cpu' --extra-index-url $wheels && environment storchastic storchastic==0.3.7 ;;
    genjax) environment genjax genjax==0.10.3 ;;
    *) echo "no such peer: $peer"; exit 2 ;;
  esac
done
