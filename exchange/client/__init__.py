"""The Python client: signs what it asks, checks what it is given, and keeps the receipt."""
