"""The one door: a function a task.  Text, paths, modules or objects in; arrays and a run folder out.

The command line, the experiments and a user's own scripts call these, each from the module of its name:

    from dgnam.api.visualize import visualize

What a function is called with is the spec that its run's record holds, so that a run begun here is resumed by
`dgnam resume`, and the other way round.
"""
