"""What happened, in what order, because of what, and why so: recorded and shown."""
