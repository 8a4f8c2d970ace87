"""The portal in Debian's chromium."""
