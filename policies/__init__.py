"""Policy: what is asked of the decision point, what it answers, and the engines that answer."""
