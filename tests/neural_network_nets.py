"""Small networks of every module, with every loss: what the tests of both backends run on."""

from __future__ import annotations

import numpy as np

from minimand import nn

BACKENDS = ("cpp", "numpy")


def _features(*modules):
    return nn.Sequential(*modules), (5,)


def _images(*modules, shape=(2, 7, 6)):
    return nn.Sequential(*modules), shape


NETS = {
    "tanh": _features(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3)),
    "sigmoid, no bias": _features(nn.Linear(5, 6, bias=False), nn.Sigmoid(), nn.Linear(6, 3)),
    "activations in a row": _features(
        nn.LeakyReLU(0.1), nn.Linear(5, 6), nn.LeakyReLU(0.05), nn.Tanh(), nn.Linear(6, 3)
    ),
    "wide": _features(nn.Linear(5, 70), nn.ReLU(), nn.Linear(70, 33), nn.Tanh(), nn.Linear(33, 3)),
    "softmax": _features(nn.Linear(5, 6), nn.Softmax(), nn.Linear(6, 3)),
    "conv": _images(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(60, 3)),
    "padded conv": _images(
        nn.Conv2d(2, 5, (3, 2), padding=1), nn.ReLU(),
        nn.Conv2d(5, 4, 3, padding=(2, 1), bias=False), nn.Sigmoid(),
        nn.Flatten(), nn.Linear(4 * 9 * 7, 3),
    ),
    "strided conv": _images(
        nn.Conv2d(2, 3, 3), nn.Conv2d(3, 3, (3, 2), stride=(2, 1), padding=1), nn.Tanh(),
        nn.Flatten(), nn.Linear(45, 3),
    ),
    "tiled max": _images(
        nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 3), shape=(1, 8, 9)
    ),
    "padded max": _images(
        nn.Conv2d(1, 2, 1), nn.MaxPool2d(3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(40, 3), shape=(1, 8, 9),
    ),
    "padded mean": _images(
        nn.Conv2d(1, 2, 1), nn.AvgPool2d((3, 2), stride=2, padding=1), nn.Tanh(),
        nn.Flatten(), nn.Linear(40, 3), shape=(1, 8, 9),
    ),
    "batch norm": _features(
        nn.Linear(5, 6, bias=False), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3)
    ),
    "batch norm of images": _images(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.LeakyReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.BatchNorm1d(27), nn.Linear(27, 3), shape=(1, 8, 9),
    ),
    "dropout": _features(
        nn.Linear(5, 16), nn.Tanh(), nn.Dropout(0.3), nn.Linear(16, 9), nn.Dropout(),
        nn.Linear(9, 3),
    ),
    "residual": _features(
        nn.Linear(5, 6), nn.Residual(nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))),
        nn.Tanh(), nn.Linear(6, 3),
    ),
    "residuals of nothing": _features(
        nn.Residual(nn.Identity()), nn.Linear(5, 3), nn.Residual(nn.Tanh()),
        nn.Residual(nn.Residual(nn.Sigmoid())),
    ),
    "concat": _features(
        nn.Linear(5, 4),
        nn.Concat(nn.Identity(), nn.Tanh(), nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())),
        nn.Linear(11, 3),
    ),
    "concat of images": _images(
        nn.Concat(nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 3, 1), nn.Identity()), nn.Tanh(),
        nn.Flatten(), nn.Linear(140, 3), shape=(2, 4, 5),
    ),
    "rnn": _images(nn.RNN(3, 4), nn.Linear(4, 3), shape=(5, 3)),
    "rnn of one step": _images(nn.RNN(3, 4), nn.Linear(4, 3), shape=(1, 3)),
    "rnns": _images(
        nn.RNN(3, 4, return_sequence=True), nn.RNN(4, 2, return_sequence=True), nn.Flatten(),
        nn.Linear(10, 3), shape=(5, 3),
    ),
}  # fmt: skip

LOSSES = {
    "squared error": (nn.SquaredError(), None),
    "cross entropy": (nn.CrossEntropy(), None),
    "binary": (nn.BinaryCrossEntropy(), None),
    "both terms of softmax": (nn.CategoricalCrossEntropy(), nn.Softmax()),
    "both terms of sigmoid": (nn.CategoricalCrossEntropy(), nn.Sigmoid()),
}


def network(name, loss="squared error", dtype="float64", seed=0):
    module, shape = NETS[name]
    kind, last = LOSSES[loss]
    if last is not None:
        module = nn.Sequential(module, last)
    return nn.Network(module, kind, shape, dtype, rng=seed)


def samples(name, count, seed=0):
    rng = np.random.default_rng([seed, count])
    return rng.standard_normal((count, *NETS[name][1]))


def targets(loss, count, seed=0):
    rng = np.random.default_rng([seed, count, 1])
    if loss == "squared error":
        return rng.standard_normal((count, 3))
    if loss == "cross entropy":
        return rng.integers(0, 3, count)
    if loss == "binary":
        return rng.integers(0, 2, (count, 3))
    return rng.random((count, 3)) if "softmax" in loss else rng.integers(0, 3, count)


def differences(function, parameters, index):
    """Central differences of a function of the parameters, which are moved in place."""
    found = np.empty(len(index))
    for k, i in enumerate(index):
        at = parameters[i]
        h = 6e-6 * max(1.0, abs(at))
        parameters[i] = at + h
        ahead = function()
        parameters[i] = at - h
        found[k] = (ahead - function()) / (2 * h)
        parameters[i] = at
    return found
