#!/usr/bin/env bash
# Resolve *.in into the exact pins of *.txt with uv, which is fetched into a throw-away environment.
# Pins already there are kept where they still fit; UPGRADE=1 takes the newest of everything.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
../.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv

lock() { # NAME PYTHON DESCRIPTION, then what else uv is told
    local name=$1 python=$2 description=$3 out="$scratch/$1.txt"
    shift 3
    grep -v '^#' "$name.txt" >"$out" 2>/dev/null || true
    "$scratch/venv/bin/uv" pip compile --quiet --python-version "$python" ${UPGRADE:+--upgrade} "$@" \
        --no-header --no-annotate "$name.in" --output-file "$out"
    { echo "# $description Made by \`make lock\` from $name.in."; cat "$out"; } >"$name.txt"
}

lock dev 3.11 "Exact pins of the development environment, Python 3.11 or later, every platform." --universal
lock site 3.11 "Exact pins of what \`make site\` needs, Python 3.11 or later, every platform." --universal
lock colab 3.13 "Colab's own versions, for its Python and its system." \
    --python-platform x86_64-manylinux_2_28 --constraints colab-freeze.txt

# The pins of dev.txt that students' machines meet. The CUDA libraries are left out: torch names the versions that it needs,
# and with PyTorch's CPU wheels there are none.
"$scratch/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
    --extra student --constraints dev.txt ../pyproject.toml --output-file "$scratch/student.txt"
{
    echo "# The versions with which the course is tested, for every platform. Made by \`make lock\` from dev.txt."
    grep -vE '^(cuda|nvidia|triton)' "$scratch/student.txt"
} >student.txt
