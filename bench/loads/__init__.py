"""The benches behind the commands of the same names."""
