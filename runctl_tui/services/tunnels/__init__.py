"""Tunnels to ports of hosts: forwarding, those that are kept in a process of their own, and the list of all."""
