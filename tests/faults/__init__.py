"""Faults of the machine: disks, descriptors, memory, clocks and networks that fail under a client."""
