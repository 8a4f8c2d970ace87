"""Files that departments publish: taken in, looked over, and kept as tables that the gateway reads."""
