"""The exchange: wires catalogue, policies, log and gateway into one running node."""
