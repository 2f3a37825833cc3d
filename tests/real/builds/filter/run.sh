# SPDX-License-Identifier: GPL-2.0-or-later
"$VICTIMS/own_filter"
python3 -B - <<'P'
import ctypes, os, struct, threading

# As container runtimes do: a filter that refuses two calls, for all threads, kept over exec.
ALLOW, EPERM = 0x7FFF0000, 0x00050001
code = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x20, 0, 0, 0),
        (0x15, 1, 0, 83),  # mkdir
        (0x15, 0, 1, 258),  # mkdirat
        (0x06, 0, 0, EPERM),
        (0x06, 0, 0, ALLOW),
    )
)
buffer = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
held = ctypes.create_string_buffer(program)
libc = ctypes.CDLL(None, use_errno=True)
other = threading.Barrier(2)
seen = []

def work():
    other.wait()
    try:
        os.mkdir("never")
    except PermissionError as error:
        seen.append(error.errno)
    with open("by-thread", "w") as file:
        file.write("written\n")

thread = threading.Thread(target=work)
thread.start()
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.syscall(317, 1, 1, held) == 0, ctypes.get_errno()  # SECCOMP_FILTER_FLAG_TSYNC
other.wait()
thread.join()
print(seen)
os.rename("by-thread", "renamed")
os.execvp("sh", ["sh", "-c", "mkdir x 2>/dev/null; echo $?; cat renamed; echo more >>renamed; rm renamed; : >left"])
P
