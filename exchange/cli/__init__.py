"""The command line: `exchange <noun> <verb>`, people by default, JSON with --json."""
