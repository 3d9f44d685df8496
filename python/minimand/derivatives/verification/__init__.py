"""Certificates of this domain, computed anew in plain NumPy on paths that share nothing with it."""
