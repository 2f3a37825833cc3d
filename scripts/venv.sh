#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Make a virtual environment: venv.sh DIRECTORY. Finds a Python of 3.10 or newer; where that one
# lacks ensurepip (Debian keeps it in a package of its own), tries what else can make one, and
# otherwise says what to install.
set -eu
dir=${1:?usage: venv.sh DIRECTORY}

if [ -x "$dir/bin/python" ] && "$dir/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

python=
for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "make: sandtrace needs Python 3.10 or newer; none of python3, python3.10 … python3.14 is" \
        "one. Install it, or name one: make PYTHON=/path/to/python3 …" >&2
    exit 1
fi

try() {
    rm -rf "$dir"
    "$@" "$dir" >/dev/null 2>&1 && "$dir/bin/python" -m pip --version >/dev/null 2>&1
}

try "$python" -m venv && exit 0
try "$python" -m virtualenv && exit 0
command -v uv >/dev/null 2>&1 && try uv venv --seed --python "$python" && exit 0

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "make: $python cannot make virtual environments; installing Debian's package" >&2
    apt-get update -qq >&2 || true
    for package in "python$version-venv" python3-venv; do
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$package" \
            >/dev/null 2>&1 || continue
        try "$python" -m venv && exit 0
    done
fi
rm -rf "$dir"
echo "make: $python ($version) cannot make a virtual environment. On Debian and Ubuntu:" \
    "apt-get install python$version-venv; or install uv or virtualenv." >&2
exit 1
