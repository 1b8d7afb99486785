"""Crashes at any instant; the long half is not part of `make test`: run it with `make crash`."""
