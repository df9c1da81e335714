"""The embedded cloud: a child process that plays AWS and every host on the loopback interface.

`client` and `errors` are for everybody and need only the standard library; every other module runs in the
child (`python -m runctl_tui.sandbox`) and may import moto, werkzeug and asyncssh. It is no isolation: what
runs on its hosts runs as the user who started it.
"""
