"""Tools for tests and measurements: the simulator, and ``gnomon microbenchmark``."""
