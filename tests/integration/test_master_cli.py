# SPDX-License-Identifier: Apache-2.0
"""What mc-master says on its command line and in its log; test_process.py has what it does."""

import http.client
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from support import processes, web
from support.master import NEWEST, ROOT, binary
from support.ports import free_port

pytestmark = pytest.mark.ours

VERSION = "mc-master 0.1.0 (speaks Mooncake 0.3.6 to 0.3.13.post1)\n"


def run(*flags, program=None, env=None):
    return subprocess.run([program or binary(NEWEST), *map(str, flags)], capture_output=True,
                          text=True, timeout=20, env={**os.environ, **(env or {})})


def refused(*flags, **options):
    """The lines of a start that must fail."""
    done = run(*flags, **options)
    assert done.returncode == 1, done
    assert done.stdout == ""
    return done.stderr.splitlines()


class Started:
    """A master on ports of the kernel's choice, which it must tell."""

    def __init__(self, directory, *flags):
        self.log = directory / "log"
        with open(self.log, "wb") as log:
            self.process = processes.spawn([binary(NEWEST), "-port=0", "-metrics_port=0", *flags],
                                           stdout=log, stderr=log, cwd=directory)
        processes.wait_until(self._serving, 20, "it serves")

    def _serving(self):
        assert self.process.poll() is None, self.text
        return self.find(r"\] serving$")

    @property
    def text(self):
        return self.log.read_text(errors="replace")

    def find(self, pattern):
        return re.search(pattern, self.text, re.MULTILINE)

    def port(self, pattern):
        found = self.find(pattern + r"[^\n]*?:(\d+)")
        assert found, self.text
        return int(found[1])


@pytest.fixture
def start(tmp_path):
    made = []

    def starter(*flags):
        made.append(Started(tmp_path, *flags))
        return made[-1]

    yield starter
    for master in made:
        if master.process.poll() is None:
            master.process.terminate()
            assert processes.reap(master.process, 5) == 0, master.text


def test_version():
    for flag in ("-version", "--version", "--version=true"):
        done = run(flag)
        assert (done.returncode, done.stdout, done.stderr) == (0, VERSION, "")


def test_help_shows_every_flag_in_its_group():
    done = run("--help")
    assert done.returncode == 0 and done.stderr == ""
    first = done.stdout.index("\nCores:\n")
    assert first < done.stdout.index("\nRPC port:\n") < done.stdout.index("\nCXL memory:\n")
    documented = set(re.findall(r"^\| `-(\w+)`", (ROOT / "doc/flags.md").read_text(), re.M))
    assert documented == set(re.findall(r"^  -(\w+)", done.stdout, re.M))
    assert len(documented) > 120
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_document_is_written_by_the_program():
    assert run("-help_markdown").stdout == (ROOT / "doc/flags.md").read_text()


@pytest.mark.parametrize("name, text", [
    ("master.yaml", "# ports\nmetrics_port: 9104\nclient_live_ttl_sec: 60\nport: 50152\n"),
    ("master.json", '{"metrics_port": 9104, "client_live_ttl_sec": 60, "port": 50152}'),
])
def test_a_configuration_file_fills_in(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    done = run(f"--config_path={path}", "-port=5", "-print_config")
    lines = done.stdout.splitlines()
    line = (lambda n: f":{n}") if name.endswith("yaml") else (lambda n: "")
    assert done.returncode == 0 and done.stderr == ""
    assert f"-metrics_port=9104  # {path}{line(2)}" in lines
    assert f"-client_ttl=60  # {path}{line(3)}" in lines
    assert "-port=5  # command line" in lines


def test_a_configuration_file_is_refused_by_line(tmp_path):
    path = tmp_path / "master.yaml"
    path.write_text("port: 1\nmetric_port: 2\n")
    done = run(f"-config_path={path}")
    assert done.returncode == 1
    assert done.stderr == (f'mc-master: -config_path: {path}:2: unknown key "metric_port"; '
                           "did you mean metrics_port?\n")


def test_print_config_tells_where_a_value_came_from(tmp_path):
    (tmp_path / "flags").write_text("-client_ttl=3\n")
    done = run("-print_config", "-port=1", f"-flagfile={tmp_path}/flags",
               env={"MC_MASTER_METRICS_PORT": "7", "MC_MASTER_PORT": "8"})
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert "-port=1  # command line" in lines
    assert f"-client_ttl=3  # {tmp_path}/flags:1" in lines
    assert "-metrics_port=7  # environment MC_MASTER_METRICS_PORT" in lines
    assert "-eviction_ratio=0.05  # default" in lines


@pytest.mark.parametrize("flags, line", [
    (["-metric_port=9"], "unknown flag -metric_port; did you mean -metrics_port?"),
    (["-zzzzzzzz"], "unknown flag -zzzzzzzz; -help lists the flags"),
    (["-eviction_ratio=7"], "-eviction_ratio: 7 is out of range; give a ratio from 0 to 1"),
    (["-port", "70000"], "-port: 70000 is out of range; give a port from 0 to 65535"),
    (["-allocation_strategy=cxl"],
     '-allocation_strategy: "cxl" is not built yet; give random, free_ratio_first or local_first'),
    (["-allocation_strategy=best"],
     '-allocation_strategy: "best" is not valid; give random, free_ratio_first or local_first'),
    (["-enable_ha"],
     "-enable_ha: true is refused: standby masters are not built yet; leave the flag out"),
    (["-default_kv_lease_ttl=2d"],
     '-default_kv_lease_ttl: "2d" is not a duration; give milliseconds from 0 to '
     "18446744073709551615, or a duration like 30s, 10m, 2h"),
    (["-put_start_discard_timeout_sec=700"],
     "-put_start_release_timeout_sec: 600 is not more than -put_start_discard_timeout_sec, 700; "
     "give more, or lower that"),
    (["-default_kv_soft_pin_ttl=48h"],
     "-default_kv_soft_pin_ttl: 172800000 ms is more than -max_kv_soft_pin_ttl, 86400000 ms; "
     "give less, or raise that"),
    (["-metrics_host=no.such.host.invalid"],
     '-metrics_host: "no.such.host.invalid" is not an address; give one of this host, or '
     "0.0.0.0 for all"),
    (["-rpc_address=192.0.2.1", "-port=0"],
     "-port: 192.0.2.1:0 is no address of this host; give one that \"ip address\" lists, or "
     "0.0.0.0"),
    (["-rpc_interface=nosuch0"],
     "-rpc_interface: nosuch0 has no IPv4 address here; give an interface that "
     '"ip -4 address" lists'),
    (["-abi_ports=0.3.9=5,0.9.9=6"],
     '-abi_ports: "0.9.9=6" names an unknown release; give a list like '
     "0.3.9=50061,0.3.12=50062 of releases from 0.3.6 to 0.3.13"),
    (["-abi_ports=0.3.9=70000"],
     '-abi_ports: "0.3.9=70000" has no port from 0 to 65535; give a list like '
     "0.3.9=50061,0.3.12=50062 of releases from 0.3.6 to 0.3.13"),
    (["-abi_default=1.0"],
     '-abi_default: "1.0" is not a release known here; give one from 0.3.6 to 0.3.13'),
    (["-main_lcore=1"],
     "-main_lcore: 1 names no core of ours; give -l, -c or -lcores with it"),
    (["-log_dir=/nowhere/at/all", "-port=0", "-metrics_port=0"],
     "-log_dir: mc-master.INFO cannot be written in /nowhere/at/all; give a directory that exists "
     "and is writable"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_refusal_names_flag_value_and_fix(flags, line):
    assert refused(*flags) == ["mc-master: " + line]


def test_cleanup_of_a_metadata_server_elsewhere_is_refused():
    """It is asked for in the environment; without that there is nothing to clean."""
    url = "http://127.0.0.1:1/metadata"
    lines = refused("-enable_metadata_cleanup_on_timeout",
                    env={"MOONCAKE_TE_META_DATA_SERVER": url})
    assert lines == ["mc-master: -enable_metadata_cleanup_on_timeout: true is refused: cleaning "
                     f"the server that MOONCAKE_TE_META_DATA_SERVER={url} names is not built yet; "
                     "give "
                     "-enable_http_metadata_server=true, or leave out the flag or the variable"]


def test_cleanup_without_a_metadata_server_is_noticed(start):
    master = start("-enable_metadata_cleanup_on_timeout")
    assert master.find("-enable_metadata_cleanup_on_timeout true has no effect: ")


def test_all_errors_at_once():
    assert len(refused("-port=x", "-eviction_ratio=2", "-zzzzzzzz", "-enable_cxl")) == 4


def test_symlink_speaks_under_its_name(tmp_path):
    link = tmp_path / "mooncake_master"
    link.symlink_to(binary(NEWEST))
    assert refused("-port=70000", program=link)[0].startswith("mooncake_master: -port: 70000")
    assert run("-version", program=link).stdout == VERSION
    assert run("-help", program=link).stdout.startswith("usage: mooncake_master ")


@pytest.mark.parametrize("flag", ["port", "rpc_port", "metrics_port", "http_metadata_server_port",
                                  "abi_ports"])
def test_busy_port_names_flag_and_owner(flag):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        flags = {"port": 0, "metrics_port": 0, "http_metadata_server_port": 0,
                 flag: f"0.3.9={port}" if flag == "abi_ports" else port}
        lines = refused("-enable_http_metadata_server", "-rpc_address=127.0.0.1",
                        *(f"-{name}={value}" for name, value in flags.items()))
    with open("/proc/self/comm") as comm:
        owner = f"pid {os.getpid()} {comm.read().strip()}"
    assert lines == [f"mc-master: -{flag} {port}: address already in use (by {owner}); stop it or "
                     "choose another port"]


def test_two_flags_with_one_port():
    port = free_port()
    lines = refused(f"-port={port}", f"-metrics_port={port}")
    assert lines == [f"mc-master: -metrics_port {port}: address already in use (by -port); choose "
                     "another port"]


def test_port_0_is_announced_everywhere(start):
    master = start("-enable_http_metadata_server", "-http_metadata_server_port=0",
                   "-abi_ports=0.3.9=0,0.3.12=0")
    ports = [master.port(place) for place in (r"\] metrics and admin on", r"\] metadata on")]
    ports += [int(number) for number in re.findall(r"\] rpc on [^\n]*?:(\d+),", master.text)]
    assert len(set(ports)) == 5 and 0 not in ports, master.text
    for port in ports:
        socket.create_connection(("127.0.0.1", port), 5).close()
    assert web.text(f"http://127.0.0.1:{ports[0]}/health")


def test_harmless_flags_are_noticed_in_one_line(start):
    master = start("-etcd_endpoints=127.0.0.1:2379", "-logbufsecs=5", "stray")
    for flag in ("-etcd_endpoints 127.0.0.1:2379", "-logbufsecs 5"):
        assert master.text.count(flag + " has no effect: ") == 1
    assert '"stray" is not a flag' in master.text


def test_one_thread_per_core_on_that_core_alone(start):
    cpus = sorted(os.sched_getaffinity(0))[:2]
    master = start("-l", ",".join(map(str, cpus)))
    allowed = {}
    for task in os.listdir(f"/proc/{master.process.pid}/task"):
        with open(f"/proc/{master.process.pid}/task/{task}/status") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines()
                          if ":\t" in line)
        allowed[status["Name"]] = status["Cpus_allowed_list"]
    lcores = {name: on for name, on in allowed.items() if name.startswith("mc-lcore-")}
    assert lcores == {f"mc-lcore-{i}": str(cpu) for i, cpu in enumerate(cpus)}
    assert master.find("lcores " + ", ".join(f"{i} on CPU {c}" for i, c in enumerate(cpus)))


def test_cores_unasked_are_few(start):
    master = start("-max_threads=1")
    assert master.find(r"lcores 0 on CPU \d+;"), master.text


def test_core_that_does_not_exist():
    done = run("-port=0", "-metrics_port=0", "-l", "0,4000")
    assert done.returncode == 1
    assert "-l 0,4000: CPU 4000 does not exist" in done.stderr and "allowed: " in done.stderr


def test_log_file_has_the_reason_and_stderr_where_to_look(tmp_path):
    done = run("-port=0", "-metrics_port=0", "-l", "4000", f"-log_dir={tmp_path}")
    assert done.returncode == 1
    assert done.stderr == f"mc-master: not started; {tmp_path}/mc-master.INFO says why\n"
    assert "CPU 4000" in (tmp_path / "mc-master.INFO").read_text()


def test_minloglevel(tmp_path):
    """Only warnings: the notice is there, the announcement is not."""
    log = tmp_path / "log"
    port = free_port()
    with open(log, "wb") as out:
        quiet = processes.spawn([binary(NEWEST), f"-port={port}", "-metrics_port=0",
                                 "-minloglevel=1", "-pod_name=x"], stdout=out, stderr=out)
    try:
        processes.wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 20,
                             "it listens")
    finally:
        quiet.terminate()
        assert processes.reap(quiet, 5) == 0
    lines = log.read_text().splitlines()
    assert len(lines) == 1 and "-pod_name x has no effect" in lines[0], lines


def test_health_turns_503_before_the_end(start):
    master = start()
    admin = http.client.HTTPConnection("127.0.0.1", master.port(r"\] metrics and admin on"), 5)
    admin.request("GET", "/health")
    answer = admin.getresponse()
    assert (answer.status, bool(answer.read())) == (200, True)
    master.process.terminate()
    seen = set()
    while 503 not in seen:  # ends by an exception when the port closes before
        admin.request("GET", "/health")
        answer = admin.getresponse()
        answer.read()
        seen.add(answer.status)
    assert seen <= {200, 503}
    assert processes.reap(master.process, 5) == 0


def test_second_signal_leaves_at_once(start):
    master = start()
    begin = time.monotonic()
    master.process.terminate()
    processes.wait_until(lambda: master.find("SIGTERM: stopping"), 5, "it begins to stop", 0.001)
    master.process.send_signal(signal.SIGINT)
    assert processes.reap(master.process, 5) == 1
    assert master.find("SIGINT again: leaving at once") and time.monotonic() - begin < 1
