from __future__ import annotations

import pickle

import numpy as np
import pytest

from minimand._common import errors


@pytest.mark.parametrize(
    "kind",
    [errors.RankDeficientError, errors.NotPositiveDefiniteError, errors.SingularMatrixError],
)
def test_linear_algebra_errors_are_caught_as_numpys(kind):
    with pytest.raises(np.linalg.LinAlgError):
        raise kind("singular")


def test_a_failed_certificate_is_a_value_error():
    assert issubclass(errors.CertificateError, ValueError)


@pytest.mark.parametrize(
    "kind", [errors.ConvergenceWarning, errors.RankWarning, errors.ConditionWarning]
)
def test_one_filter_reaches_all_warnings(kind):
    assert issubclass(kind, errors.MinimandWarning)
    assert issubclass(kind, UserWarning)


def test_errors_survive_a_process_boundary():
    error = pickle.loads(pickle.dumps(errors.SingularMatrixError("R[3, 3] is zero")))
    assert str(error) == "R[3, 3] is zero"


def test_missing_extra_names_the_command():
    error = errors.missing_extra("matplotlib", "plot")
    assert isinstance(error, ImportError)
    assert error.name == "matplotlib"
    assert 'pip install "minimand[plot]"' in str(error)
