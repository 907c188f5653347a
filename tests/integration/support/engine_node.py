# SPDX-License-Identifier: Apache-2.0
"""A process with one engine (tests/support/engine_node.c), driven over a pipe."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time

from . import processes
from .master import BUILD

MIB = 1 << 20


class EngineNode:
    def __init__(self, directory, name, netns=None, env=None):
        self.name, self.log = name, directory / f"{name}.log"
        command = [BUILD / "tests/support/engine_node"]
        if netns:
            command = ["ip", "netns", "exec", netns, *command]
        with open(self.log, "ab") as log:
            self.process = processes.spawn(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                cwd=directory, env={**os.environ, **(env or {})})
        self.answers, self.killed = b"", False

    # ---- commands ----

    def begin(self, do, **arguments):
        self.process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self.process.stdin.flush()

    def end(self, timeout=60):
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.answers:
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise AssertionError(f"{self.name}: no answer within {timeout} s")
                chunk = os.read(self.process.stdout.fileno(), 65536)
                if not chunk:
                    raise AssertionError(f"{self.name} died with {self.process.wait()}:\n"
                                         f"{processes.tail(self.log)}")
                self.answers += chunk
        line, _, self.answers = self.answers.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{self.name}: {answer['error']}")
        return answer["result"]

    def do(self, do, timeout=60, **arguments):
        self.begin(do, **arguments)
        return self.end(timeout)

    def create(self, metadata="P2PHANDSHAKE", name="127.0.0.1", bind_host="127.0.0.1", **more):
        made = self.do("create", name=name, metadata=metadata, bind_host=bind_host, **more)
        assert made["status"] == "ok", made
        self.segment = made["name"]
        return self

    def memory(self, length, register=True, **more):
        """Address of new memory: a region's, or with host=True the program's own."""
        addr = self.do("memory", bytes=length, **more)
        if register:
            assert self.do("register", addr=addr, bytes=length) == "ok"
        return addr

    def fill(self, addr, length, salt):
        self.do("fill", addr=addr, bytes=length, salt=salt)

    def wrong(self, addr, length, salt):
        """The offset of the first byte that fill() would not have written, or None."""
        at = self.do("check", addr=addr, bytes=length, salt=salt)
        return None if at < 0 else at

    def open(self, segment, timeout_ms=3000):
        opened = self.do("open", name=segment, timeout_ms=timeout_ms)
        assert opened["status"] == "ok", opened
        return opened["segment"]

    def transfer(self, segment, op, requests, timeout_ms=10000):
        return self.do("transfer", segment=segment, op=op, requests=requests,
                       timeout_ms=timeout_ms, timeout=60 + timeout_ms / 1000)

    def moves(self, segment, op, *requests, timeout_ms=10000):
        done = self.transfer(segment, op, list(requests), timeout_ms)
        assert done["status"] == "ok", done

    # ---- life ----

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait()

    def stall(self):
        """Returns when all threads stand still: one of them must run to stop the others."""
        os.kill(self.pid, signal.SIGSTOP)
        processes.wait_until(lambda: self._states() == {"T"}, 5, f"{self.name} stands still")

    def _states(self):
        tasks = f"/proc/{self.pid}/task"
        stats = []
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/stat") as stat:
                stats.append(stat.read())
        return {stat.rpartition(")")[2].split()[0] for stat in stats}

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def close(self):
        """Exit code; None: it had to be killed."""
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        return processes.reap(self.process, 20)


class Nodes:
    """The engines that one test started."""

    def __init__(self, directory):
        self.directory, self.nodes = directory, []

    def __call__(self, netns=None, env=None, **create):
        node = EngineNode(self.directory, f"node{len(self.nodes)}", netns, env)
        self.nodes.append(node)
        return node.create(**create)

    def stop(self):
        """Those that did not end well: what sanitizers find at the end counts, too."""
        bad = []
        for node in self.nodes:
            if node.killed:
                continue
            with contextlib.suppress(AssertionError, OSError):
                node.go_on()
                node.do("destroy", timeout=20)
            code = node.close()
            if code != 0:
                bad.append(f"{node.name} ended with {code}:\n{processes.tail(node.log)}")
        return bad

    def logs(self):
        for node in self.nodes:
            yield node.log.name, processes.tail(node.log)
