# SPDX-License-Identifier: Apache-2.0
"""Processes that cannot outlive the test: the kernel kills them when their parent dies."""

import os
import signal
import subprocess
import time


def spawn(command, **options):
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)], **options)


def reap(process, timeout):
    """Waits for the end; kills after the timeout. Returns the exit code, None if it was killed."""
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def wait_until(check, timeout, what, interval=0.02):
    """Polls until check() is true; its value. The failure says what was awaited."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout} s still not: {what}")
        time.sleep(interval)


def tail(path, lines=40):
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _states(pid):
    stats = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat") as stat:
            stats.append(stat.read())
    return {stat.rpartition(")")[2].split()[0] for stat in stats}


def stall(pid):
    """Returns when all threads stand still: one of them must run to stop the others."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: _states(pid) == {"T"}, 5, f"{pid} stands still")


def cpu_seconds(pid):
    """User and system time of all threads of a process so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096
