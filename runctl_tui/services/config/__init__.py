"""Configuration: files, environment and flags make one frozen `Configuration`; writing keeps comments."""
