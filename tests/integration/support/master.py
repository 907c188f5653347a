# SPDX-License-Identifier: Apache-2.0
"""A master under test. MC_TEST_MASTER=upstream runs the mooncake_master of the clients' release in
its place, to show that a test asks for what upstream does too."""

import os
import pathlib
import signal
import socket

from . import processes, web
from .ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
UPSTREAM = os.environ.get("MC_TEST_MASTER", "ours") == "upstream"
BUILD = pathlib.Path(os.environ.get("MC_TEST_BUILD", ROOT / "build"))
NEWEST = "0.3.13.post1"


def binary(release, upstream=UPSTREAM):
    if not upstream:
        return BUILD / "apps/mc-master/mc-master"
    site = next((ROOT / ".venvs" / release).glob("lib/python3*/site-packages"))
    return site / "mooncake" / "mooncake_master"


def _listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Master:
    """One master on free ports; start(), kill() and start() again keep the ports."""

    def __init__(self, directory, release=NEWEST, metadata=False, abi_ports=(), flags=(), env=None,
                 upstream=UPSTREAM):
        self.directory = directory
        self.release, self.upstream = release, upstream
        self.port, self.metrics_port = free_port(), free_port()
        self.metadata_port = free_port() if metadata else None
        self.abi_ports = {name: free_port() for name in abi_ports}
        self.flags = list(flags)
        self.env = {**os.environ, **(env or {})}
        self.process = None
        self.starts = 0

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def metadata(self):
        if self.metadata_port is None:
            return "P2PHANDSHAKE"
        return f"http://127.0.0.1:{self.metadata_port}/metadata"

    @property
    def pid(self):
        return self.process.pid

    def admin(self, path):
        return f"http://127.0.0.1:{self.metrics_port}{path}"

    def command(self):
        command = [binary(self.release, self.upstream), f"-rpc_port={self.port}",
                   f"-metrics_port={self.metrics_port}", "-logtostderr"]
        if self.metadata_port:
            command += ["--enable_http_metadata_server=true",
                        "--http_metadata_server_host=127.0.0.1",
                        f"--http_metadata_server_port={self.metadata_port}"]
        if self.abi_ports:
            command.append("--abi_ports=" + ",".join(f"{k}={v}" for k, v in self.abi_ports.items()))
        return command + self.flags

    @property
    def log(self):
        return self.directory / f"master-{self.port}-{self.starts}.log"

    def start(self, timeout=20):
        assert self.process is None, "already running"
        self.starts += 1
        with open(self.log, "wb") as log:
            self.process = processes.spawn(self.command(), stdin=-3, stdout=log, stderr=log,
                                           cwd=self.directory, env=self.env)
        ports = [p for p in (self.port, self.metrics_port, self.metadata_port) if p]
        ports += self.abi_ports.values()
        processes.wait_until(lambda: self._ready(ports), timeout, f"master listens on {ports}")
        return self

    def _ready(self, ports):
        code = self.process.poll()
        assert code is None, f"master ended with {code}:\n{processes.tail(self.log)}"
        return all(_listens(port) for port in ports)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self, timeout=10):
        """SIGTERM; the exit code, None when it had to be killed. Harmless when not running."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        code = processes.reap(self.process, timeout)
        self.process = None
        return code

    def segments(self):
        return web.text(self.admin("/get_all_segments")).split()
