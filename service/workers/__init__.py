"""Parser processes: files and texts from outside are read in child processes that can be killed.

The parent (`pool`) and a child (`child`) exchange frames of JSON and bytes over pipes (`frames`); nothing is unpickled.
`functions` names what a child may run, and `confinement` sets its limits before it imports any parser.
"""
