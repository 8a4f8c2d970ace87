"""HTTP: who calls, what they may send, and how errors are told. Nothing here decides anything."""
