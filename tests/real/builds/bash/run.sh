# SPDX-License-Identifier: GPL-2.0-or-later
set +e
seq 1000 | sort -rn | tee all | head -n 3
echo "${PIPESTATUS[0]} ${PIPESTATUS[1]}"
set -m # job control
sleep 0.05 &
sh -c 'kill -STOP $$; echo continued' &
while ! ps -o stat= -p $! | grep -q '^[Tt]'; do sleep 0.01; done
jobs %% | tr -s ' '
fg %% >/dev/null
wait
set +m
trap 'echo caught USR1' USR1
kill -USR1 $$
(trap 'echo bye' EXIT)
(trap 'echo terminated; exit 9' TERM; sh -c 'kill -TERM $PPID'; sleep 1)
echo "status $?"
coproc cat
echo through >&"${COPROC[1]}"
read -r word <&"${COPROC[0]}"
echo "$word"
eval "exec ${COPROC[1]}>&-"
wait
echo error >/dev/stderr
echo output >/dev/stdout
echo again >>/dev/fd/1
diff <(seq 3) <(seq 4)
echo split | tee >(cat >copy) >/dev/null
wait
while [ ! -s copy ]; do sleep 0.01; done
cat <<<here
exec 7<>fifo-is-a-file 8< <(echo behind)
cat <&8
mkfifo fifo
echo named >fifo &
cat fifo
wait
umask 077
mkdir -p private/deep
: >private/deep/file
umask 022
cd private && pwd -P | sed 's/.*\///' && cd ..
(ulimit -f 0; : >limited) && ls limited
exec 2>/dev/null
echo "$(<all)" | wc -l
kill -9 $BASHPID
