from __future__ import annotations

import os
import sys
import textwrap

import pytest
from threadpoolctl import threadpool_limits

from minimand import _core
from minimand._common import threads
from minimand._common.threads import cgroup_quota, resolve_threads


def test_none_gives_at_least_one_and_no_more_than_the_runtime_offers():
    assert 1 <= resolve_threads(None) <= max(1, _core.max_threads())


def test_a_number_is_taken_as_it_is():
    assert resolve_threads(1) == 1
    assert resolve_threads(7) == 7


def test_a_number_beyond_reason_is_bounded():
    assert resolve_threads(10**12) <= max(64, os.cpu_count() or 1)


@pytest.mark.parametrize("bad", [0, -1])
def test_zero_and_less_is_a_value_error(bad):
    with pytest.raises(ValueError, match=f"threads is {bad}, expected a positive integer"):
        resolve_threads(bad)


@pytest.mark.parametrize("bad", [True, 2.0, "2"])
def test_anything_else_is_a_type_error(bad):
    with pytest.raises(TypeError, match=r"threads is .*, expected a positive integer"):
        resolve_threads(bad)


def test_limits_of_threadpoolctl_are_honoured():
    with threadpool_limits(limits=1):
        assert resolve_threads(None) == 1


def test_affinity_is_honoured(monkeypatch):
    monkeypatch.setattr(threads, "_usable_cpus", lambda: 3)
    monkeypatch.setattr(threads, "cgroup_quota", lambda: None)
    monkeypatch.setattr(_core, "max_threads", lambda: 16)
    assert resolve_threads(None) == 3


def test_the_quota_is_honoured(monkeypatch):
    monkeypatch.setattr(threads, "_usable_cpus", lambda: 16)
    monkeypatch.setattr(_core, "max_threads", lambda: 16)
    for quota, expected in [(None, 16), (0.1, 1), (1.0, 1), (1.5, 2), (4.0, 4), (99.0, 16)]:
        monkeypatch.setattr(threads, "cgroup_quota", lambda quota=quota: quota)
        assert resolve_threads(None) == expected


def test_cgroup_version_2_with_ancestors(tmp_path):
    membership = tmp_path / "cgroup"
    membership.write_text("0::/outer/inner\n")
    inner = tmp_path / "fs" / "outer" / "inner"
    inner.mkdir(parents=True)
    read = cgroup_quota.__wrapped__
    assert read(membership, tmp_path / "fs") is None
    (inner / "cpu.max").write_text("max 100000\n")
    assert read(membership, tmp_path / "fs") is None
    (inner.parent / "cpu.max").write_text("150000 100000\n")
    assert read(membership, tmp_path / "fs") == 1.5
    (inner / "cpu.max").write_text("400000 100000\n")
    assert read(membership, tmp_path / "fs") == 1.5


def test_cgroup_version_1(tmp_path):
    membership = tmp_path / "cgroup"
    membership.write_text("9:name=systemd:/\n4:cpu,cpuacct:/docker/abc\n3:cpuset:/\n0::/\n")
    read = cgroup_quota.__wrapped__
    root = tmp_path / "fs" / "cpu,cpuacct"  # as in a container: only the root is visible
    root.mkdir(parents=True)
    (root / "cpu.cfs_period_us").write_text("100000\n")
    (root / "cpu.cfs_quota_us").write_text("-1\n")
    assert read(membership, tmp_path / "fs") is None
    (root / "cpu.cfs_quota_us").write_text("250000\n")
    assert read(membership, tmp_path / "fs") == 2.5


@pytest.mark.parametrize("text", ["", "nonsense\n", "0::\n", "a:b\n"])
def test_a_strange_membership_file_gives_no_limit(tmp_path, text):
    membership = tmp_path / "cgroup"
    membership.write_text(text)
    assert cgroup_quota.__wrapped__(membership, tmp_path) is None
    (tmp_path / "cpu.max").write_text("what is this\n")
    assert cgroup_quota.__wrapped__(membership, tmp_path) is None


def test_no_cgroups_at_all(tmp_path):
    assert cgroup_quota.__wrapped__(tmp_path / "none", tmp_path) is None


def test_the_environment_variable_of_openmp_is_honoured(run_python):
    code = "from minimand._common.threads import resolve_threads; print(resolve_threads(None))"
    assert run_python(code, OMP_NUM_THREADS="1").strip() == "1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_one_thread_and_works(run_python):
    if sys.platform == "darwin":
        pytest.skip("system libraries of macOS do not survive fork")
    code = """
        import os
        import numpy as np
        from minimand._common import random
        from minimand._common.threads import resolve_threads

        def draw():
            key = np.array([1, 2], dtype=np.uint64)
            return random.words(key, 0, 2000, 100, threads=resolve_threads(2))

        before = draw()  # starts the threads of OpenMP
        child = os.fork()
        if child == 0:
            same = (draw() == before).all()
            os._exit(0 if resolve_threads(None) == resolve_threads(5) == 1 and same else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), resolve_threads(5))
    """
    assert run_python(textwrap.dedent(code)).split() == ["0", "5"]
