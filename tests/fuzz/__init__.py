"""Coverage-guided fuzzing of everything that reads bytes of strangers: `make fuzz`.

A target (`targets/`) is a function that takes any bytes and asserts what must hold of them:
only the errors of its codec come out, what can be written is read back the same, and nothing
grows beyond the limits. atheris tries bytes that reach new branches of the code; a find stops
the target, and becomes a test beside the code that it shows wrong.

The ordinary suite runs each target on its seeds and on bytes of hypothesis (`test_targets.py`),
without atheris.
"""
