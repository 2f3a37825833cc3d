#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What sandtrace is for, in three runs of a real program: it loses its network, and is told which
# entry of which policy took it; loopback and local sockets go on working; an audit only looks on.
# Needs Python alone: no network, no compiler.
set -u
demo=$(mktemp -d) || exit 1
server=
finish() {
    [ -n "$server" ] && kill "$server" 2>/dev/null
    rm -rf "$demo"
}
trap finish EXIT
trap 'exit 130' INT TERM
bold=; plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m'); plain=$(printf '\033[0m'); fi

# A program that people run: the HTTP client of Python's standard library.
cat >"$demo/fetch.py" <<'PYTHON'
import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
        print(answer.read().decode().strip())
except urllib.error.URLError as error:
    sys.exit(f"fetch: {error.reason}")
PYTHON

# Somebody to talk to on this machine: on loopback, and on a unix socket.
cat >"$demo/server.py" <<'PYTHON'
import http.server
import os
import socket
import sys
import threading


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from loopback\n")

    def log_message(self, *_):
        pass


def on_unix_socket(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"hello from a unix socket\n")
        connection.close()


folder = sys.argv[1]
threading.Thread(target=on_unix_socket, args=(f"{folder}/socket",), daemon=True).start()
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
with open(f"{folder}/port.new", "w") as file:
    file.write(str(server.server_port))
os.rename(f"{folder}/port.new", f"{folder}/port")
server.serve_forever()
PYTHON

python3 "$demo/server.py" "$demo" &
server=$!
tries=0
while [ ! -s "$demo/port" ] || [ ! -S "$demo/socket" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then echo "demo: the local server did not start" >&2; exit 1; fi
    sleep 0.1
done
url=http://127.0.0.1:$(cat "$demo/port")/

failed=0
want() { # want STATUS GOT WHAT
    if [ "$1" != "$2" ]; then
        echo "demo: $3 ended with $2, not $1" >&2
        failed=1
    fi
}
show() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }

cd "$demo" || exit 1
echo "1. A program loses its network. (192.0.2.1 is nobody's: RFC 5737.)"
show "sandtrace run --policy net-off -- python3 fetch.py http://192.0.2.1/"
sandtrace run --policy net-off --log decisions.jsonl -- python3 fetch.py http://192.0.2.1/
want 1 $? "the denied program"

printf '\n2. What it reaches on this machine, it still reaches.\n'
show "sandtrace run --policy net-off -- python3 fetch.py $url"
sandtrace run --policy net-off -- python3 fetch.py "$url"
want 0 $? "the program on loopback"
read_unix='import socket; s = socket.socket(socket.AF_UNIX); s.connect("socket"); print(s.recv(99).decode(), end="")'
show "sandtrace run --policy net-off -- python3 -c '$read_unix'"
sandtrace run --policy net-off -- python3 -c "$read_unix"
want 0 $? "the program on a unix socket"

printf '\n3. The same as a record, for machines: one JSON object a line.\n'
show "grep '\"event\":\"decision\"' decisions.jsonl"
grep '"event":"decision"' decisions.jsonl
want 0 $? "the log"

printf '\n4. And as strace shows it, with the entry that decided at the end of the line.\n'
show "sandtrace run --policy net-off --trace connect -o - -- python3 fetch.py http://192.0.2.1/"
sandtrace run --policy net-off --quiet --trace connect -o - -- python3 fetch.py http://192.0.2.1/
want 1 $? "the traced program"

echo
if [ "$failed" = 0 ]; then
    echo "That is the main job. Next: sandtrace policies, sandtrace run --audit -- CMD, sandtrace doctor."
fi
exit "$failed"
