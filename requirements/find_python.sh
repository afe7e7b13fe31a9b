#!/usr/bin/env bash
# Print the path of the first Python, of the versions given in order of preference, that can make a virtual environment.
#   requirements/find_python.sh 3.11 3.12 3.13
# PYTHON=/path/to/python chooses one by hand. Exit code 1, with what to install on stderr, where there is none.
set -euo pipefail
versions=("$@")

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

candidates() { # of one version: on the PATH, then pyenv's own folders (its shims answer for one version only)
    command -v "python$1" python3 python 2>/dev/null || true
    local pyenv_root=${PYENV_ROOT:-$HOME/.pyenv}
    compgen -G "$pyenv_root/versions/$1.*/bin/python3" || true
}

without_venv=""
for version in "${versions[@]}"; do
    while read -r python; do
        [ "$(version_of "$python")" = "$version" ] || continue
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            "$python" -c 'import sys; print(sys.executable)'
            exit 0
        fi
        without_venv=$version
    done < <(if [ -n "${PYTHON:-}" ]; then command -v "$PYTHON" || true; else candidates "$version"; fi)
done

{
    if [ -n "$without_venv" ]; then
        echo "error: Python $without_venv is here but cannot make virtual environments; on Debian or Ubuntu:"
        echo "         sudo apt-get install python$without_venv-venv"
    else
        echo "error: no Python ${versions[*]} found${PYTHON:+ at PYTHON=$PYTHON}; on Debian or Ubuntu:"
        echo "         sudo apt-get install python3 python3-venv"
        echo "       or name one: make PYTHON=/path/to/python3 ..."
    fi
} >&2
exit 1
