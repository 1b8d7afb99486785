"""Run `python -m actortorrent` as the `actortorrent` command."""

from __future__ import annotations

from actortorrent.cli.main import main

if __name__ == "__main__":
    main()
