"""AWS behind the `TrainingProvider` port; boto3 is imported inside the functions that need it."""
