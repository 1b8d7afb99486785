"""The long run: many torrents, one after another, in one process, while peers come and go."""
