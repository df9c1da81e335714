"""This machine behind the `TrainingProvider` port."""
