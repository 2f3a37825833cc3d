# SPDX-License-Identifier: GPL-2.0-or-later
git clone -q "$INPUTS/origin" copy # hard links into the other repository
git clone -q --no-local --bare "$INPUTS/origin" bare.git # through upload-pack
cd copy
git status --short --branch
echo more >>folder1/file1
ln -s file1 folder1/link
git rm -q folder2/file2
git mv folder3/file3 folder3/moved
git add .
git status --short
printf '#!/bin/sh\necho hook ran\n' >.git/hooks/pre-commit
chmod +x .git/hooks/pre-commit
git commit -q -m "a change of ours"
git status --short --branch
git checkout -q -b fix origin/topic
echo fix >fixed
git add fixed
git commit -q -m fix
git merge -q --no-edit main
git worktree add -q ../tree v1
git gc --quiet
git fsck --strict
git log --graph --format='%h %an %s'
git push -q ../bare.git fix
git -C ../bare.git log -1 --format=%H fix
git archive --format=tar HEAD | tar -tf - | sort
