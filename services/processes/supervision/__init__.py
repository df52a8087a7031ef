"""The program that starts agents and outlives the app: a zygote and its forked supervisors.

It runs in an interpreter of its own (``python -S -E -s .../supervision/__main__.py``), so it
imports the standard library only, and as little of that as it can: each import is paid once by
the zygote, and each forked supervisor shares the pages. Its modules import each other relatively
because there the package is called ``supervision``, not ``cc4tui.services.processes.supervision``.

Tree of processes::

    app > zygote (own session, subreaper)
            > supervisor of one agent (own session, subreaper, flock on the attempt folder)
                > agent (own session, dies with its supervisor) > whatever it starts

Linux in full. Elsewhere the same tree runs without subreaper, death signal and pidfds (see
`kernel`): loss of the app is then the end of its socket, and the end of an agent's tree is the end
of its process group, so descendants that made a session of their own are not found.
"""
