"""The course in docs/learn: its runs, excerpts and pictures, made and checked."""
