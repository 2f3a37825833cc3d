# SPDX-License-Identifier: GPL-2.0-or-later
set +e
timeout 0.2 sleep 60
echo "$?"
timeout -s KILL 0.2 sh -c 'trap "" TERM; sleep 60'
echo "$?"
timeout -k 0.1 60 sh -c 'trap "" TERM; sleep 0.3; kill -TERM $PPID; while :; do sleep 0.05; done'
echo "$?"
timeout 20 sh -c 'exit 5'
echo "$?"
timeout 60 bash -c 'trap "echo cleaned >trapped; exit 3" TERM; sleep 0.3; kill -TERM $PPID; sleep 60 & wait'
echo "$?"
cat trapped
nice -n 5 nohup sh -c 'nice' </dev/null 2>/dev/null
setsid -w sh -c 'echo session of its own'
env -i PATH="$PATH" sh -c 'echo "$HOME."'
