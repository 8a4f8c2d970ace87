"""The catalogue: who shares what, in which class, with whom, for which matter and case."""
