"""The built-in functions of Rego that are offered, a module for each family.

`table` lists them all: what is not in it is refused at load. Nothing here reads a clock, a network, a file,
an environment or a source of randomness.
"""
