"""The test zone: the contract and the policy as they are, over synthetic rows, in a log of its own."""
