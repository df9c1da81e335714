"""One mode of the application each; they own workers and selection."""
