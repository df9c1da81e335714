"""The sandbox's RunPod: GraphQL for the real SDK, API v2 for our client, and pods that are hosts like the instances."""
