# SPDX-License-Identifier: GPL-2.0-or-later
"$VICTIMS/daemon" "$PWD/proof" || echo "$?"
while [ ! -s proof ]; do sleep 0.02; done
cat proof
( (setsid sh -c 'sleep 0.2; echo late >late' </dev/null >/dev/null 2>&1 &) )
python3 -B - <<'P'
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.umask(0o027)
        with open("/dev/null", "r+") as null:
            for fd in range(3):
                os.dup2(null.fileno(), fd)
        with open(os.environ["PWD"] + "/daemon.pid", "w") as file:
            file.write("started\n")
    os._exit(0)
os.wait()
P
while [ ! -s daemon.pid ]; do sleep 0.02; done
while [ ! -s late ]; do sleep 0.02; done
cat daemon.pid late
