"""RunPod behind the `TrainingProvider` port: reads over API v2, changes through the official SDK."""
