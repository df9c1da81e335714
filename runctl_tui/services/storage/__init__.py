"""Changing what lies in S3, and bringing it here: plans, transfers and deletions over any object store."""
