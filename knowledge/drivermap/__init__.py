"""The driver map in the initrd of ESX 3.5: the lines and the script that make ESX use a driver for one more PCI device.

Start at ``device.described``, then ``entries.entries`` for the lines and ``script.script`` for the shell script.
"""
