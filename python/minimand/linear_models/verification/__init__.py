"""Certificates of linear models, computed anew in plain NumPy; nothing is shared with solvers."""
