"""The demonstration: a fictional district, its departments' sources, and the building-permit story."""
