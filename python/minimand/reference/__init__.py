"""The kernels in plain NumPy, written to be read: the mirror of the compiled ones."""
