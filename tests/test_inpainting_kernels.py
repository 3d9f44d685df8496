"""The mathematics of the in-painting kernels, on both backends, against loops and matrices."""

import math

import numpy as np
import pytest
from inpainting_instances import (
    EPS,
    RATIO,
    Plan,
    as_rows,
    bounds_of,
    boxes_by_loops,
    difference_matrix,
    drawn,
    instance,
    label_by_loops,
    random_dual,
    random_image,
    random_instance,
    random_known,
    solvable_parts,
    split,
    term_norms,
)
from scipy import ndimage

from minimand._common.backend import kernels

THREADS = (1, 2, 3, 4)


@pytest.fixture
def kernel(backend):
    return kernels("inpainting", backend)


def same_bits(results):
    """Assert that lists of arrays are the same to the last bit."""
    first, *others = [[array.tobytes() for array in result] for result in results]
    assert all(other == first for other in others)


SHAPES = [(2, 2), (2, 9), (9, 2), (3, 4), (7, 9), (40, 33), (67, 34)]
DENSITIES = [0.0, 0.1, 0.4, 0.5, 0.6, 0.9, 1.0]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
densities = pytest.mark.parametrize("unknown", DENSITIES)
channel_counts = pytest.mark.parametrize("channels", [1, 2, 3])


def label(kernel, known, threads=1):
    labels = np.full(known.shape, -7, dtype=np.int32)
    k = kernel.label_components(known, labels, threads)
    assert isinstance(k, int)
    assert k == labels.max(initial=0)
    return labels


class TestLabelComponents:
    @densities
    @pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), *SHAPES, (130, 5)], ids=str)
    def test_connects_the_unknown_pixels_of_each_term(self, kernel, shape, unknown):
        for seed in range(3):
            known = random_known(*shape, unknown, seed)
            assert np.array_equal(label(kernel, known), label_by_loops(known))

    @densities
    @pytest.mark.parametrize("shape", [(1, 1), (5, 8), (64, 40), (97, 201)], ids=str)
    def test_is_label_of_scipy_away_from_the_last_row_and_column(self, kernel, shape, unknown):
        known = random_known(*shape, unknown)
        known[-1] = known[:, -1] = True
        expected, _ = ndimage.label(~known, [[0, 1, 1], [1, 1, 1], [1, 1, 0]])
        values, first = np.unique(expected, return_index=True)
        number = np.zeros(values.max() + 1, dtype=int)
        found = values[values > 0][np.argsort(first[values > 0])]
        number[found] = np.arange(1, len(found) + 1)
        assert np.array_equal(label(kernel, known), number[expected])

    @pytest.mark.parametrize(
        ("drawing", "count"),
        [
            (("??", "o?"), 2),  # the corner is in no term
            (("o?", "??"), 2),
            (("oo", "??"), 2),  # no horizontal difference in the last row
            (("o?", "o?"), 2),  # no vertical difference in the last column
            (("?o", "o?"), 2),  # never along this diagonal
            (("?oo", "o?o", "ooo"), 2),
            (("o?o", "?oo", "ooo"), 1),
            (("ooo", "oo?", "o?o"), 1),  # even between last row and last column
            (("ooo", "ooo", "???"), 3),
            (("???", "?o?", "???"), 3),
            (("?????",), 5),
        ],
    )
    def test_drawn(self, kernel, drawing, count):
        assert label(kernel, drawn(*drawing)).max() == count

    def test_long_ways_round(self, kernel):
        """Parts that meet only far below, across all blocks of rows."""
        known = np.zeros((200, 42), dtype=bool)
        known[:-2, 1::2] = True  # a comb
        assert label(kernel, known).max() == 2  # the comb and the last corner
        snake = np.zeros((201, 30), dtype=bool)
        snake[1::4, :-2] = snake[3::4, 1:] = True
        assert np.array_equal(label(kernel, snake), label_by_loops(snake))
        assert np.array_equal(label(kernel, snake[:, ::-1].copy()), label_by_loops(snake[:, ::-1]))

    @pytest.mark.parametrize("unknown", [0.3, 0.5, 0.7, 1.0])
    def test_any_number_of_threads(self, kernel, unknown):
        known = random_known(300, 70, unknown)
        same_bits([label(kernel, known, threads)] for threads in THREADS)


def boxes(kernel, image, labels, channels, threads=1):
    k = int(labels.max(initial=0))
    low, high = np.full((k, channels), 7.0), np.full((k, channels), 7.0)
    kernel.component_boxes(image, labels, channels, low, high, threads)
    return low, high


class TestComponentBoxes:
    @channel_counts
    @densities
    @shapes
    def test_range_of_the_known_pixels_beside(self, kernel, shape, unknown, channels):
        known = random_known(*shape, unknown)
        labels = label_by_loops(known)
        image = random_image(*shape, channels)
        image[~np.tile(known, (channels, 1))] = np.nan  # must not be read
        found = boxes(kernel, image, labels, channels)
        expected = boxes_by_loops(split(image, channels), labels)
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1])

    def test_without_known_neighbour(self, kernel):
        labels = label_by_loops(drawn("ooo", "ooo", "oo?"))
        low, high = boxes(kernel, np.ones((3, 3)), labels, 1)
        assert low[0, 0] == np.inf
        assert high[0, 0] == -np.inf

    def test_any_number_of_threads(self, kernel):
        labels = label_by_loops(random_known(150, 40, 0.55))
        image = random_image(150, 40, 2)
        same_bits(boxes(kernel, image, labels, 2, threads) for threads in THREADS)


class TestTotalVariationSum:
    @channel_counts
    @pytest.mark.parametrize("shape", [*SHAPES, (150, 70)], ids=str)
    def test_is_the_sum_of_norms(self, kernel, shape, channels):
        image = random_image(*shape, channels)
        D = difference_matrix(*shape)
        rows = np.array([D @ plane.ravel() for plane in split(image, channels)])
        joint = math.fsum(term_norms(rows))
        separate = math.fsum(value for row in rows for value in term_norms(row[None]))
        for coupled, exact in ((True, joint), (False, separate)):
            found = kernel.total_variation_sum(image, channels, coupled, 1)
            assert isinstance(found, float)
            assert abs(found - exact) <= RATIO * EPS * exact
        assert joint <= separate

    @pytest.mark.parametrize("joint", [False, True])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
    def test_no_terms(self, kernel, shape, joint):
        assert kernel.total_variation_sum(random_image(3 * shape[0], shape[1]), 3, joint, 1) == 0.0

    def test_small_integers_are_exact(self, kernel):
        image = np.array([[0.0, 4.0, 8.0], [3.0, 7.0, 11.0]])
        assert kernel.total_variation_sum(image, 1, False, 1) == 10.0
        i, j = np.mgrid[0:100, 0:90]
        affine = 3.0 * i + 4.0 * j
        assert kernel.total_variation_sum(affine, 1, True, 1) == 5.0 * 99 * 89
        # Four equal channels: the norm is twice that of one, their sum four times.
        assert kernel.total_variation_sum(np.tile(affine, (4, 1)), 4, True, 1) == 10.0 * 99 * 89
        assert kernel.total_variation_sum(np.tile(affine, (4, 1)), 4, False, 1) == 20.0 * 99 * 89

    def test_last_corner_is_in_no_term(self, kernel):
        image = random_image(5, 6)
        before = kernel.total_variation_sum(image, 1, False, 1)
        image[-1, -1] = 1e9
        assert kernel.total_variation_sum(image, 1, False, 1) == before

    @pytest.mark.parametrize("joint", [False, True])
    def test_any_number_of_threads(self, kernel, joint):
        image = random_image(333, 65, 3)
        totals = {kernel.total_variation_sum(image, 3, joint, threads) for threads in THREADS}
        assert len(totals) == 1


class Prepared:
    """Output of `prepare`, which every kernel must write completely."""

    def __init__(self, kernel, image, labels, box_low, box_high, channels, balance, threads=1):
        m, n = labels.shape
        self.iterate, self.low, self.high = (np.full_like(image, 7.0) for _ in range(3))
        self.tau, self.sigma = np.full((m, n), 7.0), np.full((m - 1, n - 1), 7.0)
        self.dual = np.full((channels * 2 * (m - 1), n - 1), 7.0)
        kernel.prepare(
            image, labels, box_low, box_high, channels, balance,
            self.iterate, self.low, self.high, self.tau, self.sigma, self.dual, threads,
        )  # fmt: skip

    def arrays(self):
        return [self.iterate, self.low, self.high, self.tau, self.sigma, self.dual]


class TestPrepare:
    balance = math.sqrt(1000.0)

    def prepared(self, kernel, shape, unknown, channels=1, threads=1):
        known = random_known(*shape, unknown)
        labels = label_by_loops(known)
        image = random_image(*shape, channels)
        image[~np.tile(known, (channels, 1))] = np.nan
        k = labels.max(initial=0)
        box_low = np.random.default_rng(k).random((k, channels))
        box_high = box_low + 1.0
        done = Prepared(kernel, image, labels, box_low, box_high, channels, self.balance, threads)
        return known, labels, image, box_low, box_high, done

    @channel_counts
    @densities
    @shapes
    def test_boxes_and_iterate(self, kernel, shape, unknown, channels):
        known, labels, image, box_low, box_high, done = self.prepared(
            kernel, shape, unknown, channels
        )
        for c in range(channels):
            f = split(image, channels)[c]
            for found in (done.low, done.high, done.iterate):
                assert np.array_equal(split(found, channels)[c][known], f[known])
            label_of = labels[~known] - 1
            low, high = box_low[label_of, c], box_high[label_of, c]
            assert np.array_equal(split(done.low, channels)[c][~known], low)
            assert np.array_equal(split(done.high, channels)[c][~known], high)
            middle = split(done.iterate, channels)[c][~known]
            assert (np.abs(middle - 0.5 * (low + high)) <= EPS * (np.abs(low) + high)).all()

    @densities
    @shapes
    def test_step_sizes(self, kernel, shape, unknown):
        known, *_, done = self.prepared(kernel, shape, unknown)
        D = difference_matrix(*shape)
        differences_at = np.diff(D.tocsc().indptr)
        tau = np.zeros(known.size)
        moving = ~known.ravel() & (differences_at > 0)
        tau[moving] = 1.0 / (self.balance * differences_at[moving])
        assert done.tau.ravel() == pytest.approx(tau, rel=4 * EPS, abs=0.0)
        ends = (abs(D) @ ~known.ravel()).reshape(-1, 2).max(axis=1)  # unknown ends of differences
        sigma = np.where(ends > 0, self.balance / np.maximum(ends, 1), 0.0)
        assert done.sigma.ravel() == pytest.approx(sigma, rel=4 * EPS, abs=0.0)
        if known.size < 100:  # Pock and Chambolle's condition, which makes the iteration converge
            scaled = np.sqrt(np.repeat(sigma, 2))[:, None] * D.toarray() * np.sqrt(tau)
            assert np.linalg.norm(scaled, 2) <= 1.0 + RATIO * EPS

    @channel_counts
    @densities
    @shapes
    def test_dual_where_nothing_is_unknown(self, kernel, shape, unknown, channels):
        known, _, image, *_, done = self.prepared(kernel, shape, unknown, channels)
        D = difference_matrix(*shape)
        rows = np.array([D @ np.nan_to_num(f).ravel() for f in split(image, channels)])
        constant = (abs(D) @ ~known.ravel()).reshape(-1, 2).sum(axis=1) == 0
        expected = rows / np.repeat(term_norms(rows) + ~constant, 2)
        expected[:, ~np.repeat(constant, 2)] = 0.0
        assert np.abs(as_rows(done.dual, channels) - expected).max() <= 4 * EPS

    def test_values_at_unknown_pixels_do_not_matter(self, kernel):
        known, labels, image, box_low, box_high, nan = self.prepared(kernel, (20, 23), 0.5, 2)
        hidden = np.where(np.tile(known, (2, 1)), image, random_image(20, 23, 2, seed=1))
        shown = Prepared(kernel, hidden, labels, box_low, box_high, 2, self.balance)
        same_bits([nan.arrays(), shown.arrays()])

    def test_flat_terms_have_no_direction(self, kernel):
        labels = np.zeros((4, 5), dtype=np.int32)
        empty = np.empty((0, 1))
        done = Prepared(kernel, np.full((4, 5), 0.7), labels, empty, empty, 1, 3.0)
        assert not done.dual.any()
        assert not done.tau.any()
        assert not done.sigma.any()

    def test_any_number_of_threads(self, kernel):
        same_bits(
            self.prepared(kernel, (150, 40), 0.5, 2, threads)[-1].arrays() for threads in THREADS
        )


def bound_sums(kernel, image, dual, low, high, channels=1, threads=1):
    sums = np.full(5, 7.0)
    kernel.evaluate_bounds(image, dual, low, high, channels, sums, threads)
    return sums


class TestEvaluateBounds:
    @channel_counts
    @pytest.mark.parametrize("shape", [*SHAPES, (100, 66)], ids=str)
    def test_sums(self, kernel, shape, channels):
        image, dual = random_image(*shape, channels), random_dual(*shape, channels)
        low = image - random_image(*shape, channels, seed=1)
        high = image + random_image(*shape, channels, seed=2)
        D = difference_matrix(*shape)
        p = as_rows(dual, channels)
        c, w = 0.5 * (low + high), 0.5 * (high - low)
        Du = np.array([D @ plane.ravel() for plane in split(image, channels)])
        Dc = np.array([D @ plane.ravel() for plane in split(c, channels)])
        r = np.array([D.T @ row for row in p])
        a = np.array([abs(D).T @ np.abs(row) for row in p])
        w = split(w, channels).reshape(channels, -1)
        weight = math.fsum(np.abs(p * Dc).ravel()) + math.fsum((w * a).ravel())
        expected = [
            math.fsum(term_norms(Du)),
            math.fsum((p * Dc).ravel()),
            math.fsum((w * np.abs(r)).ravel()),
            weight,
            term_norms(p).max(),
        ]
        sizes = np.array([expected[0], weight, weight, weight, expected[4]])
        found = bound_sums(kernel, image, dual, low, high, channels)
        # The middle of the box is rounded: it counts as much as the sums.
        ends = np.array([abs(D) @ np.abs(plane).ravel() for plane in split(c, channels)])
        sizes[1] += np.sum(np.abs(p) * ends)
        assert (np.abs(found - expected) <= RATIO * EPS * sizes).all()

    @channel_counts
    @pytest.mark.parametrize("shape", [(2, 2), (7, 9), (70, 33)], ids=str)
    def test_adjoint(self, kernel, shape, channels):
        """<Du, p> = <u, D'p>: with u = w sign(D'p) the one is a centre, the other a slack."""
        w, dual = random_image(*shape, channels), random_dual(*shape, channels)
        D = difference_matrix(*shape)
        r = np.array([D.T @ row for row in as_rows(dual, channels)]).reshape(w.shape)
        u = w * np.sign(r)
        centre = bound_sums(kernel, u, dual, u, u, channels)[1]
        slack = bound_sums(kernel, u, dual, -w, w, channels)[2]
        assert slack > 0.0
        assert abs(centre - slack) <= RATIO * EPS * w.sum() * np.abs(dual).max()

    def test_nothing_to_lose_in_a_point(self, kernel):
        u, dual = random_image(9, 8), random_dual(9, 8)
        upper, centre, slack, _, norm = bound_sums(kernel, u, dual, u, u)
        assert slack == 0.0
        assert centre / max(1.0, norm) <= upper

    @channel_counts
    def test_weak_duality(self, kernel, channels):
        for seed in range(20):
            image = random_image(8, 11, channels, seed)
            low = image - 0.05 * random_image(8, 11, channels, seed + 100)
            high = image + 0.05 * random_image(8, 11, channels, seed + 200)
            D = difference_matrix(8, 11)
            Du = np.array([D @ plane.ravel() for plane in split(image, channels)])
            p = Du / np.repeat(term_norms(Du), 2) * (1.0 + seed % 3)  # the best one, too long
            dual = p.reshape(channels, -1, 2).transpose(0, 2, 1).reshape(-1, 10)
            upper, centre, slack, _, norm = bound_sums(kernel, image, dual, low, high, channels)
            assert norm == pytest.approx(1.0 + seed % 3)
            assert (centre - slack) / max(1.0, norm) <= upper
            flat = bound_sums(kernel, image, dual, image, image, channels)
            assert flat[1] / norm == pytest.approx(upper, rel=1e-13)  # and here it is attained

    def test_known_pixels_have_no_slack(self, kernel):
        inst = random_instance(20, 21, 0.3)
        dual = random_dual(20, 21)
        r = difference_matrix(20, 21).T @ as_rows(dual, 1)[0]
        w = (0.5 * (inst.high - inst.low)).ravel()
        assert not w[inst.known.ravel()].any()
        slack = bound_sums(kernel, inst.image, dual, inst.low, inst.high)[2]
        assert slack == pytest.approx(np.sum(w * np.abs(r)), rel=1e-13)

    def test_any_number_of_threads(self, kernel):
        image, dual = random_image(333, 41, 2), random_dual(333, 41, 2)
        same_bits(
            [bound_sums(kernel, image, dual, image - 1.0, image + 1.0, 2, threads)]
            for threads in THREADS
        )


def pdhg_arguments(inst, seed=0):
    """Arguments of `pdhg_steps` for an iterate anywhere, step sizes from the matrix."""
    m, n = inst.known.shape
    balance = math.sqrt(1000.0)
    D = difference_matrix(m, n)
    unknown = ~inst.known.ravel()
    count = np.diff(D.tocsc().indptr)
    ends = (abs(D) @ unknown).reshape(-1, 2).max(axis=1)
    constant = np.tile(np.tile((ends == 0).reshape(m - 1, n - 1), (2, 1)), (inst.channels, 1))
    moving = np.tile(~inst.known, (inst.channels, 1))
    noise = random_image(m, n, inst.channels, seed)
    return {
        "image": np.where(moving, noise, inst.image),
        "dual": np.where(constant, inst.dual, random_dual(m, n, inst.channels, seed=seed)),
        "low": inst.low,
        "high": inst.high,
        "tau": (unknown & (count > 0)).reshape(m, n)
        / (balance * np.maximum(count, 1)).reshape(m, n),
        "sigma": (balance * (ends > 0) / np.maximum(ends, 1)).reshape(m - 1, n - 1),
        "channels": inst.channels,
    }


def pdhg(kernel, arguments, relaxation, iterations, threads=1):
    image, dual = arguments["image"].copy(), arguments["dual"].copy()
    kernel.pdhg_steps(
        **(arguments | {"image": image, "dual": dual}),
        relaxation=relaxation,
        iterations=iterations,
        threads=threads,
    )
    return image, dual


def pdhg_by_matrix(arguments, relaxation, iterations):
    """The steps written with the matrix D, channel after channel."""
    channels, (_, n) = arguments["channels"], arguments["image"].shape
    m = arguments["tau"].shape[0]
    D = difference_matrix(m, n)
    u, low, high = (arguments[key].reshape(channels, -1).copy() for key in ("image", "low", "high"))
    p = as_rows(arguments["dual"], channels)
    tau, sigma = arguments["tau"].ravel(), np.repeat(arguments["sigma"].ravel(), 2)
    for iteration in range(iterations):
        v = np.array([u[c] - tau * (D.T @ p[c]) for c in range(channels)])
        v = np.minimum(np.maximum(v, low), high)
        q = np.array([p[c] + sigma * (D @ (2 * v[c] - u[c])) for c in range(channels)])
        q = q / np.repeat(np.maximum(1.0, term_norms(q)), 2)
        rho = relaxation if iteration < iterations - 1 else 1.0
        u, p = u + rho * (v - u), p + rho * (q - p)
    return u.reshape(-1, n), p


class TestPdhgSteps:
    @channel_counts
    @pytest.mark.parametrize("unknown", [0.0, 0.4, 0.7, 0.95])
    @pytest.mark.parametrize("shape", [*SHAPES, (100, 17)], ids=str)
    def test_steps_by_matrix(self, kernel, shape, unknown, channels):
        inst = random_instance(*shape, unknown, channels)
        arguments = pdhg_arguments(inst)
        for iterations in (1, 2, 7):
            image, dual = pdhg(kernel, arguments, 1.9, iterations)
            expected, p = pdhg_by_matrix(arguments, 1.9, iterations)
            # A step may enlarge a difference: |2v - u| sigma <= 3 balance of the step before.
            bound = RATIO * EPS * 100.0 * iterations
            assert np.abs(image - expected).max() <= bound
            assert np.abs(as_rows(dual, channels) - p).max() <= bound

    @channel_counts
    def test_ends_in_box_and_balls_with_known_pixels_as_they_were(self, kernel, channels):
        inst = random_instance(40, 37, 0.6, channels)
        for iterations in (1, 2, 10):
            image, dual = pdhg(kernel, pdhg_arguments(inst), 1.9, iterations)
            known = np.tile(inst.known, (channels, 1))
            assert np.array_equal(image[known], inst.image[known])
            assert (inst.low <= image).all()
            assert (image <= inst.high).all()
            assert term_norms(as_rows(dual, channels)).max() <= 1.0 + 4 * EPS

    def test_all_known(self, kernel):
        inst = random_instance(35, 20, 0.0, 2)
        image, dual = pdhg(kernel, pdhg_arguments(inst), 1.9, 5)
        assert np.array_equal(image, inst.image)
        assert np.abs(dual - inst.dual).max() <= RATIO * EPS

    @pytest.mark.parametrize("iterations", [1, 2, 30])
    def test_stays_at_a_saddle_point(self, kernel, iterations):
        """An affine image with p = Du/|Du|: D'p vanishes but at the border."""
        i, j = np.mgrid[0:40, 0:25]
        known = np.ones((40, 25), dtype=bool)
        known[2:-2, 2:-2] = False
        inst = instance((3.0 * i + 4.0 * j) / 256.0, known)
        arguments = pdhg_arguments(inst)
        arguments["image"] = (3.0 * i + 4.0 * j) / 256.0
        arguments["dual"] = np.repeat([0.6, 0.8], 39)[:, None] * np.ones((1, 24))
        image, dual = pdhg(kernel, arguments, 1.9, iterations)
        assert np.abs(image - arguments["image"]).max() <= RATIO * EPS * iterations
        assert np.abs(dual - arguments["dual"]).max() <= RATIO * EPS * iterations * 100.0
        # and moves from elsewhere
        arguments["dual"] = np.repeat([0.8, 0.6], 39)[:, None] * np.ones((1, 24))
        arguments["image"][20, 12] += 0.1
        image, dual = pdhg(kernel, arguments, 1.9, iterations + 1)
        assert np.abs(image - arguments["image"]).max() > 1e-3
        assert np.abs(dual - arguments["dual"]).max() > 1e-3

    @pytest.mark.parametrize(("unknown", "channels"), [(0.5, 1), (0.6, 2)])
    def test_closes_the_gap(self, kernel, unknown, channels):
        inst = random_instance(48, 50, unknown, channels)
        image, dual = pdhg(kernel, pdhg_arguments(inst), 1.9, 600)
        upper, lower = bounds_of(kernel, inst, image, dual)
        assert lower <= upper * (1.0 + RATIO * EPS)
        assert upper - lower <= 1e-4 * upper

    @channel_counts
    def test_any_number_of_threads(self, kernel, channels):
        inst = random_instance(203, 31, 0.6, channels)
        arguments = pdhg_arguments(inst)
        for iterations in (1, 2, 9):
            same_bits(pdhg(kernel, arguments, 1.9, iterations, threads) for threads in THREADS)


H_SHAPED = drawn(
    *["oooooooooo"],
    *["o?oooooo?o"] * 4,
    *["o????????o"],
    *["o?oooooo?o"] * 4,
    *["oooooooooo"],
)
THREE_LEGS = H_SHAPED.copy()
THREE_LEGS[1:-1, 5] = False
PLANNED = {
    "one pixel": drawn("ooo", "o?o", "ooo"),
    "first pixel": drawn("?o", "oo"),
    "pair over the diagonal": drawn("ooo", "oo?", "o?o"),
    "row": drawn("ooooooooo", "o???????o", "ooooooooo"),
    "all but one": np.arange(13 * 9).reshape(13, 9) == 40,
    "H": H_SHAPED,
    "three legs": THREE_LEGS,
    "40 %": random_known(30, 33, 0.4),
    "55 %": random_known(40, 23, 0.55),
    "80 %": random_known(25, 38, 0.8),
    "97 %": random_known(29, 28, 0.97),
}
planned = pytest.mark.parametrize("name", PLANNED)
leaves = pytest.mark.parametrize("leaf", [1, 3, 16, 10**9])


def parts_and_plan(kernel, known, leaf):
    parts = solvable_parts(label_by_loops(known))
    plan = Plan(*kernel.plan_elimination(*parts, leaf))
    return parts, plan


def positions_of(plan, shape):
    position = np.full(shape[0] * shape[1], -1)
    position[plan.order] = np.arange(len(plan.order))
    return position


def coupled_positions(parts, plan):
    """All pairs of positions that share a term, as a symmetric matrix of bool."""
    size = parts.rows * parts.columns
    position = positions_of(plan, (parts.rows, parts.columns))
    coupled = np.zeros((len(plan.order),) * 2, dtype=bool)
    for anchor in parts.terms:
        corners = [anchor, anchor + parts.columns, anchor + 1]
        assert max(corners) < size
        inside = position[corners][position[corners] >= 0]
        coupled[np.ix_(inside, inside)] = True
    return coupled


class TestPlanElimination:
    @leaves
    @planned
    def test_is_an_order_of_each_component(self, kernel, name, leaf):
        parts, plan = parts_and_plan(kernel, PLANNED[name], leaf)
        assert all(array.dtype == np.int64 for array in plan)
        assert plan.components == len(parts.pixel_begin) - 1
        assert len(plan.order) == len(parts.pixels)
        for c in range(plan.components):
            expected = parts.pixels[parts.pixel_begin[c] : parts.pixel_begin[c + 1]]
            assert np.array_equal(plan.pixels_of_component(c), expected)
        ends = [len(plan.order), len(plan.boundary), len(plan.term_table), -1]
        assert plan.fronts[-1].tolist() == ends
        assert plan.fronts[0, :3].tolist() == [0, 0, 0]
        assert (np.diff(plan.fronts[:, 0]) > 0).all()  # every front owns something
        assert (np.diff(plan.fronts[:, 1:3], axis=0) >= 0).all()
        assert plan.component_front[0] == 0
        assert plan.component_front[-1] == len(plan.fronts) - 1

    @leaves
    @planned
    def test_fronts_are_a_tree_in_postorder(self, kernel, name, leaf):
        _, plan = parts_and_plan(kernel, PLANNED[name], leaf)
        count = len(plan.fronts) - 1
        parents = plan.fronts[:count, 3]
        begin = np.arange(count)  # first front of the subtree
        for f in range(count):
            if parents[f] >= 0:
                assert f < parents[f] < count
                begin[parents[f]] = min(begin[parents[f]], begin[f])
        for f in range(count):  # a subtree is a range: what lies in it ends in f
            for inside in range(begin[f], f):
                assert begin[f] <= parents[inside] <= f
        # A connected component has one root, and parents do not leave the component.
        component = np.searchsorted(plan.component_front, np.arange(count), side="right")
        assert [np.sum(parents[component == c] < 0) for c in np.unique(component)] == (
            [1] * plan.components
        )
        assert (component[parents[parents >= 0]] == component[parents >= 0]).all()

    @leaves
    @planned
    def test_boundary_is_what_elimination_couples(self, kernel, name, leaf):
        parts, plan = parts_and_plan(kernel, PLANNED[name], leaf)
        coupled = coupled_positions(parts, plan)
        parents = plan.fronts[:, 3]
        subtree = [[] for _ in parents]  # positions of all fronts below
        for f in range(len(plan.fronts) - 1):
            own, later = plan.own(f), plan.later(f)
            subtree[f] += own.tolist()
            reached = np.flatnonzero(coupled[subtree[f]].any(axis=0))
            assert np.array_equal(later[:, 0], reached[reached > own[-1]])
            if parents[f] >= 0:
                assert np.array_equal(plan.positions(parents[f])[later[:, 1]], later[:, 0])
                subtree[parents[f]] += subtree[f]
            else:
                assert not len(later)

    @leaves
    @planned
    def test_each_term_is_in_the_front_of_its_first_pixel(self, kernel, name, leaf):
        parts, plan = parts_and_plan(kernel, PLANNED[name], leaf)
        position = positions_of(plan, PLANNED[name].shape)
        found = []
        for f in range(len(plan.fronts) - 1):
            table, positions = plan.terms(f), plan.positions(f)
            for anchor, *rows in table:
                corners = position[[anchor, anchor + parts.columns, anchor + 1]]
                assert [positions[row] if row >= 0 else -1 for row in rows] == corners.tolist()
                assert min(corners[corners >= 0]) in plan.own(f)
            assert (np.diff(table[:, 0]) > 0).all()
            found.append(table[:, 0])
        assert np.array_equal(np.sort(np.concatenate(found)), np.sort(parts.terms))

    @leaves
    @planned
    def test_cholesky_factor_fits_into_the_fronts(self, kernel, name, leaf):
        """Of a random matrix with the pattern, the factor is zero outside own x (own, later)."""
        parts, plan = parts_and_plan(kernel, PLANNED[name], leaf)
        coupled = coupled_positions(parts, plan)
        weights = np.random.default_rng(0).uniform(0.5, 1.0, coupled.shape) * coupled
        H = weights + weights.T + np.diag(2.0 * coupled.sum(axis=0))
        L = np.linalg.cholesky(H)
        fits = np.zeros(L.shape, dtype=bool)
        for f in range(len(plan.fronts) - 1):
            fits[np.ix_(plan.positions(f), plan.own(f))] = True
        assert not L[~fits].any()
        assert np.count_nonzero(L) > np.count_nonzero(np.tril(H)) or len(L) < 10  # there is fill

    def plan(self, kernel, known, leaf):
        return parts_and_plan(kernel, known, leaf)[1]

    def own_pixels(self, plan, columns):
        """Own pixels of every front, as (row, column)."""
        return [
            [divmod(int(pixel), columns) for pixel in plan.order[plan.own(f)]]
            for f in range(len(plan.fronts) - 1)
        ]

    def test_small_sets_are_not_cut(self, kernel):
        known = drawn("oooo", "o??o", "o??o", "oooo")
        plan = self.plan(kernel, known, 4)
        assert self.own_pixels(plan, 4) == [[(1, 1), (1, 2), (2, 1), (2, 2)]]
        assert plan.fronts.tolist() == [[0, 0, 0, -1], [4, 0, 8, -1]]
        assert plan.boundary.shape == (0, 2)
        plan = self.plan(kernel, known, 3)  # cut in two; the line nearest the middle is the second
        assert self.own_pixels(plan, 4) == [[(1, 1), (1, 2)], [(2, 1), (2, 2)]]
        assert plan.fronts[:, 3].tolist() == [1, -1, -1]
        assert plan.boundary.tolist() == [[2, 0], [3, 1]]

    def test_square_is_cut_at_the_middle_row_then_columns(self, kernel):
        known = np.ones((7, 7), dtype=bool)
        known[1:-1, 1:-1] = False
        owned = self.own_pixels(self.plan(kernel, known, 4), 7)
        rows = range(1, 6)
        assert owned[-1] == [(3, j) for j in rows]
        # 2 x 5 above: its longer side is that of the columns.
        assert owned[:3] == [
            [(1, 1), (1, 2), (2, 1), (2, 2)],
            [(1, 4), (1, 5), (2, 4), (2, 5)],
            [(1, 3), (2, 3)],
        ]
        assert len(owned) == 7

    @pytest.mark.parametrize(
        ("widths", "row"),
        [
            ([5, 5, 5, 5, 5, 5, 5, 5, 5], 4),  # nearest the middle
            ([5, 5, 5, 4, 5, 3, 5, 5, 5], 5),  # fewest
            ([5, 5, 5, 3, 5, 3, 5, 5, 5], 3),  # a tie: the first
            ([1, 1, 1, 5, 4, 5, 1, 1, 1], 4),  # in the middle third only
            ([5, 5, 5, 5, 5, 5, 5, 5], 4),  # extent 8: lines 2 to 5, middle 4
            ([5, 5, 4, 5, 5, 4, 5, 5], 5),
            ([5, 5, 4, 4, 5, 4, 5, 5], 3),
        ],
    )
    def test_line(self, kernel, widths, row):
        known = np.ones((len(widths) + 2, 7), dtype=bool)
        for i, width in enumerate(widths):
            known[i + 1, 1 : 1 + width] = False
        owned = self.own_pixels(self.plan(kernel, known, 19), 7)
        assert owned[-1] == [(row + 1, 1 + j) for j in range(widths[row])]
        known = np.ascontiguousarray(np.hstack([known, np.ones((len(known), 9), bool)]).T)
        owned = self.own_pixels(self.plan(kernel, known, 19), known.shape[1])  # along columns
        assert owned[-1] == [(1 + j, row + 1) for j in range(widths[row])]

    def test_empty_lines_own_nothing(self, kernel):
        """The legs of an H are far apart: they are children of the same front."""
        plan = self.plan(kernel, H_SHAPED, 3)
        owned = self.own_pixels(plan, 10)
        assert owned[-1] == [(4, 1), (4, 8)]  # fewer pixels than the bar
        above = [f for f in range(len(owned)) if owned[f][0][0] < 4]
        assert [owned[f] for f in above] == [[(1, 1), (2, 1), (3, 1)], [(1, 8), (2, 8), (3, 8)]]
        assert plan.fronts[above, 3].tolist() == [len(owned) - 1] * 2

    def test_lines_with_pixels_come_before_empty_ones(self, kernel):
        """Three legs: all lines but one of the middle third are empty."""
        plan = self.plan(kernel, THREE_LEGS, 3)
        owned = self.own_pixels(plan, 10)
        assert owned[-1] == [(4, 1), (4, 5), (4, 8)]
        above = [f for f in range(len(owned)) if owned[f][0][0] < 4]
        assert [owned[f] for f in above] == [[(i, j) for i in (1, 2, 3)] for j in (1, 8, 5)]
        assert plan.fronts[above, 3].tolist() == [above[2], above[2], len(owned) - 1]

    def test_nothing_to_plan(self, kernel):
        parts = solvable_parts(label_by_loops(np.ones((4, 5), dtype=bool)))
        plan = Plan(*kernel.plan_elimination(*parts, 8))
        assert plan.order.size == 0
        assert plan.fronts.tolist() == [[0, 0, 0, -1]]
        assert plan.boundary.shape == (0, 2)
        assert plan.term_table.shape == (0, 4)
        assert plan.component_front.tolist() == [0]

    def test_size_of_the_factor(self, kernel):
        """About 7.75 N log2(sqrt N) entries on a full square."""
        known = np.ones((66, 66), dtype=bool)
        known[1:-1, 1:-1] = False
        plan = self.plan(kernel, known, 16)
        entries = 0
        for f in range(len(plan.fronts) - 1):
            own, later = len(plan.own(f)), len(plan.later(f))
            entries += own * (own + 1) // 2 + own * later
        size = 64 * 64
        assert 2.0 < entries / (size * math.log2(math.sqrt(size))) < 8.0
