"""Dialogs that return one value; they know no services."""
