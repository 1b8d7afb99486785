"""A whole swarm on one machine: a tracker, seeds and leeches, each a process of its own."""
