"""Code on its way to a host: what is sent (all that git does not ignore), and sending only what changed."""
