"""The commands, as the command line sees them: arguments and help. What they do is beside this folder."""
