"""What is promised of catalogue entries going in and out."""
