"""The door for people: the `actortorrent` command, one file a subcommand."""
