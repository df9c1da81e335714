"""Tests of the embedded cloud: real children, the real boto3, the real asyncssh."""
