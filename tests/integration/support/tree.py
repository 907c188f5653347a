# SPDX-License-Identifier: Apache-2.0
"""A directory with the sys/ of a machine that there is not, for mc-bench topo --root."""


def _put(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


def machine(root, nodes=1, cpus=2):
    """Nodes 0.., each with @cpus CPUs."""
    system = "sys/devices/system"
    for name in ("online", "possible"):
        _put(root, f"{system}/cpu/{name}", f"0-{nodes * cpus - 1}")
    _put(root, f"{system}/node/online", f"0-{nodes - 1}")
    for node in range(nodes):
        first = node * cpus
        mask = f"{((1 << cpus) - 1) << first:08x}"
        folder = f"{system}/node/node{node}"
        _put(root, f"{folder}/cpumap", mask)
        _put(root, f"{folder}/cpulist", f"{first}-{first + cpus - 1}")
        _put(root, f"{folder}/meminfo", f"Node {node} MemTotal: 1048576 kB")
        _put(root, f"{folder}/distance",
             " ".join("10" if other == node else "21" for other in range(nodes)))
        for cpu in range(first, first + cpus):
            topology = f"{system}/cpu/cpu{cpu}/topology"
            _put(root, f"{topology}/core_siblings", mask)
            _put(root, f"{topology}/thread_siblings", f"{1 << cpu:08x}")
            _put(root, f"{topology}/core_id", cpu)
            _put(root, f"{topology}/physical_package_id", node)
    return root


def nic(root, name, node, state="4: ACTIVE"):
    device = f"sys/class/infiniband/{name}"
    _put(root, f"{device}/ports/1/state", state)
    _put(root, f"{device}/ports/1/link_layer", "Ethernet")
    _put(root, f"{device}/ports/1/rate", "100 Gb/sec (4X EDR)")
    function = root / f"sys/devices/pci/{name}"
    function.mkdir(parents=True)
    _put(root, f"sys/devices/pci/{name}/numa_node", node)
    (root / device / "device").symlink_to(function)
