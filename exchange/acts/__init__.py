"""What officers can do, by name: one list for the command line, the admin socket and later the portal."""
