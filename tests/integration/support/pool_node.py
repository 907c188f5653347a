# SPDX-License-Identifier: Apache-2.0
"""mc-node processes under test."""

import signal

from . import processes
from .master import BUILD


class PoolNode:
    """One mc-node; its log is `log`. Flags that are not given here are its defaults."""

    def __init__(self, directory, name, master, metadata="P2PHANDSHAKE", size="64 MB", flags=()):
        self.log = directory / f"{name}.log"
        self.command = [BUILD / "apps/mc-node/mc-node", "-master_server_address", master,
                        "-metadata_server", metadata, "-global_segment_size", size,
                        "-host", "127.0.0.1", "-bind_host", "127.0.0.1", *flags]
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = processes.spawn(self.command, stdout=log, stderr=log,
                                           cwd=self.log.parent)
        return self

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_serving(self, timeout=20):
        def serving():
            if self.process.poll() is not None:
                raise AssertionError(f"mc-node ended with {self.process.returncode}:\n"
                                     f"{processes.tail(self.log)}")
            return "] serving" in self.text()

        processes.wait_until(serving, timeout, f"mc-node serves ({self.log})")
        return self

    @property
    def name(self):
        """host:port, as the master lists it."""
        return self.text().rpartition(", node ")[2].split()[0]

    def stop(self, timeout=15):
        self.process.send_signal(signal.SIGTERM)
        return processes.reap(self.process, timeout)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
