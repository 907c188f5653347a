#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes corpus/rpc and corpus/result from the recorded traffic: the first body of each function."""

import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors" / "master_rpc"
FUNCTIONS = [line.split('"')[1] for line in
             (HERE.parents[1] / "core" / "wire" / "schema.c").read_text().splitlines()
             if line.startswith("\tFUNCTION")]
NEWEST = 7  # MC_RELEASE_0_3_13


def records():
    for path in sorted(VECTORS.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            if record.get("func") in FUNCTIONS and record.get("resp_header"):
                yield record


def main():
    requests, results = {}, {}
    for record in records():
        name = record["func"]
        if record["req_body"]:
            number = int(record["func_id"], 16).to_bytes(4, "little")
            requests.setdefault(name, number + bytes.fromhex(record["req_body"]))
        if record["resp_header"][4:6] == "00":
            head = bytes([FUNCTIONS.index(name), NEWEST])
            results.setdefault(name, head + bytes.fromhex(record["resp_body"]))
    for folder, bodies in (("rpc", requests), ("result", results)):
        (HERE / "corpus" / folder).mkdir(parents=True, exist_ok=True)
        for name, body in bodies.items():
            (HERE / "corpus" / folder / name).write_bytes(body)


if __name__ == "__main__":
    main()
