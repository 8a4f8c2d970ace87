"""Long work on the log: acts done a page at a time, by a command that waits or by the serving process."""
