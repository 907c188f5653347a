# SPDX-License-Identifier: Apache-2.0
"""mc-bench topo: this machine and made-up ones; and do NICs get the numbers that a C++ reader gives
them."""

import json
import os
import shutil
import subprocess

import pytest

from support import tree
from support.master import BUILD

BENCH = BUILD / "apps/mc-bench/mc-bench"

READER = """
#include <iostream>
#include <string>
#include <unordered_map>
int main()
{
	std::unordered_map<std::string, int> map;
	for (std::string key; std::cin >> key;)
		map[key] = 1;
	for (auto &entry : map)
		std::cout << entry.first << ' ';
}
"""


def run(*flags, **environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MC_")}
    return subprocess.run([BENCH, "topo", *map(str, flags)], capture_output=True, text=True,
                          timeout=30, env={**inherited, **environment})


def seen(*flags, **environment):
    done = run("--json", *flags, **environment)
    assert done.returncode == 0 and done.stderr == "", done
    line, = done.stdout.splitlines()
    return json.loads(line)


def count(cpus):
    """Of "0-3,8"."""
    ranges = (part.split("-") for part in cpus.split(",") if part)
    return sum(int(ends[-1]) - int(ends[0]) + 1 for ends in ranges)


@pytest.fixture
def two_nodes(tmp_path):
    root = tree.machine(tmp_path / "machine", nodes=2)
    for number in range(4):
        tree.nic(root, f"mlx5_{number}", number // 2, "1: DOWN" if number == 3 else "4: ACTIVE")
    return root


# ---- this machine ----

def test_this_machine():
    got = seen("--devices=")
    assert got["bench"] == "topo"
    assert sum(count(node["cpus_allowed"]) for node in got["nodes"]) == \
        len(os.sched_getaffinity(0))
    assert sum(node["memory_bytes"] for node in got["nodes"]) > 0
    assert {nic["name"] for nic in got["nics"]} == set(
        os.listdir("/sys/class/infiniband") if os.path.isdir("/sys/class/infiniband") else [])


def test_the_affinity_is_honoured():
    cpu = min(os.sched_getaffinity(0))
    done = subprocess.run([BENCH, "topo", "--json"], capture_output=True, text=True, timeout=30,
                          preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    nodes = json.loads(done.stdout)["nodes"]
    assert [node["cpus_allowed"] for node in nodes if node["cpus_allowed"]] == [str(cpu)]


def test_the_table():
    done = run("--devices=")
    assert done.returncode == 0 and done.stderr == "", done
    assert done.stdout.startswith("node  CPUs ")
    assert "no RDMA devices" in done.stdout or "priority_matrix {" in done.stdout


# ---- made-up machines ----

def test_two_nodes(two_nodes):
    got = seen("--root", two_nodes)
    assert [nic["node"] for nic in got["nics"]] == [0, 0, 1, 1]
    assert got["priority_matrix"] == {"cpu:0": [["mlx5_0", "mlx5_1"], ["mlx5_2"]],
                                      "cpu:1": [["mlx5_2"], ["mlx5_0", "mlx5_1"]]}
    # what a reader sees first in cpu:1
    assert [nic["rail"] for nic in got["nics"]] == [1, 2, 0, None]


def test_devices_by_flag_and_environment(two_nodes):
    for got in (seen("--root", two_nodes, "--devices=mlx5_1"),
                seen("--root", two_nodes, MC_TE_FILTERS="mlx5_1"),
                seen("--root", two_nodes, "--devices", "mlx5_1", MC_TE_FILTERS="mlx5_9")):
        assert [nic["name"] for nic in got["nics"] if nic["rail"] is not None] == ["mlx5_1"]


def test_an_unknown_device(two_nodes):
    done = run("--root", two_nodes, "--devices=mlx5_0,mlx5_9")
    assert done.returncode == 1 and done.stdout == ""
    assert ("device mlx5_9 is not here; there are mlx5_0, mlx5_1, mlx5_2, mlx5_3" in
            done.stderr)
    assert len(done.stderr.splitlines()) == 1


def test_a_matrix_of_the_user(two_nodes, tmp_path):
    matrix = tmp_path / "matrix.json"
    matrix.write_text('{"cpu:0": [["mlx5_2"], ["mlx5_0"]]}')
    got = seen("--root", two_nodes, MC_CUSTOM_TOPO_JSON=str(matrix))
    assert got["priority_matrix"] == {"cpu:0": [["mlx5_2"], ["mlx5_0"]]}
    matrix.write_text('{"cpu:0": [["mlx5_2"], [0]]}')
    done = run("--root", two_nodes, "--matrix", matrix)
    assert done.returncode == 1
    assert f'{matrix}: "cpu:0": a NIC is no string' in done.stderr


@pytest.mark.parametrize("flags, says", [
    (["mlx5_0"], '"mlx5_0" is no flag'),
    (["--root=/nonexistent"], "there is no directory /nonexistent"),
    (["--device=mlx5_0"], "-device"),
])
def test_refusals(flags, says):
    done = run(*flags)
    assert done.returncode == 1 and done.stdout == ""
    assert says in done.stderr


def test_help_and_version():
    assert "MC_TE_FILTERS" in run("--help").stdout
    assert run("--version").stdout.startswith("mc-bench ")
    assert "devices" in run("--print_config").stdout
    assert "devices" in run("--help_markdown").stdout


# ---- the numbers of NICs ----

@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    if shutil.which("g++") is None:
        pytest.skip("no g++")
    folder = tmp_path_factory.mktemp("reader")
    (folder / "reader.cc").write_text(READER)
    subprocess.run(["g++", "-o", folder / "reader", folder / "reader.cc"], check=True)
    return folder / "reader"


LOCATIONS = {
    **{f"{nodes} nodes": [f"cpu:{node}" for node in range(nodes)]
       for nodes in (1, 2, 4, 8, 13, 14, 16, 29, 30, 59, 60, 64)},
    "with GPUs": [f"cpu:{node}" for node in range(2)] + [f"cuda:{gpu}" for gpu in range(8)],
    "names of all lengths": ["x" * length for length in range(1, 65)],
    "other letters": ["ä", "node/ö", "日本語の場所です", "*", "~"],
}


@pytest.mark.parametrize("name", LOCATIONS)
def test_numbers_are_those_of_a_reader(reader, tmp_path, name):
    """A NIC for each location: the order of the rails is then that of the walk."""
    locations = sorted(LOCATIONS[name], key=str.encode)
    root = tree.machine(tmp_path / "machine")
    for number in range(len(locations)):
        tree.nic(root, f"nic{number}", 0)
    matrix = {location: [[f"nic{number}"], []] for number, location in enumerate(locations)}
    (tmp_path / "matrix.json").write_text(json.dumps(matrix))
    got = seen("--root", root, "--matrix", tmp_path / "matrix.json")
    rails = sorted((nic["rail"], nic["name"]) for nic in got["nics"])
    walk = subprocess.run([reader], input=" ".join(locations), capture_output=True, text=True,
                          check=True).stdout.split()
    assert [matrix[location][0][0] for location in walk] == [nic for _, nic in rails]
    assert got["priority_matrix"] == matrix
