"""Certificates of meetings, computed anew from the data by plain NumPy alone."""
