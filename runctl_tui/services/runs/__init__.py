"""The register of training runs: what is known here, what the hosts say, and the mirrored logs."""
