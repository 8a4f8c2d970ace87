"""Stories in the words of the users."""
