"""What vmkops keeps in its databases, in one file, for another machine or another kind of database."""
