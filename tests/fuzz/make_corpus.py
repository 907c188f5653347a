#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes corpus/rpc and corpus/result from the recorded traffic, the first body of each function;
and corpus/frames, the frames that each recording's connection carried, and the broken ones."""

import json
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors" / "master_rpc"
FUNCTIONS = [line.split('"')[1] for line in
             (HERE.parents[1] / "core" / "wire" / "schema.c").read_text().splitlines()
             if line.startswith("\tFUNCTION")]
NEWEST = 7  # MC_RELEASE_0_3_13


def records(path):
    for line in path.read_text().splitlines():
        record = json.loads(line)
        if record.get("func") in FUNCTIONS and record.get("resp_header"):
            yield record


def frames(path):
    """The first call of each function, in their order; cut nowhere (the leading zero)."""
    seen, sent = set(), b"\0"
    for record in records(path):
        if record["func"] not in seen:
            seen.add(record["func"])
            sent += bytes.fromhex(record["req_header"]) + bytes.fromhex(record["req_body"])
    return sent


def broken():
    for line in (VECTORS / "framing.jsonl").read_text().splitlines():
        case = json.loads(line)
        if case.get("sent"):
            yield case["case"], b"\x07" + bytes.fromhex(case["sent"])


def main():
    requests, results = {}, {}
    recordings = [path for path in sorted(VECTORS.glob("*.jsonl")) if path.stem != "framing"]
    sessions = {path.stem: frames(path) for path in recordings}
    sessions.update(broken())
    for record in (record for path in recordings for record in records(path)):
        name = record["func"]
        if record["req_body"]:
            number = int(record["func_id"], 16).to_bytes(4, "little")
            requests.setdefault(name, number + bytes.fromhex(record["req_body"]))
        if record["resp_header"][4:6] == "00":
            head = bytes([FUNCTIONS.index(name), NEWEST])
            results.setdefault(name, head + bytes.fromhex(record["resp_body"]))
    for folder, bodies in (("rpc", requests), ("result", results), ("frames", sessions)):
        (HERE / "corpus" / folder).mkdir(parents=True, exist_ok=True)
        for name, body in bodies.items():
            (HERE / "corpus" / folder / name).write_bytes(body)


if __name__ == "__main__":
    main()
