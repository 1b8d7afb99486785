"""The tests mirror the package; `peers` drives real clients, `benchmarks` measures."""
