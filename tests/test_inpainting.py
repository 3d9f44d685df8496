"""inpaint on problems with known answers: the certificate first, then the answer."""

import itertools
import math
import warnings

import numpy as np
import pytest
from inpainting_checks import (
    EXACT,
    NAN,
    certified,
    check,
    proved,
    solved,
    stopped,
    variation,
    within,
)
from scipy.optimize import minimize_scalar

from minimand import (
    ConvergenceWarning,
    InpaintingResult,
    Status,
    inpaint,
    mask_from_color,
    total_variation,
)
from minimand.inpainting.result import InpaintingProgress
from minimand.problems import inpainting as problems

METHODS = ["auto", "newton", "pdhg"]
COUPLINGS = ["separate", "joint"]


class TestKnownAnswers:
    @pytest.mark.parametrize("method", METHODS)
    @proved
    def test_proved_by_hand(self, problem, method, backend):
        result = solved(problem, method=method, backend=backend)
        assert result.objective <= problem.upper * (1 + 2e-6)

    @pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-8, 1e-10])
    def test_any_tolerance(self, tol, backend):
        problem = problems.affine(12, 9, slopes=((3, 4), (1, -2)), coupling="joint")
        result = solved(problem, tol=tol, backend=backend)
        assert result.objective <= problem.upper * (1 + tol)
        assert result.lower_bound >= problem.lower * (1 - tol)

    @pytest.mark.parametrize("coupling", COUPLINGS)
    @pytest.mark.parametrize("channels", [0, 1, 3])
    def test_one_unknown_pixel(self, channels, coupling, backend):
        # A convex function of one number in each channel, or of one in all when they are equal.
        rng = np.random.default_rng(3)
        for _ in range(5):
            gray = rng.uniform(size=(3, 3))
            known = np.ones((3, 3), dtype=bool)
            known[1, 1] = False

            def completed(value, gray=gray, known=known):
                return variation(np.where(known, gray, value))

            best = minimize_scalar(completed, bounds=(0, 1), options={"xatol": 1e-12}).fun
            image = np.stack([gray] * channels, axis=-1) if channels else gray
            result = certified(image, known, coupling=coupling, tol=1e-9, backend=backend)
            factor = 1 if not channels else channels if coupling == "separate" else channels**0.5
            assert result.objective == pytest.approx(factor * best, rel=2e-9)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("unknown", [0.707, 0.99])
    def test_photograph_with_lost_pixels(self, unknown, method):
        problem = problems.camera96(unknown)
        tol = 1e-3 if method == "pdhg" else 1e-8
        with warnings.catch_warnings():
            # Where little is known, PDHG is not the method; what it has is still certified.
            warnings.simplefilter("ignore", ConvergenceWarning)
            result = inpaint(
                problem.image, problem.known, method=method, tol=tol, max_iterations=5000
            )
        within(result, problem)
        if method != "pdhg" or unknown < 0.9:
            assert result.status is Status.CONVERGED
            check(result, problem.image, problem.known)
            assert result.objective <= problem.upper * (1 + tol)

    def test_cartoon_with_text(self, data_file):
        image_file = pytest.importorskip("PIL.Image", reason="pillow reads the image")
        with image_file.open(data_file("images/loki512.png")) as file:
            intact = np.array(file.convert("L"))
        with image_file.open(data_file("images/loki512_corrupted.png")) as file:
            damaged = np.array(file.convert("L"))
        known = intact == damaged
        assert np.count_nonzero(known) == 248_594
        result = certified(damaged, known, tol=1e-8)
        lower, upper = 11044.275504886, 11044.275511793  # intensities / 255
        assert result.objective >= 255 * lower * (1 - EXACT)
        assert result.lower_bound <= 255 * upper * (1 + EXACT)
        assert result.n_components == 119


class TestLostPixels:
    """Noise and photographs: what is known is the certificate, and what was lost."""

    @pytest.mark.parametrize("coupling", COUPLINGS)
    @pytest.mark.parametrize("unknown", [0.1, 0.5, 0.9])
    @pytest.mark.parametrize("shape", [(2, 2), (9, 11), (14, 3, 2), (7, 7, 3), (2, 9)])
    def test_noise(self, shape, unknown, coupling, backend):
        rng = np.random.default_rng(7)
        known = problems.random_mask(*shape[:2], unknown=unknown, rng=rng)
        problem = problems.lost_pixels(rng.normal(size=shape), known, coupling=coupling)
        newton = solved(problem, method="newton", tol=1e-8, backend=backend)
        loose = solved(problem, method="auto", tol=1e-3, backend=backend)
        assert loose.objective >= newton.lower_bound * (1 - EXACT)
        assert loose.lower_bound <= newton.objective * (1 + EXACT)

    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_pdhg(self, coupling, backend):
        rng = np.random.default_rng(8)
        known = problems.random_mask(13, 10, unknown=0.4, rng=rng)
        problem = problems.lost_pixels(rng.normal(size=(13, 10, 2)), known, coupling=coupling)
        result = solved(problem, method="pdhg", tol=1e-4, backend=backend)
        assert result.method == "pdhg"

    @pytest.mark.parametrize("coupling", COUPLINGS)
    @pytest.mark.parametrize("method", METHODS)
    def test_backends_agree(self, method, coupling):
        rng = np.random.default_rng(9)
        image = rng.normal(size=(12, 10, 2))
        known = problems.random_mask(12, 10, unknown=0.5, rng=rng)
        options = {"method": method, "coupling": coupling, "tol": 1e-5}
        compiled, plain = (
            certified(image, known, backend=backend, **options) for backend in ("cpp", "numpy")
        )
        assert compiled.objective == pytest.approx(plain.objective, rel=2e-5)
        assert compiled.lower_bound <= plain.objective * (1 + EXACT)
        assert plain.lower_bound <= compiled.objective * (1 + EXACT)
        for field in ("n_unknown", "n_components", "n_undetermined", "method"):
            assert getattr(compiled, field) == getattr(plain, field)

    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_text_on_a_photograph(self, coupling):
        image = problems.photograph("coffee")[60:132, 100:208].copy()
        known = problems.text_mask(*image.shape[:2], scale=2, margin=3)
        lost = problems.lost_pixels(image, known, coupling=coupling)
        image[~known] = 255
        found = mask_from_color(image, (255, 255, 255))
        assert not found[~known].any()
        result = certified(image, known, coupling=coupling)
        within(result, lost)
        assert result.n_components > 50  # the letters
        assert result.objective < 0.98 * lost.upper
        # Nothing known was changed, and the unknown is nearer to what it was than white is.
        error = np.abs(result.image - problems.photograph("coffee")[60:132, 100:208])[~known]
        assert np.median(error) < 20

    def test_large_component(self):
        # One region of a few thousand pixels: fronts on several levels.
        image = problems.photograph("camera")[40:120, 60:140]
        known = problems.random_mask(80, 80, unknown=0.9, rng=1)
        newton = certified(image, known, method="newton", tol=1e-8)
        auto = certified(image, known)
        assert auto.objective >= newton.lower_bound
        assert auto.lower_bound <= newton.objective

    def test_nothing_but_the_border_is_known(self):
        image = problems.photograph("camera")[:40, :30]
        known = np.zeros(image.shape, dtype=bool)
        known[[0, -1]] = known[:, [0, -1]] = True
        result = certified(image, known, tol=1e-9)
        assert result.n_components == 1
        assert result.n_unknown == 38 * 28


class TestSmallestCases:
    @pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (1, 5), (5, 1), (5, 6), (4, 3, 2)])
    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_all_known(self, coupling, shape, backend):
        image = np.random.default_rng(1).normal(size=shape)
        known = np.ones(shape[:2], dtype=bool)
        result = certified(image, known, coupling=coupling, backend=backend)
        assert np.array_equal(result.image, image)
        assert not np.shares_memory(result.image, image)
        assert result.objective == pytest.approx(
            variation(image, joint=coupling == "joint"), rel=EXACT
        )
        assert result.gap <= 1e-13
        assert (result.iterations, result.method) == (0, "closed form")
        assert (result.n_unknown, result.n_components) == (0, 0)

    @pytest.mark.parametrize("value", [0.0, 0.1, -7.0, 1e300])
    @pytest.mark.parametrize("shape", [(1, 6), (5, 6), (6, 5, 3)])
    def test_constant(self, shape, value, backend):
        known = problems.random_mask(*shape[:2], unknown=0.6, rng=2)
        image = np.full(shape, value)
        image[~known] = NAN
        result = certified(image, known, backend=backend)
        assert (result.image == value).all()
        assert result.objective == result.lower_bound == result.gap == 0.0
        assert (result.iterations, result.method) == (0, "closed form")

    def test_one_known_pixel(self, backend):
        known = np.zeros((4, 5), dtype=bool)
        known[2, 1] = True
        result = certified(np.arange(20.0).reshape(4, 5), known, backend=backend)
        assert (result.image == 11.0).all()
        assert result.objective == 0.0

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-9])
    def test_two_known_pixels(self, tol, method, backend):
        # Far from each other and from the border one of them stands out: by 1 in two terms, by
        # sqrt(2) in its own. That is what the solvers start from, so no step may lose it.
        known = np.zeros((13, 18), dtype=bool)
        known[7, [2, 15]] = True
        image = np.zeros((13, 18))
        image[7, 2] = 1.0
        result = certified(image, known, tol=tol, method=method, backend=backend)
        assert result.objective == pytest.approx(2 + math.sqrt(2), rel=tol)
        assert result.history[-1]["objective"] == pytest.approx(result.objective, rel=EXACT)

    def test_a_system_that_becomes_singular(self, backend):
        # The Newton matrix loses all digits in the end, before the tolerance is reached.
        image = [[0, 1, 0, 0], [1, 1, 0, 1]]
        known = [[1, 0, 0, 0], [0, 1, 0, 0]]
        certified(image, known, method="newton", tol=1e-12, backend=backend)

    def test_only_the_last_corner_is_known(self, backend):
        # It is in no term, so no region has a known neighbour.
        known = np.zeros((4, 5), dtype=bool)
        known[-1, -1] = True
        image = np.where(known[..., np.newaxis], [2.0, 3.0], NAN)
        result = certified(image, known, backend=backend)
        assert (result.image == [2.0, 3.0]).all()
        assert result.objective == 0.0

    def test_region_without_a_known_neighbour(self, backend):
        # A known first column and last corner: the region ends in constant rows.
        known = np.zeros((3, 3), dtype=bool)
        known[:, 0] = known[-1, -1] = True
        image = np.zeros((3, 3))
        image[:, 0], image[-1, -1] = [1.0, 1.0, 1.0], 1e6
        result = certified(image, known, backend=backend)
        assert (result.image[known == 0] == 1.0).all()

    def test_unknown_last_corner(self, backend):
        rng = np.random.default_rng(4)
        image = rng.uniform(size=(5, 6, 2))
        known = np.ones((5, 6), dtype=bool)
        known[-1, -1] = False
        result = certified(image, known, backend=backend)
        assert (result.n_unknown, result.n_undetermined) == (1, 1)
        corner = (image[-1, -2] + image[-2, -1]) / 2
        assert result.image[-1, -1] == pytest.approx(corner, rel=1e-15)
        known[-1, -2] = known[1, 1] = False
        result = certified(image, known, backend=backend)
        assert (result.n_unknown, result.n_undetermined) == (3, 1)
        corner = (result.image[-1, -2] + result.image[-2, -1]) / 2
        assert result.image[-1, -1] == pytest.approx(corner, rel=1e-15)

    def test_number_of_components(self, backend):
        known = np.ones((7, 7), dtype=bool)
        known[1, 1] = False
        assert certified(np.eye(7), known, backend=backend).n_components == 1
        known[2, 2] = False  # no term holds both
        assert certified(np.eye(7), known, backend=backend).n_components == 2
        known[1, 2] = False
        assert certified(np.eye(7), known, backend=backend).n_components == 1
        known[5, 3] = known[4, 4] = False  # the ends of one term
        assert certified(np.eye(7), known, backend=backend).n_components == 2
        known[2, 6] = known[3, 6] = False  # above each other in the last column: not tied
        assert certified(np.eye(7), known, backend=backend).n_components == 4

    @pytest.mark.parametrize("coupling", COUPLINGS)
    @pytest.mark.parametrize("column", [False, True])
    def test_lines(self, column, coupling, backend):
        values = [[NAN, NAN], [1, 1], [NAN, NAN], [NAN, NAN], [4, 5], [0, 5], [NAN, NAN]]
        problem = problems.line(values, column=column, coupling=coupling)
        result = solved(problem, backend=backend)
        assert result.image == pytest.approx(problem.answer, rel=1e-15)
        assert result.objective == pytest.approx(problem.upper, rel=1e-15)
        assert (result.method, result.iterations) == ("closed form", 0)
        assert result.n_components == 3

    def test_long_line(self, backend):
        rng = np.random.default_rng(5)
        values = rng.normal(size=5000)
        values[rng.uniform(size=5000) < 0.6] = NAN
        solved(problems.line(values), backend=backend, tol=1e-10)


class TestLimits:
    IMAGE = np.random.default_rng(11).uniform(size=(20, 18))
    KNOWN = problems.random_mask(20, 18, unknown=0.7, rng=12)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("most", [1, 3])
    def test_iterations(self, most, method, backend):
        options = {"method": method, "tol": 1e-10, "backend": backend}
        result = stopped(
            self.IMAGE, self.KNOWN, Status.MAX_ITERATIONS, max_iterations=most, **options
        )
        assert result.iterations <= most
        with pytest.warns(ConvergenceWarning, match="raise max_iterations, or ask for a larger"):
            inpaint(self.IMAGE, self.KNOWN, max_iterations=most, **options)

    def test_iterations_of_channels_together(self, backend):
        image = np.stack([self.IMAGE] * 3, axis=-1)
        result = stopped(
            image, self.KNOWN, Status.MAX_ITERATIONS, max_iterations=2, tol=1e-10, backend=backend
        )
        assert result.iterations <= 2

    def test_time(self, backend):
        result = stopped(
            self.IMAGE, self.KNOWN, Status.TIME_LIMIT, time_limit=1e-9, tol=1e-10, backend=backend
        )
        assert result.objective < np.inf

    @pytest.mark.parametrize("method", METHODS)
    def test_callback(self, method, backend):
        seen = []
        result = certified(
            self.IMAGE, self.KNOWN, callback=seen.append, method=method, tol=1e-4, backend=backend
        )
        assert all(isinstance(one, InpaintingProgress) for one in seen)
        assert not any(one.image.flags.writeable for one in seen)
        assert all(one.image.shape == self.IMAGE.shape for one in seen)
        for one, later in itertools.pairwise(seen):
            assert later.objective <= one.objective
            assert later.lower_bound >= one.lower_bound
            assert later.gap <= one.gap
            assert later.iterations >= one.iterations
            assert later.seconds >= one.seconds
        last = seen[-1]
        assert last.objective == pytest.approx(result.objective, rel=EXACT)
        assert last.gap == pytest.approx(result.gap, abs=EXACT)
        assert last.iterations == result.iterations
        for one in seen:
            assert variation(one.image) == pytest.approx(one.objective, rel=1e-10)
            assert np.array_equal(one.image[self.KNOWN], self.IMAGE[self.KNOWN])
        silent = inpaint(self.IMAGE, self.KNOWN, method=method, tol=1e-4, backend=backend)
        assert np.array_equal(silent.image, result.image)

    def test_callback_that_stops(self, backend):
        def stop(_snapshot):
            raise StopIteration

        options = {"callback": stop, "tol": 1e-10, "backend": backend}
        stopped(self.IMAGE, self.KNOWN, Status.STOPPED_BY_CALLBACK, **options)

    def test_callback_that_fails(self, backend):
        def fail(_snapshot):
            raise LookupError("in the callback")

        with pytest.raises(LookupError, match="in the callback"):
            inpaint(self.IMAGE, self.KNOWN, callback=fail, tol=1e-10, backend=backend)

    def test_interruption(self, backend):
        def interrupt(_snapshot):
            raise KeyboardInterrupt

        options = {"callback": interrupt, "tol": 1e-10, "backend": backend}
        stopped(self.IMAGE, self.KNOWN, Status.INTERRUPTED, **options)

    @pytest.mark.parametrize("method", METHODS)
    def test_history(self, method, backend):
        result = certified(self.IMAGE, self.KNOWN, method=method, tol=1e-4, backend=backend)
        names = {"iteration", "seconds", "objective", "lower_bound", "gap"}
        assert all(set(record) == names for record in result.history)
        assert result.history[-1]["iteration"] == result.iterations
        assert result.history[-1]["gap"] == pytest.approx(result.gap, abs=EXACT)
        gaps = [record["gap"] for record in result.history]
        assert gaps == sorted(gaps, reverse=True)

    def test_progress(self, backend, capsys):
        pytest.importorskip("tqdm")
        certified(self.IMAGE, self.KNOWN, progress=True, backend=backend)
        assert "gap=" in capsys.readouterr().err

    def test_a_tolerance_at_the_end_of_float64(self, backend):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            result = inpaint(self.IMAGE, self.KNOWN, tol=1e-12, backend=backend)
        assert result.status in (Status.CONVERGED, Status.NOT_CERTIFIED)
        assert result.status.ok == (result.gap <= 1e-12)
        assert result.gap < 1e-10

    def test_callback_that_is_none(self, backend):
        with pytest.raises(TypeError, match="callback is 3 of type int, expected a function or"):
            inpaint(self.IMAGE, self.KNOWN, callback=3, backend=backend)
        with pytest.raises(ValueError, match=r"tol is 1e-13, expected at least 1e-12"):
            inpaint(self.IMAGE, self.KNOWN, tol=1e-13, backend=backend)


class TestTotalVariation:
    @pytest.mark.parametrize("coupling", COUPLINGS)
    @pytest.mark.parametrize(
        "shape",
        [(1, 1), (1, 4), (4, 1), (1, 4, 3), (4, 1, 2), (2, 2), (5, 7), (5, 7, 1), (6, 5, 3)],
    )
    def test_definition(self, shape, coupling, backend):
        image = np.random.default_rng(6).normal(size=shape)
        found = total_variation(image, coupling=coupling, backend=backend)
        assert type(found) is float
        assert found == pytest.approx(variation(image, joint=coupling == "joint"), rel=1e-14)

    @pytest.mark.parametrize("shape", [(300, 200), (130, 90, 3)])
    def test_large(self, shape, backend):
        image = np.random.default_rng(6).normal(size=shape)
        for coupling in COUPLINGS:
            found = total_variation(image, coupling=coupling, backend=backend)
            assert found == pytest.approx(variation(image, joint=coupling == "joint"), rel=1e-13)

    def test_is_the_objective_of_inpaint(self, backend):
        image, known = TestLimits.IMAGE, TestLimits.KNOWN
        result = certified(image, known, backend=backend)
        assert total_variation(result.image, backend=backend) == pytest.approx(
            result.objective, rel=EXACT
        )

    def test_small_integers_do_not_wrap_around(self, backend):
        image = np.array([[0, 255, 0], [0, 255, 0]], dtype=np.uint8)
        assert total_variation(image, backend=backend) == 510.0
        assert total_variation([[True, False], [True, True]], backend=backend) == 1.0

    @pytest.mark.parametrize("exponent", [-1000, 1000])
    @pytest.mark.parametrize("shape", [(1, 5), (4, 5), (4, 5, 2)])
    def test_units(self, shape, exponent, backend):
        image = np.random.default_rng(6).uniform(size=shape)
        plain = total_variation(image, backend=backend)
        assert total_variation(np.ldexp(image, exponent), backend=backend) == math.ldexp(
            plain, exponent
        )

    def test_ends_of_the_range(self, backend):
        assert total_variation([[-1.7e308, 1.7e308]], backend=backend) == math.inf
        assert total_variation([[5e-324, 0.0], [0.0, 7.0]], backend=backend) in (5e-324, 1e-323)
        assert total_variation([[0.0, 1e-300], [0.0, 1e300]], backend=backend) == 1e-300
        assert total_variation([[0.0, 0.0], [0.0, 1.0]], backend=backend) == 0.0

    @pytest.mark.parametrize("coupling", COUPLINGS)
    def test_a_large_constant_channel(self, coupling, backend):
        image = np.zeros((3, 3, 2))
        image[..., 0] = 1e300
        image[1, 1, 1] = 1.0
        found = total_variation(image, coupling=coupling, backend=backend)
        assert found == pytest.approx(2 + math.sqrt(2), rel=1e-15)


class TestResults:
    def result(self, image):
        problem = problems.step(2, 2)
        return InpaintingResult(
            status=Status.CONVERGED, iterations=0, history=(), seconds=0.0, backend="numpy",
            certificates=(), image=np.array([image], dtype=float), objective=1.0, lower_bound=1.0,
            gap=0.0, dual=problem.dual, coupling="separate", method="newton", n_unknown=0,
            n_components=0, n_undetermined=0, tol=1e-6,
        )  # fmt: skip

    def test_rounded_and_clipped(self):
        result = self.result([-0.6, 0.4, 1.5, 2.5, 254.9, 300.0])
        assert result.to_dtype(np.uint8).tolist() == [[0, 0, 2, 2, 255, 255]]
        assert result.to_dtype("int8").tolist() == [[-1, 0, 2, 2, 127, 127]]
        assert result.to_dtype(np.uint16).dtype == np.uint16
        assert result.to_dtype(np.uint8).flags.writeable

    def test_largest_integers(self):
        result = self.result([-1e300, 0.0, 1e300])
        assert result.to_dtype(np.int64).tolist() == [[-(2**63), 0, 2**63 - 1024]]
        assert result.to_dtype(np.uint64).tolist() == [[0, 0, 2**64 - 2048]]

    def test_floats(self):
        result = self.result([0.1, 2.5])
        assert result.to_dtype(np.float32).tolist() == [[np.float32(0.1), 2.5]]
        copy = result.to_dtype(float)
        assert copy.tolist() == result.image.tolist()
        assert not np.shares_memory(copy, result.image)

    @pytest.mark.parametrize("dtype", [bool, complex, str, object])
    def test_no_other_types(self, dtype):
        with pytest.raises(TypeError, match=r"dtype is \S+, expected an integer or a float type"):
            self.result([1.0]).to_dtype(dtype)

    def test_report(self):
        text = str(certified([[0, 1, 2], [3, 9, 5], [6, 7, 8]], np.eye(3) < 0.5))
        for word in ("objective", "lower_bound", "gap", "n_components", "known pixels"):
            assert word in text

    def test_progress_is_read_only(self):
        image = np.zeros((2, 2))
        progress = InpaintingProgress(
            iterations=1, seconds=0.1, objective=1.0, lower_bound=0.5, gap=0.5, image=image
        )
        assert not progress.image.flags.writeable
        assert image.flags.writeable
        with pytest.raises(AttributeError):
            progress.gap = 0.0
