# SPDX-License-Identifier: GPL-2.0-or-later
mkdir -p "$INPUTS/tree"
cd "$INPUTS/tree"
for number in $(seq 60); do
    mkdir -p "d$((number % 7))/e$((number % 3))"
    seq "$number" >"d$((number % 7))/e$((number % 3))/f$number"
done
chmod 600 d1/e1/f1
chmod 755 d2/e2/f2
ln d1/e1/f1 hard
ln -s d2/e2/f2 soft
ln -s nowhere dangling
touch -d @1600000000 d3/e0/f3
