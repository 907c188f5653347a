#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mc-master beside upstream's mooncake_master, under the same load: both on one core, mc-bench on
another, rounds in turn. Prints a table (or JSON with --json); asserts nothing."""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from support import processes  # noqa: E402
from support.ports import free_port  # noqa: E402

NEWEST = "0.3.13.post1"


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="build directory with mc-master and mc-bench")
    parser.add_argument("--upstream", type=pathlib.Path,
                        default=os.environ.get("MC_UPSTREAM_VENV", ROOT / ".venvs" / NEWEST),
                        help="virtual environment with upstream's wheel (tools/peers makes it; "
                             "MC_UPSTREAM_VENV)")
    parser.add_argument("--master-core", type=int, default=0)
    parser.add_argument("--bench-core", type=int, default=1)
    parser.add_argument("bench", nargs="*", metavar="FLAG",
                        help="behind --: flags for mc-bench in place of --suite")
    return parser.parse_args()


def program(path, hint):
    if not os.access(path, os.X_OK):
        sys.exit(f"master_compare: {path}: no such program; {hint}")
    return path


def upstream_binary(venv):
    """The program itself: bin/mooncake_master is a Python script that would be its parent."""
    found = sorted(pathlib.Path(venv).glob("lib/python3*/site-packages/mooncake/mooncake_master"))
    if not found:
        sys.exit(f"master_compare: --upstream {venv}: no mooncake_master in it; run tools/peers, "
                 "or name another environment")
    return program(found[0], "reinstall the wheel")


def listens(port):
    """Asked of the kernel, as a connection would be one more for the master."""
    wanted = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in pathlib.Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(wanted) and fields[3] == "0A":
                return True
    return False


def start(binary, core, directory):
    """(process, port); taskset becomes the master, so that the pid is the master's own."""
    port = free_port()
    log = directory / f"{binary.name}.log"
    with open(log, "wb") as out:
        process = processes.spawn(
            ["taskset", "-c", core, binary, f"-rpc_port={port}", f"-metrics_port={free_port()}",
             "-logtostderr"], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=directory)

    def ready():
        if process.poll() is not None:
            sys.exit(f"master_compare: {binary} ended:\n{processes.tail(log)}")
        return listens(port)

    processes.wait_until(ready, 20, f"{binary.name} listens on {port}")
    return process, port


def compare(args, directory, started):
    names = [program(args.build / "apps/mc-master/mc-master", "run tools/build"),
             upstream_binary(args.upstream)]
    bench = program(args.build / "apps/mc-bench/mc-bench", "run tools/build")
    pairs = []
    for name in names:
        process, port = start(name, args.master_core, directory)
        started.append(process)
        pairs.append(f"127.0.0.1:{port}/{process.pid}")
    command = [bench, "master", "--compare", ",".join(pairs), "-l", args.bench_core]
    running = processes.spawn(command + (args.bench or ["--suite"]))
    started.append(running)
    return running.wait()


def main():
    args = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started = []
    with tempfile.TemporaryDirectory(prefix="master_compare.") as directory:
        try:
            return compare(args, pathlib.Path(directory), started)
        finally:
            for process in reversed(started):
                if process.poll() is None:
                    process.terminate()
            for process in started:
                processes.reap(process, 10)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
