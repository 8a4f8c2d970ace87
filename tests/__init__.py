"""The tests: architecture, unit, contracts, conformance, stories, faults, browser; doubles in fakes."""
