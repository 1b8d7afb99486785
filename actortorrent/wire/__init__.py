"""Bytes to values and back: pure, with no threads, sockets, clocks or files."""
