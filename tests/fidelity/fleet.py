# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501, ISC004 - programs in other languages keep their lines
"""Forty programs as people run them, each in a fresh folder of its own with the same path.

They are Debian 12's. What a program needs that the image lacks, `scripts/test-packages.sh` installs
or the program is left out, by name. All network is loopback.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Program:
    """``argv`` runs after ``prepare`` (shell, untraced). ``needs``: what must be installed.

    ``quick``: short and always the same, so that every test run measures it. ``plant``: how many
    of `tests.tracer.trees` its folder has. FOLDER in an argument is that folder.
    """

    name: str
    argv: tuple[str, ...]
    prepare: str = ""
    needs: tuple[str, ...] = ()
    quick: bool = False
    plant: int = 0

    @property
    def missing(self) -> list[str]:
        """What it needs and the machine lacks."""
        return [name for name in (*self.needs, self.argv[0]) if shutil.which(name) is None]


def _sh(name: str, script: str, prepare: str = "", *, quick: bool = False) -> Program:
    return Program(name, ("sh", "-c", script), prepare, quick=quick)


_TREE = (
    "mkdir -p t/a/b t/c; for i in 1 2 3 4 5 6 7 8 9; do seq $i 400 >t/a/f$i; done;"
    " cp t/a/f1 t/a/b/g; ln -s ../a/f1 t/c/l; ln t/a/f2 t/c/h; mkfifo t/c/p; chmod 600 t/a/f3;"
    " printf 'line\\nwith \\t tab\\n\\351t\\351\\n' >t/c/odd; touch -d 2020-01-02 t/a/f4;"
)
_REPO = (
    "git init -q -b main .; git config user.name n; git config user.email e@example.org;"
    " git config gc.auto 0; seq 99 >f; git add f; git commit -qm one; seq 50 >f; git commit -qam two;"
)
_THREADS = """
import sys, threading, queue, concurrent.futures as f
sys.setswitchinterval(100)
q, r = queue.Queue(), queue.Queue()
def work():
    while (item := q.get()) is not None:
        r.put(open('/proc/self/comm').read() + str(item))
ts = [threading.Thread(target=work) for n in range(4)]
for t in ts: t.start()
for i in range(40): q.put(i); r.get()
for t in ts: q.put(None)
for t in ts: t.join()
with f.ThreadPoolExecutor(1) as pool: print(list(pool.map(len, ['a', 'bc'])))
"""
_ASYNC = """
import asyncio
async def serve(r, w):
    w.write(await r.readline()); await w.drain(); w.close()
async def main():
    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    r, w = await asyncio.open_connection('127.0.0.1', port)
    w.write(b'hello\\n'); print(await r.readline()); w.close()
    server.close()
    p = await asyncio.create_subprocess_exec('true'); print(await p.wait())
asyncio.run(main())
"""
_SELECT = """
import selectors, socket, mmap, os, tempfile, select, fcntl, struct, resource, signal, array
a, b = socket.socketpair()
s = selectors.EpollSelector(); s.register(a, selectors.EVENT_READ)
b.send(b'x' * 100); print(s.select(1)); print(select.select([a], [], [], 0))
p = select.poll(); p.register(a, select.POLLIN); print(p.poll(10))
fds = array.array('i', [0, 1])
b.sendmsg([b'fd', b'more'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
a.recv(100); print(len(a.recvmsg(50, 200)))
f = open('m', 'w+b'); f.truncate(8192)
m = mmap.mmap(f.fileno(), 8192); m[0:5] = b'hello'; m.flush(); m.close()
fcntl.lockf(f, fcntl.LOCK_EX); fcntl.flock(f, fcntl.LOCK_SH)
fcntl.fcntl(f, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
print(fcntl.fcntl(f, fcntl.F_GETFD), os.sched_getaffinity(0))
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512)); print(resource.getrlimit(resource.RLIMIT_AS))
signal.signal(signal.SIGUSR1, lambda *a: print('usr1')); os.kill(os.getpid(), signal.SIGUSR1)
signal.setitimer(signal.ITIMER_REAL, 0.01); signal.signal(signal.SIGALRM, lambda *a: 0)
signal.pause(); signal.sigtimedwait([signal.SIGUSR2], 0.001)
os.setxattr('m', 'user.k', b'v\\0w') if hasattr(os, 'setxattr') else 0
print(os.listxattr('m')); os.memfd_create('x'); os.eventfd(3); os.pidfd_open(os.getpid())
u = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); u.bind('\\0fleet-abstract'); u.close()
t = socket.socket(); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
t.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 2)); t.bind(('127.0.0.1', 0))
t.listen(5); c = socket.create_connection(t.getsockname()); d, _ = t.accept(); d.send(b'hi')
print(c.recv(5, socket.MSG_PEEK), c.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); v6.bind(('::1', 0)); c.shutdown(2)
"""
_SUBPROCESS = """
import subprocess, os, sys
print(subprocess.run(['sh', '-c', 'echo out; echo err >&2; exit 3'], capture_output=True))
print(subprocess.check_output('echo $HOME | tr a-z A-Z', shell=True))
p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(p.communicate(b'data'))
p = subprocess.Popen(['sleep', '60']); p.terminate(); print(p.wait())
pid = os.fork()
if pid == 0: os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
_SQLITE = """
import sqlite3
c = sqlite3.connect('db'); c.execute('pragma journal_mode=memory'); c.execute('create table t(a, b)')
c.executemany('insert into t values(?, ?)', [(i, 'x' * i) for i in range(300)]); c.commit()
c.execute('create index i on t(a)'); c.execute('pragma journal_mode=memory')
c.execute('delete from t where a < 100'); c.commit(); c.execute('vacuum')
print(c.execute('select count(*) from t').fetchone()); c.close()
"""
_SERVER = (
    "import http.server as h,os; s=h.HTTPServer(('127.0.0.1',48231),h.SimpleHTTPRequestHandler);"
    " os.fork() or s.handle_request()"
)
_NODE = """
const fs = require('fs');
fs.writeFileSync('n', 'data'.repeat(1000)); fs.appendFileSync('n', 'x');
console.log(fs.statSync('n').size, fs.readdirSync('.'), fs.readFileSync('/proc/self/comm', 'utf8'));
fs.mkdirSync('d/e', { recursive: true }); fs.renameSync('n', 'd/e/n'); fs.rmSync('d', { recursive: true });
"""
_C = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int f(int);
int main(int argc, char **argv) { printf("%d\\n", f(argc) + (int)strlen(argv[0])); return 0; }
"""
_MAKE = f"""cat >main.c <<'E'
{_C}E
echo 'int f(int x) {{ return x * 2; }}' >f.c
printf 'p: main.o f.o\\n\\tgcc -o $@ main.o f.o\\n%%.o: %%.c\\n\\tgcc -O1 -c -o $@ $<\\n' >Makefile
"""
_JOBS = r"""set -m
sleep 0.3 & jobs; wait %1; echo $?
( trap 'echo got' USR1; kill -USR1 $BASHPID; echo sub )
cat <(echo one); coproc tr a-z A-Z; echo low >&${COPROC[1]}; exec {COPROC[1]}>&-; wait
echo "$(for i in 1 2 3; do echo $i; done | sort -r)"; cat <<<here
read -t 0.01 x </dev/null; x=$(<f); [[ -f f && -r f ]] && echo yes; echo ${x//a/b} >g
sleep 60 & sleep 0.2; kill -STOP %%; sleep 0.2; jobs; kill -CONT %%; sleep 0.2; kill -TERM %%; wait %%
echo $?; ulimit -n; umask 077; : >h; type -t ls; exec 5<f; read -u 5 y; exec 5<&-; printf '%q\\n' "$y"
"""

FLEET: Final[tuple[Program, ...]] = (
    Program("ls", ("ls", "-laR", "--color=always", "t"), _TREE, quick=True),
    Program("cat", ("cat", "t/a/f1", "t/c/odd", "missing"), _TREE, quick=True),
    Program("cp", ("cp", "-av", "t", "u"), _TREE, quick=True),
    _sh("mv", "mv -v t/a u; mv u/f1 /dev/shm/fleet-mv; mv /dev/shm/fleet-mv back; mv no where",
        _TREE),
    Program("rm", ("rm", "-rv", "t"), _TREE, quick=True),
    Program("find", ("find", "t", "-type", "f", "-size", "+1k", "-newermt", "2021-01-01", "-exec",
                     "wc", "-l", "{}", "+"), _TREE, quick=True),
    _sh("tar", "tar -cf x.tar t; tar -tvf x.tar; mkdir o; tar -xpf x.tar -C o; tar -czf z.tgz t",
        _TREE),
    _sh("gzip", "gzip -nk t/a/f1; gzip -dc t/a/f1.gz >o; gzip -l t/a/f1.gz; bzip2 -k t/a/f2",
        _TREE, quick=True),
    _sh("xz", "xz -kT2 t/a/f1; xz -dc t/a/f1.xz >o; xz -l t/a/f1.xz; zstd -q t/a/f2", _TREE),
    _sh("grep", "grep -rn 39 t; grep -c '[' t/a/f1; grep -E 'a|[0-9]{3}' <t/a/f5", _TREE,
        quick=True),
    _sh("sed", "sed -i.bak 's/3/three/g' t/a/f1 t/a/f2; sed -n '/7/,$p' t/a/f3", _TREE, quick=True),
    _sh("awk", "awk '{ s += $1; print | \"sort -n\" } END { print s; system(\"date +%Y\") }' t/a/f1",
        _TREE),
    _sh("sort", "sort -R --random-source=t/a/f1 t/a/f* >r; sort -n -S 10k -T . --parallel=2 r"
        " | uniq -c | tail -n 3; shuf -n 2 --random-source=r r; comm r r; split -l 900 r", _TREE),
    Program("bash", ("bash", "-c", _JOBS), "echo banana >f"),
    _sh("dash", "for i in 1 2; do echo $i | cat; done; (exit 3); echo $?; trap 'echo bye' EXIT;"
        " x=`echo sub`; cat <<E\nhere $x\nE\nset -- a b; shift; test -d / && cd / && pwd; ulimit -n",
        quick=True),
    _sh("git-init", "git init -q .; git config user.name n; git config user.email e@example.org;"
        " seq 50 >f; mkdir d; echo x >d/g; git add .; git commit -qm one; git status --short"),
    _sh("git-history", "git log --oneline --stat | cat; git diff HEAD~1 | cat; git branch b;"
        " git checkout -q b; git stash list; git grep 7 | head -n 1; git blame f | head -n 2", _REPO),
    _sh("git-gc", "git gc -q; git fsck --full; git clone -q . c; git -C c fetch", _REPO),
    Program("gcc", ("gcc", "-O2", "-o", "p", "main.c", "f.c"), _MAKE),
    Program("make", ("make", "-j2"), _MAKE),
    _sh("ld", "ld -r -o r.o main.o f.o; nm r.o; objdump -d f.o; readelf -a f.o; strip r.o; ar rc l.a"
        " f.o; size r.o", _MAKE + "gcc -c main.c f.c"),
    Program("python-threads", ("/usr/bin/python3", "-c", _THREADS)),
    Program("python-asyncio", ("/usr/bin/python3", "-c", _ASYNC)),
    Program("python-selectors", ("/usr/bin/python3", "-c", _SELECT), quick=True),
    Program("python-subprocess", ("/usr/bin/python3", "-c", _SUBPROCESS)),
    Program("sqlite", ("/usr/bin/python3", "-c", _SQLITE)),
    _sh("perl", "perl -MPOSIX -MSocket -e 'socketpair(A,B,AF_UNIX,SOCK_STREAM,0); syswrite A,\"hi\";"
        " sysread B,$x,2; print $x; print `uname -s`; $p=fork; exit 3 unless $p; wait;"
        ' print $?>>8; opendir D,"t"; print sort readdir D; utime 1,2,"t/a/f1"; chmod 0600,"t/a/f1";'
        " alarm 1; kill 0,$$; print POSIX::getpgrp()==$$; link \"t/a/f1\",\"x\"'", _TREE, quick=True),
    Program("node", ("node", "--single-threaded", "--hash-seed=1", "--random-seed=1",
                     "-e", _NODE), needs=("node",)),
    Program("curl", ("sh", "-c", f'/usr/bin/python3 -c "{_SERVER}"; curl -sS'
                     " http://127.0.0.1:48231/f"),
            "echo page >f", needs=("curl",)),
    _sh("ssh-keygen", "ssh-keygen -q -t ed25519 -N '' -C c -f k; ssh-keygen -lf k.pub;"
        " ssh-keygen -y -f k", quick=True),
    _sh("openssl", "openssl req -x509 -newkey ed25519 -nodes -keyout k"
        " -out c -subj /CN=x; openssl x509 -in c -noout -subject; openssl dgst -sha256 k >/dev/null"),
    _sh("timeout", "timeout 0.1 sleep 5; timeout -s KILL 0.1 sleep 5; timeout 5 true; nice -n 5"
        " true; nohup true; stdbuf -oL echo x; env -i A=b /usr/bin/env; chrt -b 0 true;"
        " ionice -c 3 true; taskset 1 true; setsid true; prlimit --nofile=64 true", quick=True),
    _sh("xargs", "seq 6 | xargs -n 1 -P 2 echo; echo a b | xargs -n 1 sh -c 'exit 3'; seq 3 | tee o | wc;"
        " printf 'a\\0b' | xargs -0 ls"),
    _sh("dd", "dd status=none if=/dev/zero of=z bs=4k count=20 conv=fsync,sparse; dd status=none if=z of=y bs=1k skip=3"
        " seek=5 oflag=append conv=notrunc; truncate -s 1M z; fallocate -l 64k w; fallocate -p -o 0"
        " -l 4k w; cmp z w; sync -f z; sync; rm w", quick=True),
    _sh("df", "df -h /; df -i / >/dev/null; du -sk t; stat -f /; stat t/c/l; readlink -f t/c/l;"
        " findmnt -n / ; lsblk -n; ls /dev/pts; tty; stty -a; lslocks", _TREE),
    Program("ps", ("unshare", "-pf", "--mount-proc", "sh", "-c",
                   "ps aux >/dev/null; ps -eLf >/dev/null; pgrep sh; kill -0 1; free; uptime")),
    # In the network that strace is in, too: it looks there for the protocol of a netlink socket.
    _sh("ip", "ip -d link; ip addr; ip -6 route; ip rule; ip neigh; ip link add d0 type no-such; ss -tln;"
        " getent hosts localhost; ip netns; ip -s link show lo >/dev/null"),
    _sh("getent", "getent passwd root nobody; getent group daemon; id; id nobody; groups; whoami;"
        " date -u -d @0; date >/dev/null; locale; tzselect </dev/null; hostname >/dev/null; nproc;"
        " arch; uname -a >/dev/null; logname; who; umask", quick=True),
    _sh("files", "mkfifo p; echo x >p & cat p; wait; flock l -c 'flock -n l true; echo $?'; install -m"
        " 600 /dev/null i; ln -sf i s; chmod -R u+x,g-w .; chown 1:1 i; touch -h -d @5 s; mktemp -u"
        " >/dev/null; rmdir no; mkdir -p -m 700 a/b/c; lsattr i; chattr +d i; getcap i; file i",
        quick=True),
    _sh("mount", "mount -t tmpfs none /no/such; unshare -m sh -c 'mkdir m; mount -t tmpfs t m; mount"
        " --bind / m; umount -R m'; umount m; unshare -U id; unshare -u sh -c 'hostname y';"
        " nsenter -t $$ -n true; unshare -r true; losetup -f; swapon /no; ipcs -l >/dev/null;"
        " capsh --print >/dev/null; setpriv --reuid 65534 --clear-groups id"),
    Program("gdb", ("gdb", "-q", "-batch", "-ex", "info line", "/bin/true"), needs=("gdb",)),
    _sh("script", "script -qc 'stty size; echo typed' /dev/null; script -qec 'sh -c \"exit 4\"' log;"
        " stty -a -F /dev/ptmx; setsid -w sh -c 'echo x >/dev/tty'; mesg; tput cols; less -F t/a/f1"
        " | tail -n 1; xxd t/c/odd", _TREE),
    _sh("text", "diff -u --label a --label b t/a/f1 t/a/f2 | patch -p0 -o o t/a/f1; cmp t/a/f1 o; tr a-z A-Z <o | fold -w 3"
        " | head -n 2; od -c t/c/odd; iconv -f latin1 -t utf8 t/c/odd; cut -c1 o | uniq | wc; tac o"
        " | nl | tail -n 1; sha256sum o; base64 o | tail -c 5; expr 3 + 4; seq 3 | paste - -; bc </dev/null"
        "; jq -n 1; zip -q z t/a/f1; unzip -l z >/dev/null; strings o | head -n 1", _TREE),
    Program("dpkg", ("sh", "-c", "dpkg -s dash >/dev/null; dpkg -L dash; dpkg-query -W 'bas*'; dpkg"
                     " --compare-versions 1 lt 2; dpkg-deb -I none; dpkg --print-architecture;"
                     " apt-config dump >/dev/null"), needs=("dpkg",)),
)  # fmt: skip
