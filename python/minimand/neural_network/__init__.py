"""Small neural networks, trained whole epochs at a time by compiled kernels; also `minimand.nn`."""

from minimand._common.schedules import Schedule
from minimand.neural_network.autoencoder import Autoencoder, autoencoder
from minimand.neural_network.bias_variance import bias_variance
from minimand.neural_network.bias_variance_result import BiasVariance
from minimand.neural_network.compile import compile_program
from minimand.neural_network.diagnostics import Diagnostics
from minimand.neural_network.evaluation import Evaluation, evaluate
from minimand.neural_network.gan import train_gan
from minimand.neural_network.gan_result import GanProgress, GanResult
from minimand.neural_network.gradient_check import check_gradient
from minimand.neural_network.gradient_report import GradientCheck
from minimand.neural_network.lipschitz import LayerBound, LipschitzBounds, lipschitz_bounds
from minimand.neural_network.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    CrossEntropy,
    Loss,
    SquaredError,
)
from minimand.neural_network.modules import (
    RNN,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    Identity,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from minimand.neural_network.network import Network
from minimand.neural_network.optimizers import SGD, Adagrad, Adam, Newton, Optimizer, RMSProp
from minimand.neural_network.program import Program, Segment
from minimand.neural_network.result import TrainingProgress, TrainingResult, TrainingState
from minimand.neural_network.search_result import SearchResult, Trial
from minimand.neural_network.selection import grid_search, random_search
from minimand.neural_network.splitting import ThreeWaySplit, three_way_split
from minimand.neural_network.train import train

constant, inverse_time = Schedule.constant, Schedule.inverse_time
power, step = Schedule.power, Schedule.step

__all__ = [
    "RNN",
    "SGD",
    "Adagrad",
    "Adam",
    "Autoencoder",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BiasVariance",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "Concat",
    "Conv2d",
    "CrossEntropy",
    "Diagnostics",
    "Dropout",
    "Evaluation",
    "Flatten",
    "GanProgress",
    "GanResult",
    "GradientCheck",
    "Identity",
    "LayerBound",
    "LeakyReLU",
    "Linear",
    "LipschitzBounds",
    "Loss",
    "MaxPool2d",
    "Module",
    "Network",
    "Newton",
    "Optimizer",
    "Program",
    "RMSProp",
    "ReLU",
    "Residual",
    "Schedule",
    "SearchResult",
    "Segment",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "SquaredError",
    "Tanh",
    "ThreeWaySplit",
    "TrainingProgress",
    "TrainingResult",
    "TrainingState",
    "Trial",
    "autoencoder",
    "bias_variance",
    "check_gradient",
    "compile_program",
    "constant",
    "evaluate",
    "grid_search",
    "inverse_time",
    "lipschitz_bounds",
    "power",
    "random_search",
    "step",
    "three_way_split",
    "train",
    "train_gan",
]
