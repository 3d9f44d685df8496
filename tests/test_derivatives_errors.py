"""What is wrong with arguments, and with what a function returns, in words."""

from __future__ import annotations

import numpy as np
import pytest

import minimand


def square(p):
    return np.sum(np.square(p), axis=-1)


def raising(p):
    if np.ndim(p) == 1 and p[1] > 2.0:
        raise ArithmeticError("lost")
    return float(p[0])


class TestFunctions:
    """f that raises, returns NaN, the wrong shape, complex values."""

    def test_it_raises(self, backend):
        with pytest.raises(ArithmeticError, match="lost") as caught:
            minimand.gradient(raising, [1.0, 2.0], backend=backend)
        (note,) = caught.value.__notes__
        assert note.startswith("minimand called f with x = [1.0, 2.0")

    def test_it_raises_for_many_points(self):
        def f(p):
            if len(p) > 3 and np.ndim(p) == 2:
                raise MemoryError
            return square(p)

        with pytest.raises(MemoryError) as caught:
            minimand.gradient(f, [1.0, 2.0], vectorized=True)
        assert "8 points at once" in caught.value.__notes__[0]

    def test_interruption_passes(self):
        def f(_):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            minimand.gradient(f, [1.0])

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("name", ["gradient", "hessian", "classify_stationary_point"])
    def test_not_finite_at_x(self, bad, name):
        with pytest.raises(ValueError, match=r"f is .* at x = \[1.0, 2.0\], expected a finite"):
            getattr(minimand, name)(lambda p: bad * p[..., 0], [1.0, 2.0])
        with pytest.raises(ValueError, match="at x = 2"):
            minimand.derivative(lambda x: np.where(x == 2.0, bad, x), [1.0, 2.0])

    @pytest.mark.parametrize(
        ("f", "error", "message"),
        [
            (lambda _: np.ones(2), ValueError, r"shape \(2,\) for x of shape \(2,\), .* a number"),
            (lambda _: np.ones((1, 1)), ValueError, r"shape \(1, 1\)"),
            (lambda _: np.array([]), ValueError, r"shape \(0,\)"),
            (lambda _: 1j, ValueError, "complex values"),
            (lambda p: p[..., 0] + 0j, ValueError, "complex values"),
            (lambda _: None, TypeError, "dtype object"),
            (lambda _: "1", TypeError, "dtype <U1"),
        ],
    )
    def test_wrong_values(self, f, error, message, backend):
        for name in ("gradient", "hessian"):
            with pytest.raises(error, match=f"f returned .*{message}"):
                getattr(minimand, name)(f, [1.0, 2.0], backend=backend)

    def test_wrong_shape_of_many_values(self):
        with pytest.raises(ValueError, match=r"shape \(2,\) for points of shape \(8, 2\)"):
            minimand.gradient(
                lambda p: p.sum(axis=0) if p.ndim > 1 else 1.0, [1.0, 2.0], vectorized=True
            )

    def test_vectors_that_change_their_length(self):
        def f(p):
            return np.ones(2 if p[0] == 1.0 else 3)

        with pytest.raises(ValueError, match="expected 2 numbers as before"):
            minimand.jacobian(f, [1.0, 2.0])

    def test_gradients_of_the_wrong_size(self):
        for call in (
            lambda: minimand.hessian(None, [1.0, 2.0], grad=lambda _: np.ones(3)),
            lambda: minimand.check_gradient(square, lambda _: np.ones(3), [1.0, 2.0]),
        ):
            with pytest.raises(ValueError, match="grad returned 3 numbers for 2 variables"):
                call()
        with pytest.raises(ValueError, match=r"hess returned shape \(2,\)"):
            minimand.classify_stationary_point(square, [0.0, 0.0], hess=lambda p: p)
        with pytest.raises(ValueError, match="hess returned a number that is not finite"):
            minimand.classify_stationary_point(
                square, [0.0, 0.0], hess=lambda _: np.full((2, 2), np.nan)
            )

    @pytest.mark.parametrize("bad", [None, 3.0, "f"])
    def test_no_function(self, bad):
        for name in ("derivative", "gradient", "jacobian", "hessian"):
            with pytest.raises(TypeError, match=r"f is .*, expected a function"):
                getattr(minimand, name)(bad, [1.0])
        with pytest.raises(TypeError, match=r"grad is .*, expected a function"):
            minimand.check_gradient(square, bad, [1.0])


class TestArguments:
    @pytest.mark.parametrize(
        ("bounds", "message"),
        [
            ([(0, 2)], "bounds has 1 pairs but x has 2 entries"),
            ([], "bounds has 0 pairs"),
            ([(0, 2), (3, 1)], r"a low end above the high one at entry 1 \(3.0, 1.0\)"),
            ([(0, 2), (2, 2)], "an interval without width at entry 1"),
            ([(0, 2), (np.nan, 3)], "NaN at entry 1"),
            ([(0, 2, 3), (0, 3)], r"expected 2 pairs"),
            ("none", "expected 2 pairs"),
            (3.0, "expected 2 pairs"),
            ([(2, 3), (0, 3)], "x has 1.0 at entry 0, outside its bounds"),
        ],
    )
    def test_bounds(self, bounds, message, backend):
        for name in ("gradient", "hessian", "jacobian"):
            with pytest.raises(ValueError, match=message):
                getattr(minimand, name)(square, [1.0, 2.0], bounds=bounds, backend=backend)

    def test_bounds_of_one_variable(self):
        with pytest.raises(ValueError, match="a low end above the high one"):
            minimand.derivative(np.exp, 1.0, bounds=(2, 0))
        with pytest.raises(ValueError, match="outside its bounds"):
            minimand.derivative(np.exp, [1.0, 3.0], bounds=(0, 2))
        with pytest.raises(ValueError, match="goes around x; use radius"):
            minimand.derivative(np.exp, 1.0, bounds=(0, 2), method="cauchy")
        with pytest.raises(ValueError, match=r"no room .* looks to one side only"):
            minimand.derivative(np.exp, 1.0, bounds=(0, 1), method="forward")

    @pytest.mark.parametrize(
        ("step", "message"),
        [
            (0.0, "step is 0.0, expected a finite number > 0"),
            (-1.0, "step is -1.0"),
            (np.nan, "step is nan"),
            ("large", "step is 'large', expected a positive number, 'auto' or None"),
            ([1e-5], "step has 1 entries but x has 2 rows"),
            ([1e-5, 0.0], "step has 0.0 at entry 1"),
            (1e-17, "is lost beside x = 1.0"),
        ],
    )
    def test_step(self, step, message):
        with pytest.raises(ValueError, match=message):
            minimand.gradient(square, [1.0, 2.0], step=step)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"order": 3}, "order is 3, expected at most 2 for method 'central'; use method"),
            ({"order": 11, "method": "cauchy"}, "that is the limit"),
            ({"order": 2, "method": "complex"}, "at most 1 for method 'complex'"),
            ({"method": "complex", "step": 0.1}, "method 'complex' has none to choose"),
            ({"method": "richardson", "step": "auto"}, "give the first one"),
            ({"method": "richardson", "derivative_bound": 1.0}, "no meaning for method"),
            ({"noise": "loud"}, "noise is 'loud'"),
            ({"noise": 0.0}, "noise is 0.0"),
        ],
    )
    def test_combinations(self, options, message):
        with pytest.raises(ValueError, match=message):
            minimand.derivative(np.exp, 1.0, **options)

    @pytest.mark.parametrize("x", [[], np.nan, [1.0, np.inf], 1j, "x", None])
    def test_points(self, x):
        with pytest.raises((ValueError, TypeError), match=r"^x "):
            minimand.derivative(np.exp, x)
        with pytest.raises((ValueError, TypeError), match=r"^a "):
            minimand.taylor_model(np.exp, x)

    def test_args_must_be_a_tuple(self):
        with pytest.raises(TypeError, match=r"args is \[1\].*, expected a tuple"):
            minimand.gradient(square, [1.0], args=[1])

    def test_hessians_that_are_too_large(self):
        with pytest.raises(ValueError, match=r"x has 2001 entries, .* 1.3e\+11 bytes; pass grad="):
            minimand.hessian(square, np.ones(2001))
        with pytest.raises(ValueError, match="expected 'central' for a Hessian from values"):
            minimand.hessian(square, [1.0], method="complex")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"order": 3}, "order is 3, expected at most 2 for a function of several variables"),
            ({"lipschitz_gradient": 1.0}, "expected lipschitz_hessian for order 2"),
            ({"derivative_bound": 1.0}, "expected lipschitz_hessian for order 2"),
            ({"lipschitz_hessian": 1.0, "lipschitz_gradient": 1.0}, "and lipschitz_hessian given"),
            ({"lipschitz_hessian": -1.0}, "lipschitz_hessian is -1.0"),
        ],
    )
    def test_models(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            minimand.taylor_model(square, [1.0, 2.0], **arguments)

    def test_models_of_one_variable(self):
        with pytest.raises(ValueError, match="order is 11, expected at most 10"):
            minimand.taylor_model(np.exp, 0.0, 11)
        with pytest.raises(ValueError, match="f is not analytic within"):
            minimand.taylor_model(np.abs, 0.0, 4)
        with pytest.raises(ValueError, match="order is 3, expected at most 2 for a minimizer"):
            minimand.taylor_model(np.exp, 0.0, 3).minimizer()

    def test_directions(self):
        with pytest.raises(ValueError, match="directions has a zero vector at row 1"):
            minimand.check_gradient(square, square, [1.0, 2.0], directions=[[1, 0], [0, 0]])
        with pytest.raises(ValueError, match="directions has 3 columns, expected 2"):
            minimand.check_gradient(square, square, [1.0, 2.0], directions=[[1, 0, 0]])
        with pytest.raises(ValueError, match="directions is 0"):
            minimand.check_gradient(square, square, [1.0, 2.0], directions=0)
        with pytest.raises(ValueError, match="directions leave it"):
            minimand.check_gradient(
                square, square, [1.0, 2.0], directions=3, bounds=[(0, 3), (0, 3)]
            )
