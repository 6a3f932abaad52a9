"""Further copies of kept backups: targets behind rclone or in a directory, what they have, and its retention."""
