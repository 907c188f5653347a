# SPDX-License-Identifier: Apache-2.0
"""A process of one of our test programs (tests/support/*_node.c), driven over a pipe."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time

from . import processes
from .master import BUILD


class Node:
    program = None      # in tests/support

    def __init__(self, directory, name, netns=None, env=None):
        self.name, self.log = name, directory / f"{name}.log"
        command = [BUILD / "tests/support" / self.program]
        if netns:
            command = ["ip", "netns", "exec", netns, *command]
        with open(self.log, "ab") as log:
            self.process = processes.spawn(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                cwd=directory, env={**os.environ, **(env or {})})
        self.answers, self.killed = b"", False
        self.expected = 0   # exit code

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
        self.ms = answer.get("ms")  # that it took there
        return answer["result"]

    def do(self, do, timeout=60, **arguments):
        self.begin(do, **arguments)
        return self.end(timeout)

    # ---- life ----

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait()

    def stall(self):
        processes.stall(self.pid)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def close(self):
        """Exit code; None: it had to be killed."""
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        return processes.reap(self.process, 20)


class Nodes:
    """Those that one test started."""

    kind, last = Node, None     # the command that ends what a node has

    def __init__(self, directory):
        self.directory, self.nodes = directory, []

    def start(self, name=None, netns=None, env=None):
        node = self.kind(self.directory, name or f"node{len(self.nodes)}", netns, env)
        self.nodes.append(node)
        return node

    def stop(self):
        """Those that did not end well: what sanitizers find at the end counts, too."""
        bad = []
        for node in self.nodes:
            if node.killed:
                continue
            with contextlib.suppress(AssertionError, OSError):
                node.go_on()
                node.do(self.last, timeout=20)
            code = node.close()
            if code != node.expected:
                bad.append(f"{node.name} ended with {code}:\n{processes.tail(node.log)}")
        return bad

    def logs(self):
        for node in self.nodes:
            yield node.log.name, processes.tail(node.log)
