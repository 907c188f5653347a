# SPDX-License-Identifier: Apache-2.0
"""mc-master as a process: how it starts and ends. (test_master_cli.py has its command line.)"""

import os
import signal
import socket
import time

import pytest

from support import processes
from support.master import NEWEST, binary
from support.ports import free_port
from support.rpc import Connection
from support.table_client import TableClient

pytestmark = pytest.mark.ours


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_stops_within_a_second(cluster, number):
    """Also with clients connected."""
    master = cluster.master(metadata=True)
    with Connection(master.port):
        TableClient(master.port, "0.3.13").setup()
        start = time.monotonic()
        os.kill(master.pid, number)
        assert master.process.wait(5) == 0
        assert time.monotonic() - start < 1
    master.process = None


def test_restart_on_the_same_port_at_once(cluster):
    master = cluster.master(metadata=True)
    for _ in range(3):
        client = TableClient(master.port, "0.3.13").setup()
        master.kill()
        client.rpc.close()
        master.start()


@pytest.mark.parametrize("spelling", [
    ["-rpc_port={port}"], ["--rpc_port={port}"], ["-rpc-port={port}"], ["--rpc-port", "{port}"],
    ["-rpc_port", "{port}"], ["-port={port}"], ["-port=1", "-rpc_port={port}"],
], ids=" ".join)
def test_flag_spellings(tmp_path, spelling):
    """Upstream's: one or two dashes, _ or -, = or a space."""
    port = free_port()
    flags = [part.format(port=port) for part in spelling]
    with open(tmp_path / "log", "wb") as log:
        master = processes.spawn([binary(NEWEST), f"-metrics_port={free_port()}", *flags],
                                 stdout=log, stderr=log)
    try:
        processes.wait_until(lambda: accepts(port) or master.poll() is not None, 20, "it listens")
        assert master.poll() is None, processes.tail(tmp_path / "log")
    finally:
        master.terminate()
        assert processes.reap(master, 5) in (0, 1)


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_flagfile_environment_and_undefok(tmp_path, cluster):
    (tmp_path / "flags").write_text("# a comment\n-client_ttl=3\n--metrics_host=127.0.0.1\n")
    master = cluster.master(flags=[f"-flagfile={tmp_path}/flags", "-fromenv=default_kv_lease_ttl",
                                   "-undefok=unknown_to_us", "-unknown_to_us=1"],
                            env={"FLAGS_default_kv_lease_ttl": "1234"})
    client = TableClient(master.port, "0.3.13").setup()
    client.put("leased", 100)
    answer = client.rpc.call("GetReplicaList", string=[b"leased"])
    assert answer.value[1] == 1234


def test_as_mooncake_master(tmp_path, cluster):
    """Through a symlink of that name, with the command line that people have in their scripts."""
    link = tmp_path / "mooncake_master"
    link.symlink_to(binary(NEWEST))
    port, metrics, metadata = free_port(), free_port(), free_port()
    with open(tmp_path / "log", "wb") as log:
        master = processes.spawn(
            [link, "-port", port, "-max_threads", 64, "-metrics_port", metrics,
             "--enable_http_metadata_server=true", "--http_metadata_server_host=0.0.0.0",
             f"--http_metadata_server_port={metadata}"], stdout=log, stderr=log)
    try:
        processes.wait_until(lambda: accepts(port) and accepts(metrics) and accepts(metadata), 20,
                             "all three ports answer")
        client = TableClient(port, "0.3.13").setup()
        assert client.put("one", 100) == 0
    finally:
        master.terminate()
        assert processes.reap(master, 5) == 0


def test_max_threads_without_effect_says_so(cluster):
    master = cluster.master(flags=["-l", "0", "-max_threads", "64"])
    lines = [line for line in master.log.read_text().splitlines() if "max_threads" in line]
    assert len(lines) == 1, lines


def test_reopens_its_log(cluster, tmp_path):
    """SIGHUP, for log rotation."""
    master = cluster.master(flags=["-logtostderr=false", f"-log_dir={tmp_path}"])
    (log,) = [path for path in tmp_path.glob("*INFO*") if not path.is_symlink()]
    rotated = log.with_suffix(".rotated")
    log.rename(rotated)
    os.kill(master.pid, signal.SIGHUP)
    processes.wait_until(log.exists, 5, "the log file is there again")


def test_four_at_once(cluster):
    """Several masters of one machine do not meet in the runtime below."""
    masters = [cluster.master() for _ in range(4)]
    for master in masters:
        client = TableClient(master.port, "0.3.13").setup()
        assert client.put("mine", 100) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="not root: cannot become nobody")
def test_as_nobody(tmp_path):
    port = free_port()
    tmp_path.chmod(0o777)
    with open(tmp_path / "log", "wb") as log:
        master = processes.spawn(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary(NEWEST),
             f"-rpc_port={port}", f"-metrics_port={free_port()}"],
            stdout=log, stderr=log, cwd="/")
    try:
        processes.wait_until(lambda: accepts(port) or master.poll() is not None, 20, "it listens")
        assert master.poll() is None, processes.tail(tmp_path / "log")
    finally:
        master.terminate()
        assert processes.reap(master, 5) == 0
