"""The log: an append-only Merkle tree of signed entries, provable against its own operator."""
