"""What happens when things break half way."""
