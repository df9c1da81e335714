"""The agent: everything that must happen on a training host itself, of the standard library for Python 3.6 and newer.

`services.training.agent_client` packs this package into one archive, ``~/.runctl/agent-XXXXXXXX.pyz`` on a host, calls
it as ``python3 agent-XXXXXXXX.pyz VERB`` with a JSON request on standard input, and is its only caller. Modules import
each other relatively, since the archive knows the package by a name of its own.

A run lives in ``~/.runctl/runs/RUN_ID``: ``run.json`` (the request, no values of variables), ``env`` (variables and
secrets), ``log``, ``pid``, ``pgid``, ``supervisor``, ``heartbeat``, ``state.json``, ``stop.json``, ``exit_code``,
``uploads.json`` and ``urls.json``. A detached supervisor owns the command and ``state.json``; a detached uploader
owns ``uploads.json`` and stays until everything is in S3.
"""
