"""Files out of the disks of a kept package, without a VM that runs and without root.

`names` writes names as text, `disk_files` opens disks, `layout` finds partitions and volumes, `trees` reads file
systems, and `reader` puts them together. Disks are hostile, so all of these run in a confined process (`child`), which
`readers` starts and asks. `archives` and `extract` write what it sends. The libraries are the extra `files`.
"""
