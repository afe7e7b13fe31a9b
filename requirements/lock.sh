#!/usr/bin/env bash
# Resolve *.in into the exact pins of *.txt with uv, which is fetched into a throw-away environment.
# Pins already there are kept where they still fit; UPGRADE=1 takes the newest of everything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
../.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv

lock() { # NAME OLDEST-PYTHON DESCRIPTION
    local out="$scratch/$1.txt"
    grep -v '^#' "$1.txt" >"$out" 2>/dev/null || true
    "$scratch/venv/bin/uv" pip compile --quiet --universal --python-version "$2" ${UPGRADE:+--upgrade} \
        --no-header --no-annotate "$1.in" --output-file "$out"
    { echo "# $3 Made by \`make lock\` from $1.in."; cat "$out"; } >"$1.txt"
}

lock dev 3.11 "Exact pins of the development environment, Python 3.11 or later, every platform."
lock colab 3.12 "Exact pins that stand in for Colab, Python 3.12 or later."

# The pins of dev.txt that students' machines meet. The CUDA libraries are left out: torch names the versions that it needs,
# and with PyTorch's CPU wheels there are none.
"$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
    --extra student --constraints dev.txt ../pyproject.toml --output-file "$scratch/student.txt"
{
    echo "# The versions with which the course is tested, for every platform. Made by \`make lock\` from dev.txt."
    grep -vE '^(cuda|nvidia|triton)' "$scratch/student.txt"
} >student.txt
