"""ESX 3.5 initrd driver map: the lines and the script that make ESX use a driver for one more PCI device."""
