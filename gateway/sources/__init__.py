"""Departments' sources, each behind the same port: SQL and JSON over HTTP, guarded by a breaker."""
