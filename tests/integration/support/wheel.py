# SPDX-License-Identifier: Apache-2.0
"""A client process of one release of upstream's wheel, driven over a pipe (wheel_client.py runs
inside the wheel's environment)."""

import json
import os
import pathlib
import selectors
import signal
import subprocess
import time

from . import processes
from .master import ROOT

HERE = pathlib.Path(__file__).resolve().parent
RELEASES = ("0.3.13.post1", "0.3.12.post1", "0.3.11.post1", "0.3.10.post2", "0.3.9")
OLDEST = "0.3.8.post1"
MIB = 1 << 20


class WheelDied(AssertionError):
    pass


class Wheel:
    script = "wheel_client.py"

    def __init__(self, directory, release, name, venv=None):
        self.release, self.name = release, name
        self.log = directory / f"{name}-{release}.log"
        python = ROOT / ".venvs" / (venv or release) / "bin" / "python"
        assert python.exists(), f"{python} is missing: run tools/peers"
        # A machine with nothing but a loopback interface has no address that the wheel would take.
        env = {**os.environ, "MC_TCP_BIND_ADDRESS": "127.0.0.1", "PYTHONPATH": ""}
        if release == "0.3.10.post2":
            # This release takes every process of the same address for itself, and copies to an
            # address of the other's memory: a crash with any master.
            env["MC_STORE_MEMCPY"] = "0"
        with open(self.log, "ab") as log:
            self.process = processes.spawn(
                [python, HERE / self.script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, cwd=directory, env=env)
        self.answers = b""

    def begin(self, do, **arguments):
        """Sends a command without waiting: several processes then work at the same time."""
        self.process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self.process.stdin.flush()

    def end(self, timeout=60):
        """The answer to the oldest command begun."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.answers:
            self._read(deadline)
        line, _, self.answers = self.answers.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{self.name} {self.release}: {answer['error']}")
        return answer["result"]

    def _read(self, deadline):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0, deadline - time.monotonic())):
                raise AssertionError(f"{self.name} {self.release} does not answer")
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        if not data:
            code = processes.reap(self.process, 5)
            raise WheelDied(f"{self.name} {self.release} ended with {code}:\n"
                            + processes.tail(self.log))
        self.answers += data

    def do(self, do, timeout=60, **arguments):
        self.begin(do, **arguments)
        return self.end(timeout)

    def call(self, method, *arguments, timeout=60):
        """Any method of the store that takes and returns plain values."""
        return self.do("call", timeout, method=method, arguments=list(arguments))

    def setup(self, master, host="127.0.0.1", segment=64 * MIB, buffer=16 * MIB, port=None,
              expect=0):
        """Joins the master; on an exact port when the master has one for this release."""
        if port is None:
            port = master.abi_ports.get(self.release, master.port)
        code = self.do("setup", host=host, metadata=master.metadata, segment=segment, buffer=buffer,
                       master=f"127.0.0.1:{port}")
        assert code == expect, f"{self.name} {self.release}: setup returned {code}, not {expect}"
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        """Ends the process, if still there, without a goodbye: that takes the wheel seconds."""
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()
