"""State and side effects: the only place for threads, sockets and Pykka."""
