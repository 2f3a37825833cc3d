# SPDX-License-Identifier: GPL-2.0-or-later
# A repository with some history, to be cloned.
git init -q -b main "$INPUTS/origin"
cd "$INPUTS/origin"
for number in $(seq 12); do
    mkdir -p "folder$((number % 4))"
    seq "$((number * 50))" >"folder$((number % 4))/file$number"
    git add .
    git commit -q -m "change $number"
done
git tag -a -m "first release" v1
git branch topic HEAD~3
