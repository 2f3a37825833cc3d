#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the tests run beside Python, installed where that may be done (as root, with apt-get), else
# named. Never fails: tests whose program is missing show themselves as skipped.
set -u

missing=
need() { # need PROGRAM PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need gcc gcc
need strace strace
need curl curl
need git git
need make make
need node nodejs
need npm npm
need bash bash
need perl perl
need sqlite3 sqlite3
need setpriv util-linux
need unshare util-linux
need tar tar
need find findutils
need ps procps
command -v chromium-browser >/dev/null 2>&1 || need chromium chromium # opens the HTML report

# 32-bit programs are built by the attack on foreign ABIs and by the i386 victims.
probe=$(mktemp -d)
echo 'int main(void){return 0;}' >"$probe/a.c"
if command -v gcc >/dev/null 2>&1 && ! gcc -m32 -static -o "$probe/a" "$probe/a.c" 2>/dev/null; then
    missing="$missing gcc-multilib"
fi
if command -v gcc >/dev/null 2>&1 &&
    ! printf '#include <linux/openat2.h>\n' | gcc -E - >/dev/null 2>&1; then
    missing="$missing linux-libc-dev libc6-dev"
fi
rm -rf "$probe"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "tests: installing$missing" >&2
    apt-get update -qq >/dev/null 2>&1 || true
    for package in $missing; do
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$package" \
            >/dev/null 2>&1 || echo "tests: $package could not be installed" >&2
    done
    exit 0
fi
echo "tests: missing$missing; the tests that need them are shown as skipped" >&2
exit 0
