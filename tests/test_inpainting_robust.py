"""What machines and users do to a running in-painting: Ctrl-C, fork, little memory."""

import sys

import pytest

INTERRUPT = """
import os, signal, warnings
import numpy as np
import minimand
from minimand.inpainting.verification import lower_bound
rng = np.random.default_rng(0)
image, known = rng.random((300, 300)), rng.random((300, 300)) < 0.1
pressed = []
def press_once(_progress):
    if not pressed:
        pressed.append(True)
        os.kill(os.getpid(), signal.SIGINT)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    result = minimand.inpaint(image, known, method="METHOD", tol=1e-12, callback=press_once)
print(result.status.name, caught[0].category.__name__)
proved = lower_bound(image, known, result.dual)
print(result.lower_bound <= proved * (1 + 1e-12))
print(abs(minimand.total_variation(result.image) / result.objective - 1) < 1e-12)
print(np.array_equal(result.image[known], image[known]))
"""

FORK = """
import os
import numpy as np
import minimand
rng = np.random.default_rng(0)
image, known = rng.random((512, 512)), rng.random((512, 512)) < 0.5
minimand.inpaint(image, known, tol=1e-1)
child = os.fork()
if child == 0:
    minimand.inpaint(image, known, tol=1e-1)
    os._exit(0)
print("works" if os.waitpid(child, 0)[1] == 0 else "fails")
"""

MEMORY = """
from pathlib import Path
import numpy as np
import minimand
rng = np.random.default_rng(0)
def size(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))
def problem(n):
    smooth = np.add.outer(np.sin(np.arange(n) / 9), np.cos(np.arange(n) / 7))
    return smooth + 0.1 * rng.random((n, n)), rng.random((n, n)) < 0.5
minimand.inpaint(*problem(64), tol=1e-3)
image, known = problem(2048)
Path("/proc/self/clear_refs").write_text("5")
before = size("VmRSS")
result = minimand.inpaint(image, known, tol=1e-3)
print((size("VmHWM") - before) / image.nbytes, result.gap)
"""


@pytest.mark.parametrize("method", ["newton", "pdhg"])
def test_ctrl_c_returns_the_best_image_so_far(run_python, method):
    said = run_python(INTERRUPT.replace("METHOD", method)).split()
    assert said == ["INTERRUPTED", "ConvergenceWarning", "True", "True", "True"]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_fork_after_use(run_python):
    assert run_python(FORK, OMP_NUM_THREADS="2").split() == ["works"]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory(run_python):
    arrays, gap = map(float, run_python(MEMORY).split())
    assert arrays < 40
    assert gap <= 1e-3
