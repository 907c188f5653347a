# SPDX-License-Identifier: Apache-2.0
"""HTTP with the standard library: (status, headers, body) whatever the status."""

import urllib.error
import urllib.request


def request(url, method="GET", body=None, timeout=10):
    call = urllib.request.Request(url, data=body, method=method)
    try:
        with urllib.request.urlopen(call, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def text(url, timeout=10):
    status, _, body = request(url, timeout=timeout)
    assert status == 200, f"GET {url}: {status} {body[:200]!r}"
    return body.decode()


def metrics(url):
    """Samples of a Prometheus page: {'name{labels}': value}."""
    samples = {}
    for line in text(url).splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            samples[name] = float(value)
    return samples
