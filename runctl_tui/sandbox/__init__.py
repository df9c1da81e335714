"""The embedded cloud: a child process that plays AWS and every host on the loopback interface."""
