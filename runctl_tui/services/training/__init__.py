"""Training runs on any host: the agent that runs there, and what starts, follows, stops and resumes them."""
