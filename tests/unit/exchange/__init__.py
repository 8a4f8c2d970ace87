"""What the code promises in small."""
