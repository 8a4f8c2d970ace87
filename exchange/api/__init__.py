"""The management API: what officers do in the portal, for programs, by the same acts and the same rights."""
