# SPDX-License-Identifier: GPL-2.0-or-later
tar -C "$INPUTS" -cf tree.tar --sort=name tree
tar -tvf tree.tar | wc -l
mkdir out
tar -C out -xpf tree.tar
tar -C out -df tree.tar
gzip -n tree.tar
mkdir again
tar -C again -xzf tree.tar.gz
find out again -type f -perm -100 | sort
find out -name 'f1*' -print0 | sort -z | xargs -0 -P4 -n2 sha256sum | sort
find again -type f -size -20c -exec mv -t out {} +
find again -newermt @1600000001 -type l -delete
find again -depth -type d -empty -exec rmdir {} \;
seq 40 | xargs -P4 -I{} sh -c 'echo {} >n{}; chmod 640 n{}; mv n{} m{}'
cat m* | sort -n | tail -n 1
cp -a out kept
cp --reflink=auto -r kept "$TMPDIR/kept"
rm -r "$TMPDIR/kept"
rm -rf out
ln m1 m1.hard
touch -r m2 m3
truncate -s 1M sparse
stat -c '%n %s %h %a' m1 sparse
rsync --version >/dev/null 2>&1 || true
dd if=/dev/zero of=zeros bs=4k count=8 status=none
sync zeros
sort -S 64k -T . -o sorted m*
install -d -m 2750 setgid
