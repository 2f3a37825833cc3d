# SPDX-License-Identifier: GPL-2.0-or-later
"""Threads, subprocesses, processes and shared memory, all at once."""

import asyncio
import concurrent.futures
import ctypes
import mmap
import multiprocessing
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading


def square(number: int) -> int:
    """In a process of the pool."""
    pathlib.Path(f"pool{number}").write_text(f"{number * number}\n")
    return number * number


def child(number: int) -> str:
    """In a thread: a program of its own."""
    script = f"echo {number} | tee thread{number}"
    return subprocess.run(
        ["sh", "-c", script], check=True, capture_output=True, text=True
    ).stdout.strip()


async def server() -> str:
    """A server and its client on loopback."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    writer.write(b"hello\n")
    line = await reader.readline()
    writer.close()
    listener.close()
    return line.decode().strip()


def main() -> None:
    """Everything a test suite in Python might do."""
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        print(list(threads.map(child, range(12))))
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(3) as pool:
            print(method, pool.map(square, range(6)))
    with concurrent.futures.ProcessPoolExecutor(2) as processes:
        print(list(processes.map(square, (7, 8, 9))))
    value = multiprocessing.Value("i", 0)
    lock = threading.Lock()

    def add() -> None:
        for _ in range(200):
            with lock:
                value.value += 1

    workers = [threading.Thread(target=add) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(value.value)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as unnamed:
        path = pathlib.Path(folder, "x")
        path.write_bytes(b"mapped")
        unnamed.write(path.read_bytes())
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            memory[:3] = b"MAP"
        print(path.read_text())
    left, right = socket.socketpair()
    left.send(b"pair")
    print(right.recv(9), asyncio.run(server()))
    pathlib.Path("made/deep").mkdir(parents=True)
    os.chmod("made", 0o700)
    os.utime("made/deep", (1_600_000_000, 1_600_000_000))
    os.symlink("deep", "made/link")
    made = os.open("made", os.O_RDONLY | os.O_DIRECTORY)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o640, dir_fd=made))
    os.rename("file", "renamed", src_dir_fd=made, dst_dir_fd=made)
    os.link("renamed", "hard", src_dir_fd=made, dst_dir_fd=made)
    print(sorted(entry.name for entry in os.scandir(made)))
    shutil.copytree("made", "copied", symlinks=True)
    shutil.rmtree("made")
    print(ctypes.CDLL(None).getppid() == os.getppid())
    pid = os.fork()
    if pid == 0:
        os.execvp(sys.executable, [sys.executable, "-c", "raise SystemExit(7)"])
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
