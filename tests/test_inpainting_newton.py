"""The Newton kernels of in-painting, on both backends: against matrices, bounds, known optima."""

import json
import math

import numpy as np
import pytest
from inpainting_instances import (
    EPS,
    RATIO,
    Newton,
    as_rows,
    difference_matrix,
    drawn,
    instance,
    random_image,
    random_instance,
    random_known,
    split,
    term_norms,
)

from minimand._common.backend import kernels

THREADS = (1, 2, 3, 4)

# Components of all sizes, one large component, joint colours, flat regions with many ties.
INSTANCES = {
    "40 %": random_instance(30, 33, 0.4),
    "80 %": random_instance(28, 31, 0.8),
    "97 %": random_instance(24, 25, 0.97),
    "flat 40 %": random_instance(30, 33, 0.4, levels=1),
    "flat 80 %": random_instance(28, 31, 0.8, levels=3),
    "joint 2": random_instance(20, 23, 0.6, 2),
    "joint 3": random_instance(18, 15, 0.9, 3),
}
instances = pytest.mark.parametrize("name", INSTANCES)


@pytest.fixture
def kernel(backend):
    return kernels("inpainting", backend)


def unknown_columns(newton, c=None):
    """Pixels of a component, or of all, as columns of D."""
    plan = newton.plan
    return np.sort(plan.order) if c is None else plan.pixels_of_component(c)


def terms_with(D, pixels):
    """Rows of D of all terms that hold one of the pixels."""
    terms = np.unique(abs(D).tocsc()[:, pixels].indices // 2)
    return np.sort(np.concatenate([2 * terms, 2 * terms + 1]))


def flat_planes(stacked, channels):
    return split(stacked, channels).reshape(channels, -1)


def start_arguments(kernel, inst, leaf=16, threads=1):
    plan = inst.plan(kernel, leaf)
    size = kernel.newton_work_size(plan.fronts, plan.component_front, inst.channels, threads)
    return {
        **inst.arguments(plan),
        "work": np.empty(size),
        "threads": threads,
    }


class TestNewtonWorkSize:
    def test_is_enough_for_any_threads(self, kernel):
        plan = INSTANCES["40 %"].plan(kernel)
        sizes = [
            kernel.newton_work_size(plan.fronts, plan.component_front, 1, threads)
            for threads in THREADS
        ]
        assert all(isinstance(size, int) and size > 0 for size in sizes)
        assert sizes == sorted(sizes)

    @pytest.mark.parametrize("threads", THREADS)
    @instances
    def test_nothing_is_written_beyond(self, kernel, name, threads):
        newton = Newton(kernel, INSTANCES[name], threads=threads, start=False)
        size = newton.common["work"].size
        guarded = np.full(size + 4096, -7.0)
        newton.common["work"] = guarded[:size]
        kernel.newton_start(**newton.common)
        newton.steps(2)
        for c in range(0, newton.plan.components, 5):
            newton.steps(1, c, c + 1)
        assert (guarded[size:] == -7.0).all()


class TestNewtonStart:
    @pytest.mark.parametrize("leaf", [1, 5, 40, 10**9])
    @instances
    def test_solves_the_laplace_problem(self, kernel, name, leaf):
        inst = INSTANCES[name]
        arguments = start_arguments(kernel, inst, leaf)
        kernel.newton_start(**arguments)
        D, pixels = difference_matrix(*inst.known.shape), np.sort(arguments["order"])
        for u in flat_planes(arguments["image"], inst.channels):
            # |H| <= 8, |u| <= 1, seven entries in a row; clipping is a matter of the last digit.
            assert np.abs((D.T @ (D @ u))[pixels]).max() <= RATIO * EPS * 8.0

    @instances
    def test_leaves_all_else(self, kernel, name):
        inst = INSTANCES[name]
        arguments = start_arguments(kernel, inst)
        begins = arguments["fronts"][arguments["component_front"], 0]
        c = int(np.argmax(np.diff(begins)))
        before = arguments["image"].copy()
        kernel.newton_start(**arguments | {"first": c, "last": c + 1})
        moved = (arguments["image"] != before).reshape(inst.channels, -1)
        assert moved.any()
        moved[:, arguments["order"][begins[c] : begins[c + 1]]] = False
        assert not moved.any()

    def test_clips_to_the_box(self, kernel):
        inst = INSTANCES["80 %"]
        free, boxed = start_arguments(kernel, inst), start_arguments(kernel, inst)
        kernel.newton_start(**free)
        known = inst.known
        boxed["low"] = np.where(known, inst.low, 0.3)
        boxed["high"] = np.where(known, inst.high, 0.5)
        kernel.newton_start(**boxed)
        expected = np.clip(free["image"], boxed["low"], boxed["high"])
        assert np.abs(boxed["image"] - expected).max() <= RATIO * EPS
        assert {0.3, 0.5} <= set(boxed["image"][~known])

    def test_one_pixel(self, kernel):
        known = drawn("ooo", "o?o", "ooo")
        image = np.array([[0.0, 0.1, 0.0], [0.2, 9.0, 0.4], [0.0, 0.7, 0.0]])
        arguments = start_arguments(kernel, instance(image, known))
        kernel.newton_start(**arguments)
        assert arguments["image"][1, 1] == pytest.approx((0.1 + 0.2 + 0.4 + 0.7) / 4, rel=1e-15)

    @instances
    def test_any_number_of_threads_and_any_range(self, kernel, name):
        inst = INSTANCES[name]
        images = []
        for threads in THREADS:
            arguments = start_arguments(kernel, inst, threads=threads)
            kernel.newton_start(**arguments)
            images.append(arguments["image"].tobytes())
        arguments = start_arguments(kernel, inst)
        for c in range(arguments["last"]):  # one after the other
            kernel.newton_start(**arguments | {"first": c, "last": c + 1})
        images.append(arguments["image"].tobytes())
        assert len(set(images)) == 1


def iterate_by_matrix(newton, c):
    """One iteration on component c, from the formulas, with dense matrices: u, p, beta."""
    inst = newton.inst
    channels = inst.channels
    D = difference_matrix(*inst.known.shape)
    pixels = unknown_columns(newton, c)
    rows = terms_with(D, pixels)
    full = D[rows].toarray()
    u, p = flat_planes(newton.image, channels), as_rows(newton.dual, channels)[:, rows]
    beta = newton.state[c, 0]

    g = u @ full.T
    eta = np.sqrt(term_norms(g) ** 2 + beta**2)
    terms, size = len(rows) // 2, len(pixels)
    H, right = np.zeros((channels * size,) * 2), np.zeros(channels * size)
    blocks = []
    for e in range(terms):
        at = slice(2 * e, 2 * e + 2)
        ge, pe = g[:, at].ravel(), p[:, at].ravel()
        M = (np.eye(2 * channels) - (np.outer(pe, ge) + np.outer(ge, pe)) / (2 * eta[e])) / eta[e]
        DU = np.kron(np.eye(channels), full[at][:, pixels])
        used = np.flatnonzero(DU.any(axis=0))
        DU = DU[:, used]
        H[np.ix_(used, used)] += DU.T @ M @ DU
        right[used] -= DU.T @ ge / eta[e]
        blocks.append((ge / eta[e], M, DU, used))
    delta = np.linalg.solve(H, right)
    q = np.array([g_eta + M @ DU @ delta[used] for g_eta, M, DU, used in blocks])
    q = q.reshape(terms, channels, 2).transpose(1, 0, 2).reshape(channels, -1)

    def fits(a):
        return term_norms(p + a * (q - p)).max() <= 1.0

    longest = 1.0 / 0.99 if fits(1.0 / 0.99) else 0.0
    if not longest:
        outside = 1.0 / 0.99
        for _ in range(100):  # by bisection
            middle = 0.5 * (longest + outside)
            longest, outside = (middle, outside) if fits(middle) else (longest, middle)
    dual_step = min(1.0, 0.99 * longest)

    step = np.zeros_like(u)
    step[:, pixels] = delta.reshape(channels, size)
    halvings = 0
    while np.sqrt(
        term_norms((u + 0.5**halvings * step) @ full.T) ** 2 + beta**2
    ).sum() > eta.sum() * (1.0 + 1e-12):
        halvings += 1
    shortest = min(dual_step, 0.5**halvings)
    factor = 0.2 if shortest > 0.5 else 0.6 if shortest > 0.1 else 1.0
    return u + 0.5**halvings * step, p + dual_step * (q - p), factor * beta, rows


def put_rows(dual, rows, channels):
    """Write (channels, 2 E), in the order of D, to a stacked dual field."""
    dual[...] = rows.reshape(channels, -1, 2).transpose(0, 2, 1).reshape(dual.shape)


def bounds_by_matrix(inst, image, dual, pixels, rows):
    """Sums over the terms `rows` and pixels of one component."""
    channels = inst.channels
    D = difference_matrix(*inst.known.shape)
    low, high = flat_planes(inst.low, channels), flat_planes(inst.high, channels)
    u = np.clip(flat_planes(image, channels), low, high)
    p = as_rows(dual, channels)[:, rows]
    upper = math.fsum(term_norms(u @ D[rows].T))
    c = 0.5 * (low + high)
    r = np.array([D[rows].T @ part for part in p])[:, pixels]
    slack = math.fsum((0.5 * (high - low)[:, pixels] * np.abs(r)).ravel())
    centre = math.fsum((p * (c @ D[rows].T)).ravel())
    return upper, (centre - slack) / max(1.0, term_norms(p).max())


class TestNewtonSteps:
    @instances
    def test_iterations_by_matrix(self, kernel, name):
        inst = INSTANCES[name]
        newton = Newton(kernel, inst)
        sizes = [len(unknown_columns(newton, c)) for c in range(newton.plan.components)]
        for _ in range(4):
            expected = {c: iterate_by_matrix(newton, c) for c in {0, int(np.argmax(sizes))}}
            newton.steps(1)
            for c, (u, p, beta, rows) in expected.items():
                pixels = unknown_columns(newton, c)
                found = flat_planes(newton.image, inst.channels)[:, pixels]
                # Two solvers; the condition grows with the size and with 1/beta.
                assert found == pytest.approx(u[:, pixels], rel=0.0, abs=1e-10)
                assert as_rows(newton.dual, inst.channels)[:, rows] == pytest.approx(p, abs=1e-9)
                assert newton.state[c, 0] == pytest.approx(beta, rel=4 * EPS)

    @pytest.mark.parametrize("size", [0.9, 0.99, 0.999])
    @instances
    def test_short_steps_by_matrix(self, kernel, name, size):
        """Far from the middle: p along Du, where M is small, so that full steps lead too far."""
        inst = INSTANCES[name]
        newton = Newton(kernel, inst, start=False)
        rng = np.random.default_rng(0)
        newton.image[...] = inst.low + (inst.high - inst.low) * rng.random(inst.low.shape)
        D = difference_matrix(*inst.known.shape)
        g = flat_planes(newton.image, inst.channels) @ D.T
        put_rows(newton.dual, size * g / np.repeat(term_norms(g) + 1e-300, 2), inst.channels)
        newton.state[:, :3] = 0.01, 1e300, -1e300  # whatever comes is better
        c = int(np.argmax(np.diff(newton.plan.fronts[newton.plan.component_front, 0])))
        u, p, beta, rows = iterate_by_matrix(newton, c)
        newton.steps(1)
        pixels = unknown_columns(newton, c)
        found = flat_planes(newton.image, inst.channels)[:, pixels]
        assert found == pytest.approx(u[:, pixels], rel=0.0, abs=1e-10)
        assert as_rows(newton.dual, inst.channels)[:, rows] == pytest.approx(p, abs=1e-10)
        assert newton.state[c, 0] == pytest.approx(beta, rel=4 * EPS)

    @instances
    def test_every_iterate_is_dual_feasible(self, kernel, name):
        inst = INSTANCES[name]
        newton = Newton(kernel, inst)
        D, pixels = difference_matrix(*inst.known.shape), unknown_columns(newton)
        for _ in range(30):
            newton.steps(1)
            p = as_rows(newton.dual, inst.channels)
            assert term_norms(p).max() <= 1.0 + 4 * EPS
            left = np.array([(D.T @ part)[pixels] for part in p])
            assert np.abs(left).max() <= 1e-9  # rounding in q grows like the step over beta

    @instances
    def test_bounds_are_those_of_the_best_arrays(self, kernel, name):
        inst = INSTANCES[name]
        newton = Newton(kernel, inst)
        D = difference_matrix(*inst.known.shape)
        components = range(0, newton.plan.components, 7)
        parts = {c: unknown_columns(newton, c) for c in components}
        rows = {c: terms_with(D, pixels) for c, pixels in parts.items()}
        before = newton.state[:, 1:3].copy()
        for iteration in range(1, 26):
            newton.steps(1)
            upper, lower = newton.state[:, 1], newton.state[:, 2]
            assert (newton.state[:, 3] <= iteration).all()
            assert (upper <= before[:, 0]).all()
            assert (lower >= before[:, 1]).all()
            assert (lower <= upper * (1.0 + RATIO * EPS)).all()
            before = newton.state[:, 1:3].copy()
            if iteration % 8 == 1:
                for c in components:
                    expected = bounds_by_matrix(
                        inst, newton.best_image, newton.best_dual, parts[c], rows[c]
                    )
                    # All summands are at most 1, except for rounding in the sums of the box.
                    bound = RATIO * EPS * len(rows[c])
                    assert newton.state[c, 1:3] == pytest.approx(expected, rel=0.0, abs=bound)
        assert (inst.low <= newton.best_image).all()
        assert (newton.best_image <= inst.high).all()

    @instances
    def test_the_parts_make_the_whole(self, kernel, name):
        """The sums of the components and of the constant terms are the bounds of the image."""
        inst = INSTANCES[name]
        newton = Newton(kernel, inst)
        newton.steps(20)
        upper, lower = newton.bounds()
        unknown = ~inst.known
        constant = ~(unknown[:-1, :-1] | unknown[1:, :-1] | unknown[:-1, 1:]).ravel()
        D = difference_matrix(*inst.known.shape)
        fixed = term_norms(flat_planes(inst.low, inst.channels) @ D.T)[constant].sum()
        terms = constant.size
        assert newton.state[:, 1].sum() + fixed == pytest.approx(upper, abs=RATIO * EPS * terms)
        assert newton.state[:, 2].sum() + fixed == pytest.approx(lower, abs=RATIO * EPS * terms)

    @instances
    def test_closes_the_gap(self, kernel, name):
        inst = INSTANCES[name]
        newton = Newton(kernel, inst, target=1e-8)
        newton.steps(60)
        assert (newton.state[:, 1] - newton.state[:, 2] <= 1e-8).all()
        assert newton.state[:, 3].max() < 45
        upper, lower = newton.bounds()
        assert lower - 1e-12 <= upper
        assert upper - lower <= 1e-8 * newton.plan.components + 1e-12

    @pytest.mark.parametrize(
        ("shape", "unknown", "channels", "seed", "levels"),
        [
            ((20, 21), 0.5007375913368739, 3, 82588846, 1),
            ((18, 13), 0.7938273452053213, 2, 881000307, 2),
            ((29, 20), 0.99, 1, 5, 1),
            ((21, 26), 0.9, 2, 6, 1),
            ((25, 20), 0.7, 1, 9, 2),
        ],
    )
    def test_nearly_singular_systems(self, kernel, shape, unknown, channels, seed, levels):
        """Few grey levels: weights of 1/beta where it is flat, and pivots that cancel."""
        inst = random_instance(*shape, unknown, channels, seed, levels)
        newton = Newton(kernel, inst, target=1e-8)
        newton.steps(60)
        assert (newton.state[:, 1] - newton.state[:, 2] <= 1e-8).all()
        assert np.isfinite(newton.image).all()

    @instances
    def test_always_ends(self, kernel, name):
        """Without a target that it could reach it stalls, at the level of rounding."""
        newton = Newton(kernel, INSTANCES[name], target=-1.0)
        newton.steps(300)
        assert (newton.state[:, 4] == 1.0).all()
        done = newton.state.copy()
        arrays = [array.copy() for array in newton.arrays()]
        newton.steps(5)
        assert np.array_equal(newton.state, done)
        assert all(np.array_equal(*pair) for pair in zip(arrays, newton.arrays(), strict=True))
        upper, lower = newton.bounds()
        assert upper - lower <= 1e-10 * upper

    @instances
    def test_all_else_stays(self, kernel, name):
        inst = INSTANCES[name]
        newton = Newton(kernel, inst)
        newton.steps(1)
        before = [array.copy() for array in newton.arrays()]
        c = int(np.argmax(np.diff(newton.plan.fronts[newton.plan.component_front, 0])))
        newton.steps(2, c, c + 1)
        D = difference_matrix(*inst.known.shape)
        pixels = unknown_columns(newton, c)
        rows = terms_with(D, pixels)
        for old, new in zip(before[:4:2], newton.arrays()[:4:2], strict=True):
            moved = (old != new).reshape(inst.channels, -1)
            moved[:, pixels] = False
            assert not moved.any()
        for old, new in zip(before[1:4:2], newton.arrays()[1:4:2], strict=True):
            moved = as_rows(old, inst.channels) != as_rows(new, inst.channels)
            assert moved.any()
            moved[:, rows] = False
            assert not moved.any()
        changed = (before[4] != newton.state).any(axis=1)
        assert np.flatnonzero(changed).tolist() == [c]

    def test_rests_at_its_target_or_stalled(self, kernel):
        newton = Newton(kernel, INSTANCES["40 %"])
        newton.steps(3)
        gaps = newton.state[:, 1] - newton.state[:, 2]
        resting = np.zeros(len(gaps), dtype=bool)
        resting[::3] = True
        newton.target[resting] = gaps[resting]  # no more than the target: done
        newton.state[1::3, 4] = 1.0
        resting[1::3] = True
        newton.steps(2)
        assert (newton.state[resting, 3] == 3.0).all()
        assert (newton.state[~resting, 3] == 5.0).all()

    @pytest.mark.parametrize("name", ["40 %", "97 %", "joint 2"])
    def test_same_bits_in_chunks_and_for_any_threads(self, kernel, name):
        results = []
        for threads in THREADS:
            newton = Newton(kernel, INSTANCES[name], threads=threads)
            newton.steps(7)
            results.append(newton)
        chunks = Newton(kernel, INSTANCES[name], threads=2)
        for _ in range(7):
            chunks.steps(1)
        one_by_one = Newton(kernel, INSTANCES[name], threads=2)
        for c in range(one_by_one.plan.components):
            one_by_one.steps(7, c, c + 1)
        bits = [
            [array.tobytes() for array in newton.arrays()]
            for newton in (*results, chunks, one_by_one)
        ]
        assert all(other == bits[0] for other in bits)

    def test_same_bits_for_a_large_component(self, kernel):
        inst = random_instance(90, 88, 0.97)
        bits = []
        for threads in THREADS:
            newton = Newton(kernel, inst, threads=threads)
            newton.steps(2)
            bits.append([array.tobytes() for array in newton.arrays()])
        assert all(other == bits[0] for other in bits)

    @pytest.mark.parametrize("leaf", [1, 4, 64, 10**9])
    def test_the_plan_does_not_matter(self, kernel, leaf):
        inst = INSTANCES["80 %"]
        newton, other = Newton(kernel, inst, leaf=16), Newton(kernel, inst, leaf=leaf)
        newton.steps(4)
        other.steps(4)
        assert other.image == pytest.approx(newton.image, abs=1e-9)
        assert other.dual == pytest.approx(newton.dual, abs=1e-8)

    def test_takes_over_from_an_infeasible_dual(self, kernel):
        """D'p shrinks by the factor 1 - alpha with each step, wherever p comes from."""
        inst = INSTANCES["80 %"]
        newton = Newton(kernel, inst, target=1e-8)
        D, pixels = difference_matrix(*inst.known.shape), unknown_columns(newton)
        rows = terms_with(D, pixels)
        p = as_rows(newton.dual, 1)
        p[0, rows] = np.random.default_rng(0).uniform(-0.5, 0.5, len(rows))
        put_rows(newton.dual, p, 1)
        before = np.abs((D.T @ as_rows(newton.dual, 1)[0])[pixels]).sum()
        assert before > 1.0
        newton.steps(60)
        assert (newton.state[:, 1] - newton.state[:, 2] <= 1e-8).all()
        assert np.abs((D.T @ as_rows(newton.dual, 1)[0])[pixels]).sum() <= 1e-8

    @pytest.mark.parametrize("slope", [(3.0, 4.0), (0.0, 1.0), (-2.0, 1.0)])
    def test_affine_image(self, kernel, slope):
        """With two known pixels all round it is optimal: its dual field is constant."""
        i, j = np.mgrid[0:20, 0:17]
        image = (slope[0] * i + slope[1] * j) / 128.0
        known = np.ones(image.shape, dtype=bool)
        known[2:-2, 2:-2] = False
        newton = Newton(kernel, instance(image, known), target=1e-10)
        newton.steps(50)
        optimum = 19 * 16 * math.hypot(*slope) / 128.0
        assert newton.bounds() == pytest.approx((optimum, optimum), abs=2e-10)

    @pytest.mark.parametrize("value", [0.0, 0.7])
    def test_two_known_values_beside_one_pixel(self, kernel, value):
        """A pixel whose neighbours agree: the box is a point and nothing is left to win."""
        image = np.full((4, 4), value)
        image[0, 0] = 1.0
        newton = Newton(kernel, instance(image, drawn("oooo", "oooo", "oo?o", "oooo")))
        newton.steps(3)
        assert newton.best_image[2, 2] == value
        upper, lower = newton.bounds()
        assert abs(upper - lower) <= RATIO * EPS

    @pytest.mark.parametrize("seed", range(6))
    def test_equal_channels_are_gray(self, kernel, seed):
        known = random_known(15, 14, 0.5 + 0.08 * seed, seed)
        known[0, 0] = True
        image = random_image(15, 14, 1, seed)
        gray = Newton(kernel, instance(image, known), target=1e-9)
        joint = Newton(kernel, instance(np.tile(image, (3, 1)), known, 3), target=1e-9)
        gray.steps(60)
        joint.steps(60)
        gap = 1e-9 * gray.plan.components
        upper, lower = np.sqrt(3.0) * np.array(gray.bounds())
        assert joint.bounds()[0] >= lower - 1e-12
        assert joint.bounds()[1] <= upper + 1e-12
        assert joint.bounds()[0] - joint.bounds()[1] <= gap + 1e-12

    def test_strip_of_pixels_at_the_last_row_and_column(self, kernel):
        """Pixels there are in fewer differences; the last corner in none, so it is not planned."""
        known = np.ones((12, 13), dtype=bool)
        known[-1] = known[:, -1] = False
        known[-1, 3] = known[5, -1] = True
        newton = Newton(kernel, instance(random_image(12, 13), known), target=1e-12)
        corner = 12 * 13 - 1
        assert corner not in newton.plan.order
        newton.steps(40)
        assert (newton.state[:, 1] - newton.state[:, 2] <= 1e-10).all()

    @pytest.mark.parametrize("name", ["camera96_0.707", "camera96_0.99"])
    def test_photograph(self, kernel, name, data_file):
        """The optimum is known to eight digits and more."""
        data = np.load(data_file(f"images/{name}.npz"))
        known = json.loads(data_file("images/reference.json").read_text())[name]
        scale = 2.0**-8
        inst = instance(data["image"] * scale, data["known"].astype(bool))
        newton = Newton(kernel, inst, leaf=32, target=1e-7)
        newton.steps(45)
        upper, lower = np.array(newton.bounds()) / scale
        assert upper >= known["lower"] * (1.0 - 1e-12)
        assert lower <= known["upper"] * (1.0 + 1e-12)
        assert upper - lower <= 1e-8 * upper
