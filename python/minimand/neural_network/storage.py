"""Networks in .npz files: arrays and a header in JSON, checked before anything is allocated."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minimand.neural_network import losses, modules
from minimand.neural_network.compile import compile_program
from minimand.neural_network.modules import Module
from minimand.neural_network.network import DTYPES, Network

_MAGIC = "minimand network"
_VERSION = 1
_LARGEST_HEADER = 1 << 20  # bytes
_DEEPEST = 64  # modules in modules
_MEMBERS = ("header.npy", "parameters.npy", "running.npy")


def save(network: Network, path: str | Path) -> None:
    """Write a network."""
    Path(path).write_bytes(to_bytes(network))


def to_bytes(network: Network) -> bytes:
    """Return the content of the file."""
    header = {
        "magic": _MAGIC,
        "version": _VERSION,
        "dtype": network.dtype,
        "input_shape": list(network.program.input_shape),
        "loss": type(network.loss).__name__,
        "module": _described(network.module),
        "parameters": network.program.n_parameters,
        "running": network.program.n_state,
    }
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    content = io.BytesIO()
    np.savez(content, header=text, parameters=network.parameters, running=network.running)
    return content.getvalue()


def load(path: str | Path) -> Network:
    """Read a network."""
    try:
        return _load(Path(path))
    except (zipfile.BadZipFile, EOFError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is no file of a minimand network, or damaged: {error}") from error


def _load(path: Path) -> Network:
    with zipfile.ZipFile(path) as archive:
        if sorted(archive.namelist()) != sorted(_MEMBERS):
            raise ValueError(f"{path} has members {archive.namelist()}, expected {list(_MEMBERS)}")
        stored = sum(info.file_size for info in archive.infolist())
        if any(info.compress_type for info in archive.infolist()) or stored > path.stat().st_size:
            raise ValueError(f"{path} is compressed, expected arrays as they are")
        header = _header(path, archive)
        dtype = header["dtype"]
        if dtype not in DTYPES:
            raise ValueError(f"{path} has dtype {dtype!r}, expected one of {DTYPES}")
        loss = losses.BY_NAME.get(header["loss"]) if isinstance(header["loss"], str) else None
        if loss is None:
            raise ValueError(f"{path} has loss {header['loss']!r}, expected a known one")
        shape = header["input_shape"]
        if not isinstance(shape, list):
            raise ValueError(f"{path} has input_shape {shape!r}, expected a list")
        # Sizes by the modules; nothing of these sizes is allocated yet.
        try:
            module = _module(header["module"], 0)
            program = compile_program(module, loss(), tuple(shape), dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} describes no network: {error}") from error
        for name, size in (("parameters", program.n_parameters), ("running", program.n_state)):
            if header[name] != size:
                raise ValueError(
                    f"{path} states {header[name]} {name}, but its modules have {size}"
                )
            _check_member(path, archive, name, size, dtype)
        arrays = [_read(path, archive, name) for name in ("parameters", "running")]
    network = Network(module, loss(), tuple(shape), dtype, rng=0)
    network.parameters[...] = arrays[0]
    network.running[...] = arrays[1]
    return network


def _header(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    info = archive.getinfo("header.npy")
    if info.file_size > _LARGEST_HEADER:
        raise ValueError(f"{path} has a header of {info.file_size} bytes, expected less than 1 MB")
    try:
        raw = np.load(io.BytesIO(archive.read("header.npy")), allow_pickle=False)
        header = json.loads(raw.astype(np.uint8).tobytes())
    except (ValueError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} has no readable header: {error}") from error
    if not isinstance(header, dict) or header.get("magic") != _MAGIC:
        raise ValueError(f"{path} is no file of a minimand network")
    if header.get("version") != _VERSION:
        raise ValueError(f"{path} has version {header.get('version')}, expected {_VERSION}")
    return header


def _check_member(path: Path, archive: zipfile.ZipFile, name: str, size: int, dtype: str) -> None:
    """Compare the array's own header with what is expected, without reading the array."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise ValueError(f"{path}: {name} is an array file of version {version}, not (1, 0)")
        shape, fortran, found = np.lib.format.read_array_header_1_0(member)
        start = member.tell()
    expected = size * np.dtype(dtype).itemsize
    if shape != (size,) or fortran or found != np.dtype(dtype):
        raise ValueError(f"{path}: {name} is {shape} of {found}, expected ({size},) of {dtype}")
    if info.file_size - start != expected:
        raise ValueError(
            f"{path}: {name} has {info.file_size - start} bytes, expected {expected}; "
            "the file is truncated or tampered with"
        )


def _read(path: Path, archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as member:
        array: NDArray[Any] = np.load(io.BytesIO(member.read()), allow_pickle=False)
    if not np.isfinite(array).all():
        first = int((~np.isfinite(array)).argmax())
        raise ValueError(f"{path}: {name} has {array[first]} at entry {first}")
    return array


def _described(module: Module) -> dict[str, Any]:
    """Return a module in the types of JSON; initial values are not part of it."""
    described: dict[str, Any] = {"kind": type(module).__name__}
    for entry in fields(module):  # type: ignore[arg-type]
        value = getattr(module, entry.name)
        if entry.name == "init":
            continue
        if entry.name == "modules":
            value = [_described(part) for part in value]
        elif isinstance(value, Module):
            value = _described(value)
        described[entry.name] = list(value) if isinstance(value, tuple) else value
    return described


def _module(described: Any, depth: int) -> Module:
    if depth > _DEEPEST or not isinstance(described, dict):
        raise ValueError("a module is not described by a mapping, or they are nested too deep")
    values = {name: _value(value) for name, value in described.items() if name != "kind"}
    kind = modules.BY_NAME.get(str(described.get("kind")))
    if kind is None:
        raise ValueError(f"{described.get('kind')!r} is no module")
    known = {entry.name for entry in fields(kind)} - {"init"}  # type: ignore[arg-type]
    if set(values) != known:
        raise ValueError(f"{kind.__name__} has {sorted(values)}, expected {sorted(known)}")
    if "modules" in values:
        if not isinstance(described["modules"], list):
            raise ValueError(f"the modules of {kind.__name__} are no list")
        return kind(*(_module(part, depth + 1) for part in described["modules"]))
    if "module" in known:
        values["module"] = _module(described["module"], depth + 1)
    return kind(**values)


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
