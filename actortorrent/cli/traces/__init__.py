"""The commands below `actortorrent trace`, one a file; `cli/trace.py` lists them."""
