"""The program `jaxelph`.

`cli` finds the subcommands of `commands`, one file each, and turns what goes wrong into a
sentence; `surroundings` minds the process, `compilation_cache` keeps compiled functions.
"""
