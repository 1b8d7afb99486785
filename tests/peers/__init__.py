"""Real clients on the other side, each driven by a small context manager."""
