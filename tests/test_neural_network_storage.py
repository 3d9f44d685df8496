"""Networks in files: whole ones come back, damaged ones are refused before any allocation."""

from __future__ import annotations

import contextlib
import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest
from neural_network_nets import NETS, network, samples

from minimand import nn


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_saved_comes_back(name, dtype, tmp_path):
    net = network(name, "both terms of softmax", dtype)
    net.running[...] = np.random.default_rng(0).random(net.running.size)
    net.save(tmp_path / "net.npz")
    back = nn.Network.load(tmp_path / "net.npz")
    assert repr(back) == repr(net)
    assert back.parameters.tobytes() == net.parameters.tobytes()
    assert back.fprop(samples(name, 3)).tobytes() == net.fprop(samples(name, 3)).tobytes()


@pytest.fixture
def stored(tmp_path):
    """A path with a network, and a function that writes it again with changes."""
    path = tmp_path / "net.npz"
    network("batch norm").save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def rewrite(**changes):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**members, **changes}.items():
                if content is not None:
                    archive.writestr(name, content)
        return path

    header = json.loads(np.load(io.BytesIO(members["header.npy"])).tobytes())
    return path, rewrite, header


def array(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def encoded(header):
    return array(np.frombuffer(json.dumps(header).encode(), dtype=np.uint8))


def refuse(path, words):
    with pytest.raises(ValueError, match=words):
        nn.Network.load(path)


def test_truncated_files(stored):
    path, _, _ = stored
    content = path.read_bytes()
    for end in range(0, len(content), 97):
        path.write_bytes(content[:end])
        refuse(path, "damaged")


def test_flipped_bytes_are_found_or_harmless(stored):
    path, _, _ = stored
    content = path.read_bytes()
    before = nn.Network.load(path).parameters.tobytes()
    for at in range(0, len(content), 53):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        with contextlib.suppress(ValueError, NotImplementedError):
            assert nn.Network.load(path).parameters.tobytes() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"magic": "other"}, "no file of a minimand network"),
        ({"version": 2}, "version 2"),
        ({"dtype": "float16"}, "float16"),
        ({"loss": "Nothing"}, "Nothing"),
        ({"parameters": 17}, "states 17 parameters"),
        ({"input_shape": [6]}, "describes no network"),
        ({"input_shape": 5}, "expected a list"),
        ({"module": {"kind": "Linear", "in_features": 5, "out_features": 10**9, "bias": True}},
         "parameters"),
        ({"module": {"kind": "os.system"}}, "is no module"),
        ({"module": {"kind": "Linear", "in_features": 5}}, "expected"),
        ({"module": {"kind": "Linear", "in_features": "5", "out_features": 3, "bias": True}},
         "describes no network"),
        ({"module": 3}, "describes no network"),
    ],
    ids=str,
)  # fmt: skip
def test_headers_that_lie(stored, changes, words):
    _, rewrite, header = stored
    path = rewrite(**{"header.npy": encoded({**header, **changes})})
    tracemalloc.start()
    refuse(path, words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**21


def test_arrays_that_are_not_what_the_header_says(stored):
    path, rewrite, header = stored
    size = header["parameters"]
    for values, words in (
        (np.zeros(size - 1), "expected"),
        (np.zeros(size, dtype=np.float32), "float32"),
        (np.zeros((size, 1)), "expected"),
        (np.full(size, np.nan), "nan at entry 0"),
    ):
        refuse(rewrite(**{"parameters.npy": array(values)}), words)
    refuse(rewrite(**{"parameters.npy": array(np.zeros(size))[:-8]}), "truncated|damaged")
    refuse(rewrite(**{"running.npy": None}), "members")
    refuse(rewrite(**{"extra.npy": array(np.zeros(3))}), "members")
    path.write_bytes(b"not an archive")
    refuse(path, "damaged")


def test_pickles_are_not_read(stored):
    _, rewrite, _ = stored
    out = io.BytesIO()
    np.save(out, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    refuse(rewrite(**{"parameters.npy": out.getvalue()}), "expected")
