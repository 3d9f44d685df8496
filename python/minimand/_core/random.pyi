import numpy as np
from numpy.typing import NDArray

def philox_words(
    key: NDArray[np.uint64], first_item: int, out: NDArray[np.uint64], threads: int
) -> None: ...
def philox_uniform(
    key: NDArray[np.uint64], first_item: int, out: NDArray[np.float64], threads: int
) -> None: ...
def philox_below(
    key: NDArray[np.uint64], first_item: int, bound: int, out: NDArray[np.int64], threads: int
) -> None: ...
