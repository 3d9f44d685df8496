"""Pictures of meetings show what the plans say."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

import minimand
from minimand.plotting import rendezvous as plot
from minimand.problems.rendezvous import lecture

PROBLEM = lecture()


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def plan():
    return minimand.rendezvous(*PROBLEM.bodies, 100)


@pytest.fixture(scope="module")
def impossible():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", minimand.MinimandWarning)
        return minimand.rendezvous(*PROBLEM.bodies, 1)


def test_trajectories_end_at_the_meeting(ax, plan):
    assert plot.trajectories(plan, ax=ax) is ax
    first, second = (line.get_xydata() for line in ax.lines)
    np.testing.assert_array_equal(first, plan.x[:, :2])
    np.testing.assert_array_equal(second, plan.z[:, :2])
    np.testing.assert_array_equal(ax.collections[-1].get_offsets()[0], plan.x[-1, :2])


def test_other_states_can_be_places(ax, plan):
    plot.trajectories(plan, states=(2, 3), z_states=(0, 3), ax=ax)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), plan.x[:, 2:])
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), plan.z[:, [0, 3]])
    with pytest.raises(ValueError, match="states has 1 entries, expected two"):
        plot.trajectories(plan, states=(0,), ax=ax)


@pytest.mark.parametrize("norm", ["2", "inf"])
def test_thrust_is_that_of_the_inputs(ax, plan, norm):
    plot.thrust(plan, norm=norm, bound=20.0, ax=ax)
    size = np.linalg.norm(plan.u, axis=1) if norm == "2" else np.abs(plan.u).max(axis=1)
    np.testing.assert_array_equal(ax.patches[0].get_data().values, size)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["first body", "second body", "bound"]


def test_energy_marks_what_is_impossible_and_what_is_best(ax):
    energies = minimand.rendezvous_energy(*PROBLEM.bodies, 30)
    plot.energy(energies, ax=ax)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), energies.energy[1:])
    assert len(ax.patches) == 1
    np.testing.assert_array_equal(
        ax.collections[0].get_offsets(), [[energies.best, energies.energy[-1]]]
    )


@pytest.mark.parametrize("draw", [plot.trajectories, plot.thrust])
def test_there_is_no_picture_without_a_plan(ax, impossible, draw):
    with pytest.raises(ValueError, match="no meeting is possible"):
        draw(impossible, ax=ax)
