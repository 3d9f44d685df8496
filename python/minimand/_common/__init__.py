"""What at least two domains share: checks, results, iteration, threads and random numbers."""
